"""The people of a group, and a rate, spread over the main dimensions; and other metrics beside one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from beha2vec_core.chat.answers.measured import numbers_of, short
from beha2vec_core.chat.answers.phrases import capitalized, cell
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.queries.nearest import reaches_all
from beha2vec_core.chat.queries.own_queries import SHARED
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, PEOPLE_COUNTED
from beha2vec_core.semantic.layer import Contents, Result
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.words import number

Measure = Callable[[Query], Result]

BESIDE_BUYERS = ("orders", "revenue", "aov", "items_per_order")  # sessions are those of all users
_SPREAD = ("device", "channel", "country", "new_or_returning", "landing_page")
_FEWEST = 10  # sessions, users or orders of a group whose rate is shown
_SHOWN = 3  # groups of a dimension


def beside_it(query: Query, names: Iterable[str], measure: Measure, days: Period) -> list[str]:
    """Other metrics of the same rows, a line each; none beside a share."""
    names = () if query.is_share else names
    found = [replace(query, metric=name, explains=False) for name in names if name != query.metric]
    lines = [f"- {numbers_of(measure(one), days)}" for one in found if reaches_all(one)]
    return ["\n".join(("Also:", *lines))] if lines else []


def of_people(query: Query) -> Query | None:
    """The query for the people that "who" asks for; None where it is about all users, whose kinds the clusters are."""
    if query.top or query.versus or query.counts_groups or query.limits or query.having or query.is_share:
        return None
    metric = "buyers" if query.metric in ("items_sold", "buyer_share") else query.metric
    if metric not in PEOPLE_COUNTED or not {*query.by} <= {*DIMENSIONS} - {"user", "cluster", "day", "step"}:
        return None
    people = replace(query, metric=metric, ascending=None)
    is_all = metric == "users" and not (query.filters or query.period)
    return None if is_all or not reaches_all(replace(people, by=())) else people


def profile(query: Query, measure: Measure) -> tuple[list[str], SqlAnswer | None]:
    """The largest groups of the people of a query: sentences, and a table."""
    whole = replace(query, by=())
    rows, lines, statement = [], [], ""
    names = query.by or tuple(name for name in SHARED if name not in {one.dimension for one in query.filters})
    for name in names:
        asked = replace(whole, by=(name,), ascending=False)
        if not reaches_all(asked):
            continue
        result = measure(asked)
        total = float(measure(whole).rows[0]["value"] or 0)
        shown = [row for row in result.rows if row["value"] and row[name] is not None][: _SHOWN if not query.by else 12]
        label, statement = DIMENSIONS[name].label, statement or result.statement
        parts = []
        for row in shown:
            share = number(row["value"] / total, "share") if total else ""
            parts.append(f"{cell(row[name])} {row['value']:,} ({share})")
            rows.append([label, cell(row[name]), row["value"], share])
        if parts:
            lines.append(f"{capitalized(label)}: {', '.join(parts)}.")
    columns = ["dimension", "group", METRICS[query.metric].label, "share"]
    return lines, SqlAnswer(statement, columns, [False, False, True, False], rows) if rows else None


def rate_of(query: Query) -> Query | None:
    """The rate whose reason a question asks for, of the funnel that of its first step; None: it asks for a change."""
    if query.versus or (query.by and query.by != ("step",)):
        return None
    steps = [one.values[0][:1] for one in query.filters if one.dimension == "step"]
    if query.metric == "funnel":
        rate = {"3": "checkout_abandonment", "2": "cart_abandonment"}.get(steps[0] if steps else "", "conversion_rate")
        filters = tuple(one for one in query.filters if one.dimension != "step")
        return Query(rate, (), filters, query.period)
    return replace(query, explains=False) if METRICS[query.metric].unit == "share" else None


def spread(query: Query, contents: Contents, measure: Measure) -> tuple[list[str], SqlAnswer | None]:
    """A rate by each of the main dimensions, of groups with enough: sentences with its ends, and a table."""
    lines, rows, statement, metric = [], [], "", METRICS[query.metric]
    chosen = {one.dimension for one in query.filters}
    for name in (name for name in _SPREAD if name not in chosen):
        values = contents.values.get(name, []) if name in ("channel", "device") else []  # named: also small groups
        asked = replace(query, by=(name,), filters=(*query.filters, *([Filter(name, tuple(values))] if values else [])))
        if not reaches_all(asked):
            continue
        result = measure(asked)
        if not any(row["value"] for row in result.rows):  # 0 of all groups
            continue
        found = [
            row for row in result.rows if row["value"] is not None and row[name] is not None and row["n"] >= _FEWEST
        ]
        largest = sorted(found, key=lambda row: -row["n"])[:5]
        found = sorted(largest, key=lambda row: -row["value"])
        label, statement = DIMENSIONS[name].label, statement or result.statement
        texts = [f"{cell(row[name])} {short(metric, metric.unit, float(row['value']), row)}" for row in found]
        for row, text in zip(found, texts, strict=True):
            shown = cell(row[name])
            rows.append([label, shown, text.removeprefix(f"{shown} "), row["n"]])
        if len(found) > 1:
            ends = [f"{texts[place]} (n = {found[place]['n']:,})" for place in (0, -1)]
            lines.append(f"{capitalized(label)}: {' to '.join(ends)}.")
    columns: list[Any] = ["dimension", "group", metric.label, metric.n_of or "n"]
    return lines, SqlAnswer(statement, columns, [False, False, False, True], rows) if rows else None
