"""Who is in each audience, day by day: who entered, who stayed, who left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from beha2vec_core.audiences.file import Audience, AudienceError
from beha2vec_core.audiences.rule import audience_sql
from beha2vec_core.store.warehouse import transaction

TABLE = "beha2vec.audience_members"
_GONE = "the audience is no longer in the file"
_RULE = "no longer fits the rule"


def usable(connection: duckdb.DuckDBPyConnection, audiences: Sequence[Audience]) -> tuple[dict[str, str], list[str]]:
    """The SQL of each audience that can be used (see `audience_sql`); what is wrong with others, a sentence each."""
    queries: dict[str, str] = {}
    problems: list[str] = []
    for audience in audiences:
        try:
            queries[audience.name] = audience_sql(connection, audience, audiences)
        except AudienceError as error:
            problems.append(str(error))
    return queries, problems


def write_members(
    connection: duckdb.DuckDBPyConnection, audiences: Sequence[Audience], day: date
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Replace the day's rows of ``beha2vec.audience_members``, at once.

    A user is compared with the newest day before: ``entered``, ``stayed``, or ``left`` (a row on that day only). The
    members of an audience whose rule cannot be used stay as they were on that day.

    Returns:
        the users of each audience by state, and what is wrong, a sentence each.
    """
    queries, problems = usable(connection, audiences)
    with transaction(connection):
        connection.execute(
            f"""create or replace temp table before_members as
            from {TABLE} where event_date < $day and state <> 'left'
            qualify event_date = max(event_date) over ()""",
            {"day": day},
        )
        connection.execute(f"delete from {TABLE} where event_date = $day", {"day": day})
        kept = [audience.name for audience in audiences if audience.name not in queries]
        connection.execute(
            f"""insert into {TABLE}
            select $day, audience, property_id, user_key, 'stayed', why from before_members
            where list_contains($kept::varchar[], audience)""",
            {"day": day, "kept": kept},
        )
        for name, query in queries.items():
            connection.execute(
                f"""insert into {TABLE}
                select $day, $name, coalesce(now.property_id, before.property_id),
                    coalesce(now.user_key, before.user_key),
                    case when now.user_key is null then 'left' when before.user_key is null then 'entered'
                        else 'stayed' end,
                    coalesce(now.why, '{_RULE}')
                from (from ({query}) where is_member) as now
                full join (from before_members where audience = $name) as before
                    on now.property_id = before.property_id and now.user_key = before.user_key""",
                {"day": day, "name": name},
            )
        connection.execute(
            f"""insert into {TABLE} select $day, audience, property_id, user_key, 'left', '{_GONE}'
            from before_members where not list_contains($names::varchar[], audience)""",
            {"day": day, "names": [audience.name for audience in audiences]},
        )
        connection.execute("drop table before_members")
    return counts(connection, day), problems


def counts(connection: duckdb.DuckDBPyConnection, day: date | None = None) -> dict[str, dict[str, int]]:
    """The users of each audience by state, on a day, or on the newest one."""
    found = connection.execute(
        f"""select audience, state, count(*) from {TABLE}
        where event_date = coalesce($day, (select max(event_date) from {TABLE})) group by all order by all""",
        {"day": day},
    ).fetchall()
    table: dict[str, dict[str, int]] = {}
    for audience, state, users in found:
        table.setdefault(audience, {})[state] = users
    return table
