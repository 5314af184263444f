"""What is different about a group, in words and as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beha2vec_core.chat.answers.per_day import plain_value
from beha2vec_core.chat.answers.phrases import where_of, without_host
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.queries.nearest import reaches_all
from beha2vec_core.chat.reading.contrasts import Contrast
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import number

_DIMENSIONS = ("device", "channel", "country", "new_or_returning", "source", "landing_page")
_METRICS = ("pages_per_session", "engagement_time", "engaged_rate", "conversion_rate", "sessions_per_user")
_ROWS = 3  # groups of a dimension in the table
_NAMED = 3  # differences in words
_SMALL = 0.02  # a difference that is not shown


def contrasted(contrast: Contrast, measure: Callable[[Query], Result], days: Period) -> tuple[str, SqlAnswer | None]:
    """The largest differences between two groups in words, and all of them as a table."""
    sides = contrast.group, contrast.other
    totals = [_total(measure(one)) for one in sides]
    metric = METRICS[contrast.group.metric]
    unit, names = metric.label, [where_of(one, metric).strip() for one in sides]
    names[1] = "all others" if contrast.is_rest and len(contrast.group.filters) == 1 else names[1] or f"all {unit}"
    lines = [f"{unit.capitalize()} {names[0]}: {totals[0]:,}; {names[1]}: {totals[1]:,}."]
    looked = f"Looked up: {unit} {names[0]} and {names[1]}, by {_labels(contrast)}, {_period(contrast, days)}."
    if not all(totals):
        lines.append("One of them is empty, so there is nothing to compare.")
        return without_host("\n".join([*lines, looked])), None
    found: list[tuple[float, bool, list[Any]]] = []
    for name in _dimensions(contrast):
        values = [_values(measure(replace(one, by=(name,)))) for one in sides]
        rows = []
        for value in dict.fromkeys([*values[0], *values[1]]):
            counts = [side.get(value, 0) for side in values]
            shares = [count / total for count, total in zip(counts, totals, strict=True)]
            if abs(shares[0] - shares[1]) >= _SMALL:
                shown = (number(share, "share") for share in shares)
                row = [DIMENSIONS[name].label, clean_text(value, limit=80), *shown]
                rows.append((abs(shares[0] - shares[1]), _is_clear(counts, totals), row))
        found += sorted(rows, key=lambda row: -row[0])[:_ROWS]
    found.sort(key=lambda one: -one[0])
    clear = [row for _, is_clear, row in found if is_clear]
    named = [f"{label} {value}, {one} compared with {other}" for label, value, one, other in _once(clear)[:_NAMED]]
    lines.append(f"Most different: {'; '.join(named)}." if named else "No share differs by more than chance explains.")
    means = _means(contrast, measure)
    if means:
        lines.append(f"Also: {'; '.join(f'{label}, {one} compared with {other}' for label, _, one, other in means)}.")
    sure = " The 95% intervals of the differences named do not overlap." if named else ""
    lines.append(f"Shares are of the {unit} on each side.{sure}")
    table = [*(row for _, _, row in found), *means]
    columns = ["what", "value", names[0], names[1]]
    return without_host("\n".join([*lines, looked])), SqlAnswer("", columns, [False] * 4, table)


def _dimensions(contrast: Contrast) -> list[str]:
    chosen = {one.dimension for side in (contrast.group, contrast.other) for one in side.filters}
    return [name for name in _DIMENSIONS if name not in chosen]


def _means(contrast: Contrast, measure: Callable[[Query], Result]) -> list[list[Any]]:
    """What a session of each group is like."""
    filters = (*contrast.group.filters, *contrast.other.filters)
    bought = any(did.table in ("purchases", "items") for one in filters for did in one.did)
    of_sessions = contrast.group.metric == "sessions"
    rows = []
    for name in _METRICS:
        if (bought and name == "conversion_rate") or (of_sessions and name == "sessions_per_user"):
            continue
        queries = [replace(one, metric=name) for one in (contrast.group, contrast.other)]
        if all(map(reaches_all, queries)):
            rows.append([METRICS[name].label, "", *(_shown(measure(one)) for one in queries)])
    return rows


def _shown(result: Result) -> str:
    (row,) = result.rows
    return "none" if row["value"] is None else plain_value(result.metric, row["value"], row)


def _total(result: Result) -> int:
    return int(result.rows[0]["value"] or 0)


def _values(result: Result) -> dict[str, int]:
    (name,) = result.query.by
    return {str(row[name]): int(row["value"]) for row in result.rows if row[name] is not None}


def _is_clear(counts: list[int], totals: list[int]) -> bool:
    """Whether the intervals of two shares do not overlap."""
    low, high = wilson_interval([float(count) for count in counts], [float(total) for total in totals])
    return bool(low[0] > high[1] or low[1] > high[0])


def _once(rows: list[list[Any]]) -> list[list[Any]]:
    """The first row of each dimension: of two devices, one rises as the other falls."""
    return list({row[0]: row for row in reversed(rows)}.values())[::-1]


def _labels(contrast: Contrast) -> str:
    return ", ".join(DIMENSIONS[name].label for name in _dimensions(contrast))


def _period(contrast: Contrast, days: Period) -> str:
    period = contrast.group.period
    return period.in_words if period else f"all data, {days.in_words}"
