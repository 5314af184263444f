"""Dagster's records where they are in PostgreSQL, as on a server: people are found there, and taken out of texts.

In SQLite they are files, and treated like all files. Compressed plans of jobs are searched, and deleted where no run
has them.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml

from beha2vec_core.privacy.forgetting.find import Found, value_names
from beha2vec_core.privacy.forgetting.remove import Removed
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.people import People
from beha2vec_core.store.sql import identifier

POSTGRESQL = Path("PostgreSQL")  # the place, where others have a file
# a run has two plans: the one of its job in a column, and that of its steps in its text
_DELETE_PLAN = """delete from snapshots where ctid = %s and not exists (
    select from runs where runs.snapshot_id = snapshots.snapshot_id or position(snapshots.snapshot_id in run_body) > 0
)"""
_WITH_TEXT = ["text", "character varying", "json", "jsonb", "bytea"]


def find_in_records(dagster_home: Path | None, people: People) -> Iterator[Found]:
    """Every table and column of Dagster's PostgreSQL that has one of the people.

    Raises:
        PrivacyError: the database cannot be opened.
    """
    for address in _addresses(dagster_home):
        with _opened(address) as connection, connection:
            for table, columns in _tables(connection).items():
                rows = dict.fromkeys(columns, 0)
                for _, values in _rows(connection, table, columns):
                    for column, value in values.items():
                        rows[column] += value_names(value, people)
                yield from (Found(POSTGRESQL, table, column, number) for column, number in rows.items() if number)


def remove_from_records(dagster_home: Path | None, people: People, resuming: bool) -> list[Removed]:
    """Take the people out of the texts of Dagster's PostgreSQL; the events stay.

    Args:
        resuming: an earlier removal was cut off, perhaps before it rewrote the tables that it had changed.

    Raises:
        PrivacyError: the database cannot be opened.
    """
    done: list[Removed] = []
    for address in _addresses(dagster_home):
        with _opened(address) as connection:
            with connection:
                of_database = [_take_out(connection, *table, people) for table in _tables(connection).items()]
            changed = [one for one in of_database if one.rows or one.texts]
            connection.autocommit = True
            with connection.cursor() as cursor:
                for one in of_database if resuming else changed:  # the old rows stay in the table's file until then
                    cursor.execute(f"vacuum full {identifier(one.table)}")
            done += changed
    return done


def _take_out(connection: Any, table: str, columns: dict[str, str], people: People) -> Removed:
    rows = texts = 0
    with connection.cursor() as cursor:
        # rows keep their place (ctid) until the end
        cursor.execute(f"lock table {identifier(table)} in share row exclusive mode")
        for place, values in _rows(connection, table, columns):
            named = {one: value for one, value in values.items() if isinstance(value, str) and people.named_in(value)}
            if named:
                changes = ", ".join(f"{identifier(one)} = %s" for one in named)
                cursor.execute(
                    f"update {identifier(table)} set {changes} where ctid = %s",
                    [*map(people.taken_out_of, named.values()), place],
                )
                texts += len(named)
            elif table == "snapshots" and any(value_names(value, people) for value in values.values()):
                cursor.execute(_DELETE_PLAN, [place])
                rows += cursor.rowcount
    return Removed(POSTGRESQL, table, rows, texts)


def _rows(connection: Any, table: str, columns: dict[str, str]) -> Iterator[tuple[str, dict[str, str | bytes | None]]]:
    """The place of each row, and what its columns hold; a part of the table at once, as it was at the start."""
    selected = ", ".join(
        identifier(one) if kind == "bytea" else f"{identifier(one)}::text" for one, kind in columns.items()
    )
    with connection.cursor("rows") as cursor:
        cursor.execute(f"select ctid::text, {selected} from {identifier(table)}")
        for place, *values in cursor:
            plain = (bytes(one) if isinstance(one, memoryview) else one for one in values)
            yield place, dict(zip(columns, plain, strict=True))


def _tables(connection: Any) -> dict[str, dict[str, str]]:
    """The columns of each table that can hold a text, with their types."""
    tables: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """select table_name, column_name, data_type
            from information_schema.columns join information_schema.tables using (table_schema, table_name)
            where table_schema = current_schema() and table_type = 'BASE TABLE' and data_type = any(%s)
            order by 1, 2""",
            [_WITH_TEXT],
        )
        for table, column, kind in cursor:
            tables.setdefault(table, {})[column] = kind
    return tables


@contextmanager
def _opened(address: dict[str, Any]) -> Iterator[Any]:
    import psycopg2  # comes with dagster-postgres

    try:
        with closing(psycopg2.connect(**address)) as connection:
            yield connection
    except psycopg2.Error as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PrivacyError(f"Dagster's records in PostgreSQL cannot be read or changed: {why}") from None


def _addresses(dagster_home: Path | None) -> list[dict[str, Any]]:
    """How to connect to each database that ``dagster.yaml`` names."""
    config = dagster_home / "dagster.yaml" if dagster_home else None
    if config is None or not config.exists():
        return []
    found: list[dict[str, Any]] = []
    for one in _storages(yaml.safe_load(config.read_text(encoding="utf-8"))):
        if one not in found:
            found.append(one)
    return found


def _storages(config: object) -> Iterator[dict[str, Any]]:
    if not isinstance(config, dict):
        return
    if "postgres_url" in config:
        yield {"dsn": str(_value(config["postgres_url"])).replace("postgresql+psycopg2:", "postgresql:", 1)}
    elif isinstance(config.get("postgres_db"), dict):
        given = {name: _value(value) for name, value in config["postgres_db"].items()}
        yield {
            "host": given["hostname"],
            "port": given.get("port", 5432),
            "user": given["username"],
            "password": given["password"],
            "dbname": given["db_name"],
            **given.get("params", {}),
        }
    else:
        for value in config.values():
            yield from _storages(value)


def _value(given: Any) -> Any:
    """A value of Dagster's configuration, which may be in the environment."""
    if not isinstance(given, dict) or set(given) != {"env"}:
        return given
    if given["env"] not in os.environ:
        raise PrivacyError(f"dagster.yaml reads {given['env']}, which is not set: run this as Dagster's services run")
    return os.environ[given["env"]]
