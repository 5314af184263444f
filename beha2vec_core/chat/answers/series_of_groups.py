"""Time series of several groups in words: each group from its first to its last week or month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from beha2vec_core.chat.answers.per_day import in_points, is_total
from beha2vec_core.chat.answers.phrases import group_in_words, of_whole
from beha2vec_core.chat.answers.trend import mean, moved, value_in_words
from beha2vec_core.semantic.compiler import MAX_ROWS
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result

_FEW = 4  # days, weeks or months of which the first and the last are compared, not the halves
_SHOWN = 6  # groups, the largest
Row = dict[str, Any]


def each_group(result: Result, rows: Sequence[Row], what: str, short: Callable[[Row], str]) -> str:
    """The first and the last value of the largest groups, with the change between them, of those that have both.

    Args:
        rows: of whole weeks or months.
        what: is measured, in words.
        short: a value as it is written.
    """
    query = result.query
    timed = tuple(name for name in query.by if DIMENSIONS[name].kind == "time")
    others = tuple(name for name in query.by if name not in timed)
    times = sorted({row[timed[0]] for row in rows})
    if not times:
        return f"{what}: there is no whole {timed[0]} to compare."
    if len(timed) != 1 or len(times) < 2 or len(result.rows) >= MAX_ROWS:  # some of the rows may be missing
        return f"{what}: {len(result.rows):,} rows are in the table."
    series: dict[tuple[Any, ...], dict[Any, Row]] = {}
    for row in rows:
        series.setdefault(tuple(row[name] for name in others), {})[row[timed[0]]] = row
    if len(times) > _FEW:
        return _in_halves(result, [*series.values()], times, what)
    both = [one for one in series.values() if {times[0], times[-1]} <= {*one}]
    both.sort(key=lambda one: -sum(float(row["n"] if in_points(result) else row["value"] or 0) for row in one.values()))
    if not both:
        return f"{what}: no group has values at the first and at the last {timed[0]}."
    first, last = (both[0][one] for one in (times[0], times[-1]))
    in_time, in_groups = replace(query, by=timed), replace(query, by=others)
    begin, end = group_in_words(in_time, first), group_in_words(in_time, last)
    shown = []
    for one in both[:_SHOWN]:
        values = [of_whole(query, one[time]) for time in (times[0], times[-1])]
        by = f" ({moved(result, *values)})" if None not in values else ""  # type: ignore[arg-type]
        name = group_in_words(in_groups, one[times[0]])
        shown.append(f"{name}, {short(one[times[0]])} and {short(one[times[-1]])}{by}")
    return f"{what}, {begin} and {end}: {'; '.join(shown)}."


def _in_halves(result: Result, series: Sequence[dict[Any, Row]], times: Sequence[Any], what: str) -> str:
    """The mean of the first and of the last half of the weeks or months, of the largest groups."""
    query, half = result.query, len(times) // 2
    unit = next(name for name in query.by if DIMENSIONS[name].kind == "time")
    others = tuple(name for name in query.by if name != unit)
    weight = "n" if in_points(result) else "value"
    shown = []
    for one in sorted(series, key=lambda one: -sum(float(row[weight] or 0) for row in one.values()))[:_SHOWN]:
        nothing = dict.fromkeys(next(iter(one.values())))
        means = []
        for some in (times[:half], times[-half:]):  # a sum without a row is 0
            rows = [one.get(time, nothing) for time in some if time in one or is_total(result)]
            means.append(mean(result, rows, [of_whole(query, row) or 0.0 for row in rows]))
        first = next(iter(one.values()))
        values = " and ".join(value_in_words(result, first, value, int(in_points(result))) for value in means)
        shown.append(f"{group_in_words(replace(query, by=others), first)}, {values} ({moved(result, *means)})")
    each = f" a {unit}" if is_total(result) else ""
    return f"{what}, on average{each} in the first {half} and the last {half} {unit}s: {'; '.join(shown)}."
