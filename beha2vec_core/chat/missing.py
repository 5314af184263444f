"""What an answer lacks, in sentences: days, groups and values that have no row."""

from __future__ import annotations

from datetime import date, timedelta

from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import lists_zeros
from beha2vec_core.semantic.definitions import DIMENSIONS, TABLES
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import day as day_words


def missing(result: Result, days: Period) -> list[str]:
    """What is not in the rows: days without data, named values, and groups without a number."""
    query, lines = result.query, []
    if part := _begun(query, days):
        lines.append(part)
    begins = [period.first for period in (query.period, query.versus) if period]
    if begins and min(begins) < days.first:
        lines.append(f"The data begin on {day_words(days.first)}.")
    return lines + _without_rows(result) + _not_ranked(result) + _not_listed(result, days)


def _begun(query: Query, days: Period) -> str:
    """That the last week or month of a time series is not whole; empty where it is, or there is none."""
    last = query.period.last if query.period else days.last
    after = last + timedelta(days=1)
    first = max(query.period.first, days.first) if query.period else days.first
    begun = ""
    if ("month" in query.by and first.day > 1) or ("week" in query.by and first.weekday() > 0):
        begun = f"The first {'month' if 'month' in query.by else 'week'} is shown from {day_words(first)} only. "
    if ("month" in query.by and after.day > 1) or ("week" in query.by and after.weekday() > 0):
        return f"{begun}The last {'month' if 'month' in query.by else 'week'} is shown up to {day_words(last)} only."
    return begun.strip()


def _without_rows(result: Result) -> list[str]:
    """Values that were asked for and have no rows, and several filters that no row has."""
    lines = []
    for one in result.query.filters:
        if (
            one.dimension in result.query.by
            and one.dimension != "step"
            and not one.is_excluded
            and not result.query.against_rest
        ):
            there = {str(row[one.dimension]) for row in result.rows}
            if unseen := [value for value in one.values if value not in there]:
                lines.append(f"There is nothing for {' and '.join(map(_name, unseen))}.")
        if result.query.against_rest and one.dimension in result.query.by:
            label = " or ".join(one.values)
            lines += (
                [] if any(row[one.dimension] == label for row in result.rows) else [f"There is nothing for {label}."]
            )
    if len(result.query.filters) > 1 and not any(row.get("value") for row in result.rows):
        lines.append("Nothing in the data has all of these at once.")
    return lines


def _not_ranked(result: Result) -> list[str]:
    """What is missing where the lowest is asked for."""
    query, lines = result.query, []
    named = [DIMENSIONS[name].label for name in query.by if DIMENSIONS[name].kind != "time"]
    if query.ascending and named:
        lines.append(f"Rows whose {' or '.join(named)} is not known are left out.")
    is_of_sessions = result.table == TABLES["sessions"] or lists_zeros(query)
    if query.ascending and result.metric.unit in ("count", "money") and not is_of_sessions:
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
    first = max(query.period.first, days.first) if query.period else days.first
    last = min(query.period.last, days.last) if query.period else days.last
    every = {_begin_of(name, first + timedelta(days=one)) for one in range((last - first).days + 1)}
    return [f"{label.capitalize()}s without {result.metric.n_of} are not listed."] if len(rows) < len(every) else []


def _begin_of(unit: str, day: date) -> date:
    return day.replace(day=1) if unit == "month" else day - timedelta(days=day.weekday() if unit == "week" else 0)


def _name(value: str) -> str:
    return clean_text(value, limit=80)
