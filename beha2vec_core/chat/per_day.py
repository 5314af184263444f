"""Sums per day and by week, in sentences: of periods that are not as long, of weekends, of an average day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from beha2vec_core.semantic.definitions import Metric
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period
from beha2vec_core.words import UNKNOWN_CURRENCY, change, number
from beha2vec_core.words import day as day_words

_MINUTE, _LONG = 60, 600  # seconds: from when on they are shown in minutes too, or only so


def is_sum(metric: Metric) -> bool:
    """Whether the value of several days is the sum of theirs: users of two days are not."""
    return metric.unit in ("count", "money") and not any(
        one.per or "user_key" in one.value or "median(" in one.value for one in metric.sql.values()
    )


def plain_value(metric: Metric, value: float, row: dict[str, Any]) -> str:
    """The number in its unit."""
    if metric.unit == "money" and not value and not row.get("currency"):
        return "0"
    if metric.unit == "money":
        return number(float(value), row.get("currency") or UNKNOWN_CURRENCY)
    if metric.unit == "seconds":
        minutes = f"{value / 60:,.1f} minutes"
        seconds = f"{value:,.0f} seconds" + f" ({minutes})" * (value >= _MINUTE)
        return seconds if value < _LONG else minutes
    return f"{value:,.0f}" if metric.unit == "count" else number(float(value), metric.unit)


def per_day(result: Result, days: Period) -> list[str]:
    """The values per day, where periods that are compared have not as many days."""
    query, metric = result.query, result.metric
    if query.by == ("weekend",) and not (query.versus or query.is_share) and is_sum(metric):
        return _per_day_of_week(result, days)
    if query.versus is None or query.period is None or query.is_share or not is_sum(metric):
        return []
    now, before = (_days_with_data(one, days) for one in (query.period, query.versus))
    if now == before or not (now and before):
        return []
    lines = [f"The periods have {now} and {before} days of data."]
    if not query.by:
        row = result.rows[0]
        values = row["value"], row["value_before"]
        if None not in values:
            shown = [_of_a_day(metric, value, days, row) for value, days in zip(values, (now, before), strict=True)]
            lines.append(f"Per day: {shown[0]} against {shown[1]}, {change(values[0] / now, values[1] / before)}.")
    return lines


def _days_with_data(period: Period, days: Period) -> int:
    return max((min(period.last, days.last) - max(period.first, days.first)).days + 1, 0)


def _of_a_day(metric: Metric, value: float, days: int, row: dict[str, Any]) -> str:
    return number(value / days, "mean") if metric.unit == "count" else plain_value(metric, value / days, row)


def mean_of(result: Result, days: Period, unit: str) -> list[str]:
    """The mean of a day or a week of a sum."""
    query, row = result.query, result.rows[0]
    if query.by or row["value"] is None or not is_sum(result.metric):
        return []
    period = query.period or days
    length = _days_with_data(period, days)
    shown = _of_a_day(result.metric, row["value"] * (7 if unit == "week" else 1), length, row)
    return [f"On average {shown} per {unit}, in {length} days."]


def _per_day_of_week(result: Result, days: Period) -> list[str]:
    """The values per day of weekends, and of the other days."""
    period = result.query.period or days
    first, last = max(period.first, days.first), min(period.last, days.last)
    weekdays = [(first + timedelta(days=one)).weekday() for one in range((last - first).days + 1)]
    numbers = {"weekend": sum(one > 4 for one in weekdays), "Monday to Friday": sum(one < 5 for one in weekdays)}
    shown = [
        f"{row['weekend']}, {_of_a_day(result.metric, row['value'], numbers[row['weekend']], row)} "
        f"({numbers[row['weekend']]} days)"
        for row in result.rows
        if row["value"] is not None and numbers.get(row["weekend"])
    ]
    return [f"Per day: {'; '.join(shown)}."] if shown else []


def in_weeks(result: Result) -> str:
    """A sum by day in words: the seven days up to the last, and those before them."""
    query, metric, rows = result.query, result.metric, result.rows
    known = rows and all(row.get("value") is not None for row in rows)
    if query.by != ("day",) or query.is_share or query.ascending is not None or not known or not is_sum(metric):
        return ""
    first = query.period.first if query.period else rows[0]["day"]
    last = query.period.last if query.period else rows[-1]["day"]
    weeks = ((last - first).days + 1) // 7
    if weeks < 2:
        return ""
    sums = [0.0] * weeks
    for one in rows:
        if (place := (last - one["day"]).days // 7) < weeks:
            sums[-1 - place] += float(one["value"])
    currencies = {row["currency"] for row in rows if row.get("currency")}
    if len(currencies) > 1:
        return ""
    row = {"currency": next(iter(currencies), None)}
    shown = "; ".join(plain_value(metric, value, row) for value in sums)
    moved = f" ({change(sums[-1], sums[0])} from the first to the last)" if sums[0] else ""
    total = plain_value(metric, sum(float(one["value"]) for one in rows), row)
    return f"All days: {total}. Weeks of seven days up to {day_words(last)}: {shown}{moved}."
