"""A time series in words: up, down or neither over the whole range, its two halves, its highest and lowest value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import sqrt
from typing import Any

from beha2vec_core.chat.answers.missing import is_per_day, of_a_day, unit_of, whole
from beha2vec_core.chat.answers.per_day import (
    in_points,
    in_weeks,
    in_words_of_points,
    is_total,
    of_one_weekday,
    plain_value,
    sums_of_weeks,
)
from beha2vec_core.chat.answers.phrases import capitalized, group_in_words, of_whole
from beha2vec_core.chat.answers.ranking import digits_of, overlap
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period
from beha2vec_core.words import change, finer, number

_SURE = 1.96  # standard deviations
_FEW = 4  # values that are all named
_TWO_WEEKS = 14  # days
_LONG = 10  # values whose later half is looked at alone
_NEAR = 0.03  # part of a value by which the last of a few has to differ from the first
_FLAT = 0.05  # part of the mean of the first half by which that of the last differs at most
Row = dict[str, Any]


@dataclass(frozen=True)
class Trend:
    """The direction of a time series (1 up, -1 down, 0 neither; None: not known), and all of it in a sentence.

    It is not known of one value, and of a few that rise or fall no more than chance explains.
    """

    sign: int | None
    text: str
    has_ended: bool = False  # its later half has no such direction


def direction(values: Sequence[float]) -> int:
    """Whether values rise (1), fall (-1) or neither (0), by how many pairs of them do: the test of Mann and Kendall.

    Up to four have to rise, or fall, all the time, and by 3% from the first to the last.
    """
    size = len(values)
    pairs = sum((later > earlier) - (later < earlier) for earlier, later in combinations(values, 2))
    sign = (pairs > 0) - (pairs < 0)
    if size <= _FEW:
        is_steady = 2 * abs(pairs) == size * (size - 1)
        return sign if is_steady and abs(values[-1] - values[0]) > _NEAR * abs(values[0]) else 0
    return sign if abs(pairs) - 1 > _SURE * sqrt(size * (size - 1) * (2 * size + 5) / 18) else 0


def trend(result: Result, what: str, days: Period) -> Trend:
    """The direction of a series of one value per day, week or month, and what shows it; ``what`` is measured."""
    query, unit, rows = result.query, unit_of(result.query), whole(result, days)
    shown = result.rows if len(result.rows) <= _FEW else rows
    per_day = is_per_day(result) and len(rows) > 1
    compared = of_a_day(replace(result, rows=rows), days).rows if per_day else rows
    compared = [row for row in compared if of_whole(query, row) is not None]
    if not compared:
        return Trend(None, f"{what}: there is no whole {unit or 'day'} to compare.")
    values = [of_whole(query, row) or 0.0 for row in compared]
    if len(compared) > 1 and not any(values):
        return Trend(0, f"{what}: {value_in_words(result, compared[0], 0.0, 0)} in every {query.by[0]}.")
    if len(compared) == 1:
        only = f"; this is the only whole {unit}" if unit else ""
        value = value_in_words(result, compared[0], values[0], 0)
        return Trend(None, f"{what}: {group_in_words(query, compared[0])}, {value}{only}.")
    sums = sums_of_weeks(result) if unit is None else []
    series = sums or values
    sign: int | None = direction(series)
    counted = [row for row in rows if of_whole(query, row) is not None]  # of all days, not of one
    if sign and len(series) <= _FEW and _may_be_chance(result, counted, series):
        sign = None
    ended = bool(sign) and len(series) >= _LONG and direction(series[-(len(series) // 2) :]) != sign
    if 0 < len(sums) <= _FEW:
        return Trend(sign, f"{what}: {_in_words(sign, sums[0], sums[-1])}. {in_weeks(result)}")
    if len(shown) > _FEW:
        what = f"{what} per day" if per_day else what
        return Trend(sign, f"{what}, by {query.by[0]}: {_in_halves(result, compared, values, sign, ended)}", ended)
    ends, more = (values[0], values[-1]), digits_of(result, (values[0], values[-1]))
    each = ((row, of_whole(query, row)) for row in shown)
    listed = "; ".join(
        f"{group_in_words(query, row)}, {'none' if value is None else value_in_words(result, row, value, more)}"
        for row, value in each
    )
    first, last = (value_in_words(result, compared[0], value, more) for value in ends)
    between = "" if len(shown) == 2 else " from the first to the last" + f" whole {unit}" * (len(rows) < len(shown))
    if not per_day:
        listed = f"{_in_words(sign, *ends)}. {capitalized(listed)}" if compared[2:] else listed
        return Trend(sign, f"{what}: {listed} ({moved(result, *ends)}{between}).")
    begin, end = (group_in_words(query, compared[place]) for place in (0, -1))
    in_words = f"{_in_words(sign, *ends)}, {first} in {begin} and {last} in {end} ({moved(result, *ends)})"
    return Trend(sign, f"{what}: {listed}. Per day: {in_words}.")


def _may_be_chance(result: Result, rows: Sequence[Row], series: Sequence[float]) -> bool:
    """Whether the first and the last of a few values differ no more than chance explains, by what they rest on."""
    if not is_total(result) and (result.metric.unit == "share" or result.query.is_share):
        return overlap(result, (rows[0], rows[-1]))
    counts = sums_of_weeks(result, "n") or [float(row.get("n") or 0) for row in rows]
    if result.metric.unit == "count" and not any(counts):
        counts = sums_of_weeks(result) or [float(row["value"] or 0) for row in rows]
    before, now = series[0], series[-1]
    if not (counts[0] and counts[-1]):
        return False
    return abs(now - before) < _SURE * sqrt(1 / counts[0] + 1 / counts[-1]) * max(abs(before), abs(now))


def _in_halves(result: Result, rows: Sequence[Row], values: Sequence[float], sign: int | None, ended: bool) -> str:
    """The direction, the mean of both halves, and the highest and the lowest value."""
    query, half, unit = result.query, len(rows) // 2, result.query.by[0]
    first, last = (mean(result, rows[some], values[some]) for some in (slice(half), slice(-half, None)))
    more = digits_of(result, (first, last))
    each = f" a {unit}" if is_total(result) and not is_per_day(result) else ""
    later = ""
    if ended:
        until = group_in_words(query, rows[-half - 1])
        later = f" until {'the ' * (unit == 'week')}{until}, with no clear trend since then"
    moves = ""
    if unit != "day" or len(rows) >= _TWO_WEEKS or of_one_weekday(rows):  # a few days differ by their weekdays
        moves = f" in the first {half} {unit}s and {value_in_words(result, rows[0], last, more)} in the last {half}"
        moves += f" ({moved(result, first, last)})"
    else:
        first = mean(result, rows, values)
    high, low = (
        f"{value_in_words(result, rows[place], values[place], more)} ({group_in_words(query, rows[place])})"
        for place in (choose(range(len(rows)), key=values.__getitem__) for choose in (max, min))
    )
    average = value_in_words(result, rows[0], first, more)
    ends = f"Highest: {high}; lowest: {low}."
    return f"{_in_words(sign, first, last)}{later}. On average {average}{each}{moves}. {ends}"


def _in_words(sign: int | None, before: float, now: float) -> str:
    if sign is None:
        return f"{'up' if now > before else 'down'}, but no more than chance explains"
    flat = "about flat" if abs(now - before) <= _FLAT * abs(before) else "no clear trend"
    return {1: "up", -1: "down", 0: flat}[sign]


def mean(result: Result, rows: Sequence[Row], values: Sequence[float]) -> float:
    """The mean of some days or weeks; of rates and means, by how many rows each rests on."""
    weights = [1.0] * len(rows)
    if not is_total(result):
        weights = [float(row.get("total" if result.query.is_share else "n") or 0) for row in rows]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / (sum(weights) or 1.0)


def value_in_words(result: Result, row: Row, value: float, more: int) -> str:
    """A value, or a mean of values, in its unit, with so many digits more than usual."""
    metric = result.metric
    if result.query.is_share or metric.unit == "share":
        return finer(value, "share", more)
    return number(value, "mean") if metric.unit == "count" else plain_value(metric, value, row, more)


def moved(result: Result, before: float, now: float) -> str:
    """The change of a value in percent, of a share in points."""
    if now == before:
        return "no change"
    return in_words_of_points(now - before) if in_points(result) else change(now, before)
