"""Semantic queries for language models: as k-anonymous and as rounded as the tables of the schema ``anonymous``.

They are computed by the same query (`beha2vec_core.store.anonymous.groups_query`). As its tables do, a query has two
dimensions at most. Besides, a filter has one value, and the period is one of few: from many that overlap, the numbers
of a few users could be found.
"""

import re
from datetime import date, timedelta
from typing import Any

import duckdb

from beha2vec_core.semantic.compiler import compile_by_user, place
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.query import Period, Query, add_months
from beha2vec_core.store.anonymous import PERSON, Measure, groups_query, of_users
from beha2vec_core.store.catalog import named_rows
from beha2vec_core.store.sample import is_drawn, stands_for

LAST_DAYS = (7, 28, 90)
_ROWS = 50
_MOST_DIMENSIONS = 2


class NotAnonymous(ValueError):
    """The query could tell of few users; the message says what can be asked."""


def period_of(text: str, days: Period) -> Period | None:
    """The period that ``all``, ``last 28 days``, ``2026-04`` or ``2026-W18`` names in data of these days.

    Raises:
        NotAnonymous: it names another.
    """
    text = text.strip().lower()
    if text in ("", "all"):
        return None
    if (found := re.fullmatch(r"last (\d{1,2}) days", text)) and int(found[1]) in LAST_DAYS:
        return Period(days.last - timedelta(days=int(found[1]) - 1), days.last)
    try:
        if found := re.fullmatch(r"(\d{4})-w(\d{1,2})", text):
            monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
            return Period(monday, monday + timedelta(days=6))
        if found := re.fullmatch(r"(\d{4})-(\d{2})", text):
            first = date(int(found[1]), int(found[2]), 1)
            return Period(first, add_months(first, 1) - timedelta(days=1))
    except ValueError:
        pass
    shown = ", ".join(f"last {number} days" for number in LAST_DAYS)
    raise NotAnonymous(f"no such period: all, {shown}, a month such as 2026-04, or a week such as 2026-W18")


def run_anonymous(connection: duckdb.DuckDBPyConnection, query: Query) -> list[dict[str, Any]]:
    """The query's rows, the largest first: a column per breakdown, users, value, and of a rate part and base.

    Numbers of fewer than 20 users are null, groups of fewer are merged or left out. With a comparison, the value of the
    other period is ``before``.

    Raises:
        NotAnonymous: the query could tell of few users.
        NotAnswerable: no table has what it asks for.
        duckdb.CatalogException: published by an earlier release.
    """
    dimensions = [*query.by, *(one.dimension for one in query.filters)]
    if any(DIMENSIONS[name].kind == "user" for name in dimensions) or query.is_share:
        raise NotAnonymous("single users and shares of a total cannot be asked for")
    tells_of_others = query.against_rest or any(one.is_excluded for one in query.filters)
    if query.over is not None or query.counts_groups or query.having or tells_of_others:
        raise NotAnonymous("numbers of groups, and all but one of them, cannot be asked for")
    if query.top_of_each or query.per:
        raise NotAnonymous("the first of each group, and ratios of two metrics, cannot be asked for")
    if len(dimensions) > _MOST_DIMENSIONS or any(len(one.values) > 1 for one in query.filters):
        raise NotAnonymous("give two dimensions at most, and one value of a filter")
    rows = _groups(connection, query, query.period)
    if query.versus:
        before = {
            tuple(row[name] for name in query.by): row["value"] for row in _groups(connection, query, query.versus)
        }
        rows = [row | {"before": before.get(tuple(row[name] for name in query.by))} for row in rows]
    return rows


def _groups(connection: duckdb.DuckDBPyConnection, query: Query, period: Period | None) -> list[dict[str, Any]]:
    metric, _, measure = place(query)
    if "median(" in measure.value:
        raise NotAnonymous("a median cannot be asked for")
    whole = metric.unit in ("count", "share")
    measures = [Measure("part", "sum(part)", "", whole=whole)]
    measures += [Measure("base", "sum(base)", "")] if measure.per else []
    texts = {name for name in query.by if DIMENSIONS[name].kind == "text"}
    ((key,),) = connection.execute("select key from beha2vec.rounding").fetchall()
    one_in = stands_for(connection)
    of_query = f"({compile_by_user(query, period)}) where user_key is not null and {is_drawn(one_in)}"
    rows = f"from (select *, {PERSON} from {of_query})"
    statement = _by(rows, query.by, texts, measures, one_in) if query.by else _of_all(rows, measures, one_in)
    found = named_rows(connection.execute(statement, [key]))
    for row in found:
        row.pop("everyone", None)
        part, base = row["part"], row.get("base")
        row["value"] = part if not measure.per else part / base if part is not None and base else None
        if not measure.per:
            del row["part"]
    in_time = any(DIMENSIONS[name].kind == "time" for name in query.by)
    if not in_time:
        found.sort(key=lambda row: -(row["value"] or 0))
    return found[-_ROWS:] if in_time else found[: query.top or _ROWS]


def _of_all(rows: str, measures: list[Measure], one_in: int) -> str:
    return _by(f"from (select *, 1 as everyone {rows})", ("everyone",), set(), measures, one_in)


def _by(rows: str, by: tuple[str, ...], texts: set[str], measures: list[Measure], one_in: int) -> str:
    return groups_query(f"from ({of_users(rows, by, measures)})", by, texts, measures, one_in=one_in)
