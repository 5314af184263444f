"""Time series of several groups in words: each group from its first to its last week or month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from beha2vec_core.chat.answers.per_day import in_points
from beha2vec_core.chat.answers.phrases import group_in_words, of_whole
from beha2vec_core.semantic.compiler import MAX_ROWS
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.words import change

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
        moved = ""
        if None not in values and in_points(result):
            moved = f" ({100 * (values[1] - values[0]):+.1f} percentage points)"  # type: ignore[operator]
        elif None not in values:
            moved = f" ({change(values[1], values[0])})" if values[0] != values[1] else " (no change)"  # type: ignore[arg-type]
        name = group_in_words(in_groups, one[times[0]])
        shown.append(f"{name}, {short(one[times[0]])} and {short(one[times[-1]])}{moved}")
    return f"{what}, {begin} and {end}: {'; '.join(shown)}."
