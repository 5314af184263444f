"""Who is in each audience, day by day: who entered, who stayed, who left."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.audiences.names import USERS
from beha2vec_core.audiences.rule import audience_table
from beha2vec_core.audiences.selection import selection_sql
from beha2vec_core.progress import with_progress
from beha2vec_core.store.catalog import has_table
from beha2vec_core.store.warehouse import transaction

_TABLE = "beha2vec.audience_members"
_GONE = "the audience is no longer in the file"
_RULE = "no longer fits the rule"


def audiences_of_night(connection: duckdb.DuckDBPyConnection, path: Path) -> list[Audience]:
    """The audiences of the file, for a run that nobody watches.

    Raises:
        AudienceError: the file cannot be read, or is gone while audiences have members.
    """
    if not path.exists() and counts(connection):
        raise AudienceError(
            f"{path} is not there, and there are audiences with members: restore it, set BEHA2VEC_AUDIENCES_FILE to "
            "its whole path, or write an empty list ([]) to end all audiences"
        )
    return load_audiences(path)


def usable(
    connection: duckdb.DuckDBPyConnection,
    audiences: Sequence[Audience],
    *,
    strict: bool,
    of: Sequence[Audience] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Run the rules of audiences.

    Args:
        strict: see `audience_sql`.
        of: those to run; default: all.

    Returns:
        a table of members (see `audience_table`) for each audience that can be used; what is wrong with others, a
        sentence each.
    """
    tables: dict[str, str] = {}
    problems: list[str] = []
    for audience in audiences if of is None else of:
        try:
            tables[audience.name] = audience_table(connection, audience, audiences, strict=strict)
        except AudienceError as error:
            problems.append(str(error))
    return tables, problems


def is_due(audience: Audience, day: date, found: date | None) -> bool:
    """Whether a night finds the members of an audience again: the first one since the last day that ``refresh`` names.

    Args:
        found: the day on which the rule found the members; None: there are none.
    """
    # day 1 was a Monday: weeks begin with it
    last = day - timedelta(days=(day.toordinal() - 1) % audience.refresh)
    return found is None or found < last


def write_members(
    connection: duckdb.DuckDBPyConnection, audiences: Sequence[Audience], day: date, secret: bytes
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Replace the day's rows of ``beha2vec.audience_members``, at once.

    A user is compared with the last day that was written before: ``entered``, ``stayed``, or ``left`` (a row on that
    day only). The members of an audience that is not due (`is_due`) stay, and are selected again: consent,
    exclusions, cap and hold-out are of every night. Those of an audience whose rule cannot be used stay as they were. A
    day before the last one that was written is left as it is: rules read what is known now.

    Args:
        secret: the key of the installation (`privacy.key.key`), for the hold-out.

    Returns:
        the users of each audience by state, and what is wrong, a sentence each.
    """
    ((newest,),) = connection.execute(f"select max(event_date) from {_TABLE}").fetchall()
    if newest and day < newest:
        return {}, [f"{day} is not written: there are members of {newest} already, and rules read what is known now"]
    connection.execute(
        f"""create or replace temp table before_members as
        select * replace (coalesce(found_on, event_date) as found_on) from {_TABLE}
        where state <> 'left' and event_date = (select max(event_date) from {_TABLE} where event_date < $day)""",
        {"day": day},
    )
    found = dict(connection.execute("select audience, min(found_on) from before_members group by audience").fetchall())
    due = {audience.name for audience in audiences if is_due(audience, day, found.get(audience.name))}
    # of all users, so that the members of before are among them
    tonight = [one if one.name in due else one.model_copy(update={"rule": "true"}) for one in audiences]
    tables, problems = usable(connection, audiences, strict=False, of=tonight)
    kept = [audience.name for audience in audiences if audience.name not in tables]
    # who withdrew consent or was forgotten since is no longer a user
    still = f"semi join {USERS} using (property_id, user_key)" if has_table(connection, USERS) else ""
    with transaction(connection):
        connection.execute(
            f"delete from {_TABLE} where event_date = $day and not list_contains($kept::varchar[], audience)",
            {"day": day, "kept": kept},
        )
        connection.execute(
            f"""insert into {_TABLE} by name
            select $day as event_date, audience, property_id, user_key, 'stayed' as state, why, step, found_on
            from before_members {still}
            where list_contains($kept::varchar[], audience)
                and audience not in (select audience from {_TABLE} where event_date = $day)""",
            {"day": day, "kept": kept},
        )
        usable_ones = [audience for audience in audiences if audience.name in tables]
        for audience in with_progress(usable_ones, title="members", unit="audience"):
            table = tables[audience.name]
            if audience.name not in due:
                table = f"""(
                    select now.* replace (before.why as why) from {table} as now
                    join (from before_members where audience = '{audience.name}') as before
                        on now.property_id = before.property_id and now.user_key = before.user_key)"""
            connection.execute(
                f"""insert into {_TABLE} by name
                select $day as event_date, $name as audience,
                    coalesce(now.property_id, before.property_id) as property_id,
                    coalesce(now.user_key, before.user_key) as user_key,
                    case when now.user_key is null then 'left' when before.user_key is null then 'entered'
                        else 'stayed' end as state,
                    coalesce(now.why, '{_RULE}') as why, now.step,
                    case when $due then $day else before.found_on end as found_on
                from ({selection_sql(audience, table, secret)}) as now
                full join (from before_members where audience = $name) as before
                    on now.property_id = before.property_id and now.user_key = before.user_key""",
                {"day": day, "name": audience.name, "due": audience.name in due},
            )
        connection.execute(
            f"""insert into {_TABLE} by name
            select $day as event_date, audience, property_id, user_key, 'left' as state, '{_GONE}' as why
            from before_members where not list_contains($names::varchar[], audience)""",
            {"day": day, "names": [audience.name for audience in audiences]},
        )
        connection.execute("drop table before_members")
    return counts(connection, day), problems


def counts(connection: duckdb.DuckDBPyConnection, day: date | None = None) -> dict[str, dict[str, int]]:
    """The users of each audience by state, on a day; without one, the members on the last day."""
    where = "event_date = $day" if day else f"state <> 'left' and event_date = (select max(event_date) from {_TABLE})"
    found = connection.execute(
        f"select audience, state, count(*) from {_TABLE} where {where} group by all order by all",
        {"day": day} if day else {},
    ).fetchall()
    table: dict[str, dict[str, int]] = {}
    for audience, state, users in found:
        table.setdefault(audience, {})[state] = users
    return table
