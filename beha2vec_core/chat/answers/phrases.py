"""Pieces of the sentences of an answer: intervals, names of groups, what is chosen, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from beha2vec_core.chat.queries.nearest import in_words
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.words import between, number
from beha2vec_core.words import day as day_words

UNKNOWN = "(unknown)"


def interval(count: int, total: int, effective: float | None) -> tuple[float, float] | None:
    """Of a share with as many independent rows as it rests on."""
    if not total or not effective:
        return None
    low, high = wilson_interval([count / total * effective], [effective])
    return float(low[0]), float(high[0])


def ends_of(count: int, total: int, effective: float | None) -> str:
    """The interval of a share in words."""
    ends = interval(count, total, effective)
    return f"95 % interval {between(number(ends[0], 'share'), number(ends[1], 'share'))}" if ends else "no interval"


def cell(value: object) -> str:
    """The name of a group."""
    if isinstance(value, date):
        return value.isoformat()
    return UNKNOWN if value is None else clean_text(str(value), limit=80)


def where_of(query: Query) -> str:
    """What is chosen, in brackets."""
    chosen = [
        f"{'not ' if one.is_excluded else ''}{'cluster ' if one.dimension.startswith('cluster') else ''}"
        f"{that_of(one)}{f'{DIMENSIONS[one.dimension].label} ' * one.dimension.startswith('first_')}{in_words(one)}"
        for one in query.filters
        if (one.dimension not in query.by or one.is_excluded) and not _is_of_others(one, query)
    ]
    return f" ({', '.join(chosen)})" if chosen else ""


def _is_of_others(one: Filter, query: Query) -> bool:
    """Whether a filter leaves out what another one is about: what else is in orders that have a tent."""
    return one.is_excluded and any(
        replace(one, is_excluded=False) in did.filters for f in query.filters for did in f.did
    )


def that_of(one: Filter) -> str:
    """Users who, sessions that: before what was done."""
    return f"{DIMENSIONS[one.dimension].label}s {'who' if one.dimension == 'user' else 'that'} " if one.did else ""


def when_of(period: Period | None) -> str:
    """The days of a query; nothing for all of them."""
    if period is None:
        return ""
    return f" on {period.in_words}" if period.first == period.last else f" from {period.in_words}"


def plural(dimension: str) -> str:
    """Several groups of a dimension: countries."""
    return plural_of(DIMENSIONS[dimension].label)


def plural_of(word: str) -> str:
    """The plural of a noun."""
    return f"{word[:-1]}ies" if word.endswith("y") and not word.endswith("day") else f"{word}s"


def what_of(result: Result) -> str:
    """What the values are: Revenue (mobile) from 4 May to 10 May 2026."""
    query = result.query
    what, where = f"{'Share of ' if query.is_share else ''}{result.metric.label}", where_of(query)
    if what.endswith(")") and where:  # one bracket
        what, where = what[:-1], f"; {where.removeprefix(' (')}"
    return f"{capitalized(what)}{where}{when_of(query.period)}"


def group_in_words(query: Query, row: dict[str, Any]) -> str:
    """The group of a row: mobile / week of 4 May 2026."""
    shown = []
    for name in query.by:
        value = row[name]
        when = f"week of {day_words(value)}" if name == "week" else f"{value:%B %Y}" if name == "month" else ""
        if name == "quarter":
            when = f"Q{(value.month + 2) // 3} {value.year}"
        if name == "year":
            when = str(value.year)
        if name == "day" and isinstance(value, date):
            when = day_words(value)
        if name == "hour" and value is not None:
            when = f"{value}:00 to {value}:59"
        prefix = "cluster " if name.startswith("cluster") else "order " if name == "one_order" else ""
        shown.append(when or f"{prefix}{cell(value)}")
    return " / ".join(shown)


def of_whole(query: Query, row: dict[str, Any]) -> float | None:
    """The value of a row; of a share, of its whole."""
    value = row.get("value")
    if value is None:
        return None
    if query.is_share:
        return float(value) / float(row["total"]) if row.get("total") else None
    return float(value)


def row_before(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row in the other period; empty where there is none."""
    return {name.removesuffix("_before"): one for name, one in row.items() if name.endswith("_before")}


def capitalized(text: str) -> str:
    """The text with its first letter as a capital; others stay as they are."""
    return f"{text[:1].upper()}{text[1:]}"
