"""What an answer lacks, in sentences: days, groups and values that have no row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from beha2vec_core.chat.answers.per_day import days_of, is_sum
from beha2vec_core.chat.answers.phrases import capitalized
from beha2vec_core.chat.answers.ranking import asked_beside
from beha2vec_core.chat.days.named_days import MONTHS_OF
from beha2vec_core.chat.days.periods import begin_after, begin_of
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import lists_zeros
from beha2vec_core.semantic.definitions import DIMENSIONS, TABLES
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import day as day_words

_MOST = 0.75  # of the days of a week or month, so that its rate can be compared
_NAMED = 12  # values of a filter: more are those of one word, such as a part of the site


def missing(result: Result, days: Period) -> list[str]:
    """What is not in the rows: days without data, named values, and groups without a number."""
    query, lines = result.query, []
    lines += _begun(result, days)
    begins = [period.first for period in (query.period, query.versus) if period]
    if begins and min(begins) < days.first:
        lines.append(f"The data begin on {day_words(days.first)}.")
    return lines + _without_rows(result) + _not_ranked(result) + _not_listed(result, days)


def unit_of(query: Query) -> str | None:
    """The week, month ... of a time series, which may not be whole; None where there is none."""
    return next((name for name in query.by if name in ("week", "month", "quarter", "year")), None)


def whole(result: Result, days: Period) -> list[dict[str, Any]]:
    """The rows whose week or month has all its days, of what is no total most of them; by day all rows."""
    unit = unit_of(result.query)
    if unit is None:
        return result.rows
    is_rate = any(one.per for one in result.metric.sql.values()) or result.query.is_share
    least = _MOST if is_rate or is_per_day(result) else 1
    return [row for row in result.rows if _part_of(result.query, unit, row[unit], days) >= least]


def is_per_day(result: Result) -> bool:
    """Whether the months (quarters, years) of a sum are compared per day, as they are not as long."""
    query = result.query
    is_series = len(query.by) == 1 and query.by[0] in MONTHS_OF and query.ascending is None
    return is_series and not (query.is_share or query.top or query.having or query.limits) and is_sum(result.metric)


def of_a_day(result: Result, days: Period) -> Result:
    """The same months (quarters, years) with their values per day."""
    query, (unit, *_) = result.query, result.query.by
    rows = [
        row if row["value"] is None else row | {"value": float(row["value"]) / _days_in(query, unit, row[unit], days)}
        for row in result.rows
    ]
    return replace(result, rows=rows)


def _part_of(query: Query, unit: str, begin: date, days: Period) -> float:
    """The part of the days of a week or month that a time series has."""
    every = _whole(unit, begin)
    return _days_in(query, unit, begin, days) / (len(days_of(query, every, every)) or 1)


def _days_in(query: Query, unit: str, begin: date, days: Period) -> int:
    return len(days_of(query, _whole(unit, begin), days_shown(query, days)))


def _whole(unit: str, begin: date) -> Period:
    return Period(begin, begin_after(unit, begin) - timedelta(days=1))


def days_shown(query: Query, days: Period) -> Period:
    """The days that a time series has."""
    return Period(max(query.period.first, days.first), query.period.last) if query.period else days


def _begun(result: Result, days: Period) -> list[str]:
    """That the first or last week or month of a time series is not whole."""
    unit, shown, lines = unit_of(result.query), days_shown(result.query, days), []
    if unit is None:
        return []
    there = {row[unit] for row in result.rows}
    first, last = begin_of(unit, shown.first), begin_of(unit, shown.last)
    compared = [row[unit] for row in whole(result, days)] if result.query.ascending is not False else [first, last]
    left = []
    if first in there and first < shown.first:
        lines.append(f"the first {unit} begins on {day_words(shown.first)}")
        left += ["first"] if first not in compared else []
    if last in there and begin_after(unit, last) > shown.last + timedelta(days=1):
        lines.append(f"the last {unit} ends on {day_words(shown.last)}")
        left += ["last"] if last not in compared else []
    if not lines:
        return []
    so = f", so {'they are' if left[1:] else 'it is'} not compared" if len(left) == len(lines) else ""
    so = f"; the {left[0]} is not compared" if left and not so else so
    return [f"{capitalized(' and '.join(lines))}{so}."]


def _without_rows(result: Result) -> list[str]:
    """Values that were asked for and have no rows, and several filters that no row has."""
    lines = []
    for one in result.query.filters:
        if one.dimension not in result.query.by or result.query.moved:  # of these, those that fell have no row
            continue
        there = {str(row[one.dimension]) for row in result.rows}
        if result.query.against_rest:
            label = " or ".join(one.values)
            lines += [] if label in there else [f"There is nothing for {label}."]
            continue
        unseen = [clean_text(value, limit=80) for value in one.values if value not in there]
        if unseen and one.dimension != "step" and not one.is_excluded and len(one.values) <= _NAMED:
            *some, last = unseen
            lines.append(f"There is nothing for {', '.join(some)}{' or ' * bool(some)}{last}.")
    rests_on = "total" if result.query.is_share else "n" if result.metric.is_ratio else "value"  # a rate can be 0
    if len(result.query.filters) > 1 and not any(row.get(rests_on) for row in result.rows):
        lines.append("Nothing in the data has all of these at once.")
    return lines


def _not_ranked(result: Result) -> list[str]:
    """What is missing where the highest or the lowest is asked for."""
    query, lines = result.query, []
    named = [DIMENSIONS[name].label for name in query.by if DIMENSIONS[name].kind != "time"]
    if named and result.rows and (query.moved or result.rows[0].get("unnamed")):
        lines.append(f"Rows whose {' or '.join(named)} is not known are left out.")
    first = [name for name in query.by if any(row[name] is None for row in result.rows[:2])]
    if first and any(row[first[0]] is not None for row in result.rows) and not (query.by_change or asked_beside(query)):
        lines.append(f"Rows whose {DIMENSIONS[first[0]].label} is not known are in the table, but not in this ranking.")
    is_of_sessions = result.table == TABLES["sessions"] or lists_zeros(query)
    is_sum = result.metric.unit in ("count", "money") and "one_order" not in query.by
    if query.ascending and not query.by_change and is_sum and not is_of_sessions:
        lines.append(f"Those without any {result.metric.n_of or result.metric.label} are not listed.")
    return lines


def _not_listed(result: Result, days: Period) -> list[str]:
    """That no group has a name, and that some months (weeks, days) have no row."""
    query, rows = result.query, result.rows
    if len(query.by) != 1 or not rows:
        return []
    (name,) = query.by
    label = DIMENSIONS[name].label
    if all(row[name] is None for row in rows):
        return [f"The data do not have the {label}."]
    if DIMENSIONS[name].kind != "time" or query.top or not result.metric.n_of:
        return []
    every = {begin_of(name, day) for day in days_of(query, query.period or days, days)}
    return [f"{label.capitalize()}s without {result.metric.n_of} are not listed."] if len(rows) < len(every) else []
