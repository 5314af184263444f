"""Who allowed personal ads, from GA4's daily tables ``pseudonymous_users_YYYYMMDD`` and ``users_YYYYMMDD``.

Their field ``privacy_info.is_ads_personalization_allowed`` is ``true``, ``false`` or ``(not set)``
(https://support.google.com/analytics/answer/12769371). A day's tables have the users of whom a field changed on it.
Nothing else of them is stored: one file a property and day, of device ids or login ids with what is known.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from beha2vec_core.files import replacing
from beha2vec_core.ga4.parquet import escape_glob
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.source_files import SourceFile, on_this_machine
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote
from beha2vec_core.words import counted

_COLUMNS = """pseudo_user_id: 'varchar', user_id: 'varchar',
    privacy_info: 'struct(is_ads_personalization_allowed varchar)'"""


@dataclass
class UserTablesReport:
    """What was read of the tables of users."""

    days: list[date] = field(default_factory=list)  # days of which a file was written
    users: int = 0  # devices and logins in these files
    denied: int = 0  # those of them who did not allow personal ads
    forgotten: int = 0  # rows of forgotten people, left out
    problems: list[str] = field(default_factory=list)  # files that could not be read, and rows of others, as sentences


def users_file(users_path: Path, property_id: str, day: date) -> Path:
    """The file of one property and day."""
    return users_path / f"property_id={property_id}" / f"event_date={day.isoformat()}" / "users.parquet"


def due_tables(
    tables: Iterable[SourceFile], days: Collection[date], users_path: Path, since: date | None
) -> list[SourceFile]:
    """The tables that `ingest_user_tables` reads."""
    return [
        table
        for table in tables
        if table.day is not None
        and (
            table.day in days
            or (
                table.day < max(days)
                and (since is None or table.day >= since)
                and not users_file(users_path, table.property_id, table.day).exists()
            )
        )
    ]


def ingest_user_tables(
    tables: Sequence[SourceFile], days: Collection[date], users_path: Path, since: date | None = None
) -> UserTablesReport:
    """Read the tables of the days, and earlier ones that were never read, and replace the files of their days.

    A day of which a table cannot be read keeps the file that it has.

    Args:
        since: the first day that retention keeps.
    """
    report = UserTablesReport()
    report.problems += [f"{table.name} names no day, and was left out" for table in tables if table.day is None]
    due: defaultdict[tuple[str, date], list[SourceFile]] = defaultdict(list)
    for table in due_tables(tables, days, users_path, since):
        due[table.property_id, table.day].append(table)  # type: ignore[index]  # due ones have a day
    for (property_id, day), of_day in sorted(due.items()):
        with limits.connect() as connection:
            connection.execute("create table users (user_pseudo_id varchar, user_id varchar, allowed varchar)")
            if not _read(connection, of_day, report):
                continue
            with Forgotten(users_path.parent).held() as hashes:
                _protect(connection, users_path.parent, hashes, report)
                _write(connection, users_file(users_path, property_id, day), report)
            report.days.append(day)
    return report


def load_user_table(
    connection: duckdb.DuckDBPyConnection, table: SourceFile, insert: str, columns: str, values: Sequence[object] = ()
) -> str | None:
    """Insert what a table of users holds; why it cannot be read, without quoting it, or None. Broken lines are null.

    Args:
        table: the file, JSON or parquet.
        insert: SQL up to ``from``.
        columns: those of a JSON file that are read, as `read_json` takes them.
        values: for the ``?`` of ``insert``.
    """
    readers = {"parquet": "read_parquet(?)", "ndjson": f"read_json(?, ignore_errors = true, columns = {{{columns}}})"}
    if table.format not in readers:
        return "it is neither JSON nor parquet"
    try:
        with on_this_machine(table) as here:
            connection.execute(f"{insert} from {readers[table.format]}", [*values, escape_glob(here.path)])
    except UnreadableFileError as error:
        return str(error)
    except (duckdb.Error, RuntimeError, UnicodeError) as error:  # the latter two where a damaged footer garbles names
        return type(error).__name__
    return None


def _read(connection: duckdb.DuckDBPyConnection, tables: Sequence[SourceFile], report: UserTablesReport) -> bool:
    """Read the tables of a day; whether all could be read."""
    for table in tables:
        of_devices = "pseudonymous" in table.name
        ids = "pseudo_user_id, null" if of_devices else "null, user_id"
        select = f"insert into users select {ids}, lower(privacy_info.is_ads_personalization_allowed::varchar)"
        if why := load_user_table(connection, table, select, _COLUMNS):
            report.problems.append(f"{table.name} cannot be read ({why}), so its day stays as it was")
            return False
    ((lost,),) = connection.execute("delete from users where coalesce(user_pseudo_id, user_id) is null").fetchall()
    if lost:
        report.problems.append(f"{counted(int(lost), 'row')} of {tables[0].name} without an id or not valid, left out")
    return True


def _protect(
    connection: duckdb.DuckDBPyConnection, data_dir: Path, hashes: frozenset[str], report: UserTablesReport
) -> None:
    """Leave out forgotten people; login ids as they are stored elsewhere."""
    if hashes:
        ids = connection.execute("select distinct coalesce(user_pseudo_id, user_id) from users").fetchall()
        known = sorted(Forgotten(data_dir).those_of((one for (one,) in ids), hashes))
        ((left_out,),) = connection.execute(
            "delete from users where list_contains(?::varchar[], coalesce(user_pseudo_id, user_id))", [known]
        ).fetchall()
        report.forgotten += int(left_out)
    login_ids = LoginIds(data_dir)
    logins = [
        one for (one,) in connection.execute("select distinct user_id from users where user_id is not null").fetchall()
    ]
    hashed = {login: stored for login in logins if (stored := login_ids.judged(login)) != login}
    if hashed:
        connection.execute(
            """update users set user_id = hashed.stored
            from (select unnest(?::varchar[]) as login, unnest(?::varchar[]) as stored) as hashed
            where user_id = hashed.login""",
            [list(hashed), list(hashed.values())],
        )


def _write(connection: duckdb.DuckDBPyConnection, target: Path, report: UserTablesReport) -> None:
    """Write who allowed personal ads and who did not; of several rows of a user the one that did not."""
    connection.execute(
        """create table known as select user_pseudo_id, user_id, bool_and(allowed = 'true') as is_allowed
        from users where allowed in ('true', 'false') group by all order by all"""
    )
    ((users, denied),) = connection.execute("select count(*), count(*) filter (not is_allowed) from known").fetchall()
    with replacing(target) as temporary:
        connection.execute(f"copy known to {quote(temporary)} (format parquet)")
    report.users += int(users)
    report.denied += int(denied)
