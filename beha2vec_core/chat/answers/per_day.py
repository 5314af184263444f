"""Sums per day and by week, in sentences: of periods that are not as long, of weekends, of an average day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from beha2vec_core.semantic.definitions import METRICS, PEOPLE_COUNTED, Metric
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import UNKNOWN_CURRENCY, change, finer, number
from beha2vec_core.words import day as day_words

# how many views of an item lead to the next step: in percent, as a conversion
_IN_PERCENT = ("cart_additions_per_item_view", "orders_per_item_view", "orders_per_cart_addition")
_TOTAL = "of_all_days"  # in a row with a mean per day
_ONE_DIGIT = 0.001  # from which difference of shares on one digit after the point is enough
_MINUTE, _LONG = 60, 600  # seconds: from when on they are shown in minutes too, or only so


def is_sum(metric: Metric) -> bool:
    """Whether the value of several days is the sum of theirs: users of two days are not."""
    return not (metric.is_ratio or any("user_key" in one.value for one in metric.sql.values()))


def is_total(result: Result) -> bool:
    """Whether values are numbers or amounts, not shares, rates or means."""
    return not (result.query.is_share or result.metric.is_ratio)


def in_points(result: Result) -> bool:
    """Whether values are in percent, so that their difference is in percentage points."""
    metric = result.metric
    return result.query.is_share or metric.unit == "share" or metric.name in _IN_PERCENT


def in_words_of_points(apart: float) -> str:
    """A difference of two shares: +2.9 percentage points; small ones with two digits."""
    return f"{100 * apart:+.{1 if abs(apart) >= _ONE_DIGIT else 2}f} percentage points"


def plain_value(metric: Metric, value: float, row: dict[str, Any], more: int = 0) -> str:
    """The number in its unit, with so many digits more than usual."""
    if metric.unit == "money" and not value and not row.get("currency"):
        return "0"
    if metric.unit == "money":
        return number(float(value), row.get("currency") or UNKNOWN_CURRENCY)
    if metric.unit == "seconds":
        minutes = f"{value / 60:,.1f} minutes"
        seconds = f"{value:,.0f} seconds" + f" ({minutes})" * (value >= _MINUTE)
        return seconds if value < _LONG else minutes
    if metric.unit == "count":
        return f"{value:,.0f}"
    if "days_" in metric.name and metric.unit == "mean":
        return f"{finer(float(value), metric.unit, more)} days"
    if metric.unit == "mean" and metric.name not in _IN_PERCENT and not more and 0.0001 < value < 0.1:
        return f"{value:.3g}"  # in an order of small ratios they are not all 0.03
    return finer(float(value), "share" if metric.name in _IN_PERCENT and value <= 1 else metric.unit, more)


def in_currency(result: Result, currencies: tuple[str, ...]) -> Result:
    """The rows with the only currency of the data also where there is no money: 0.00 EUR, not 0."""
    if result.metric.unit != "money" or len(currencies) != 1:
        return result
    rows = [
        row | {name: row[name] or currencies[0] for name in ("currency", "currency_before") if name in row}
        for row in result.rows
    ]
    return replace(result, rows=rows)


def by_weekday(result: Result, days: Period) -> Result:
    """A sum by weekday as the mean of a day, where the period has not as many of each: the rows in their new order."""
    query, metric = result.query, result.metric
    is_plain = (
        bool(result.rows)
        and query.by == ("weekday",)
        and not (query.versus or query.is_share or query.limits or query.counts_groups)
    )
    if not is_plain or not is_sum(metric) or any(row["value"] is None for row in result.rows):
        return result
    numbers = _weekdays(query.period or days, days)
    if len({numbers[row["weekday"]] for row in result.rows}) < 2:
        return result
    rows = [
        row | {"value": float(row["value"]) / (n := numbers[row["weekday"]]), "n": n, _TOTAL: row["value"]}
        for row in result.rows
    ]
    rows.sort(key=lambda row: row["value"] if query.ascending else -row["value"])
    of_a_day = replace(
        metric, name=f"{metric.name}_per_day", label=f"{metric.label} per day", n_of="days",
        unit="mean" if metric.unit == "count" else metric.unit,
    )  # fmt: skip
    return replace(result, metric=of_a_day, rows=rows)


def _weekdays(period: Period, days: Period) -> Counter[str]:
    """How many of each weekday a period has."""
    first, last = max(period.first, days.first), min(period.last, days.last)
    return Counter(f"{first + timedelta(days=one):%A}" for one in range((last - first).days + 1))


def _of_weekdays(result: Result) -> list[str]:
    """That weekdays are compared per day, and which has the most, or the least, in total."""
    least, most = min(row["n"] for row in result.rows), max(row["n"] for row in result.rows)
    first = (min if result.query.ascending else max)(result.rows, key=lambda row: row[_TOTAL])
    metric = METRICS[result.query.metric]
    total = plain_value(metric, first[_TOTAL], first)
    end = "lowest" if result.query.ascending else "highest"
    return [
        f"There are {least} of some weekdays and {most} of others, so averages per day are compared. "
        f"The total is {end} for {first['weekday']}, {total} ({first['n']} days)."
    ]


def per_day(result: Result, days: Period) -> list[str]:
    """The values per day, where periods that are compared have not as many days."""
    query, metric = result.query, result.metric
    if query.by == ("weekday",) and result.rows and _TOTAL in result.rows[0]:
        return _of_weekdays(result)
    if query.by == ("weekend",) and not (query.versus or query.is_share) and is_sum(metric):
        return _per_day_of_week(result, days)
    apart = days_apart(result, days)
    if apart is None and metric.unit == "count" and query.versus and query.period and not query.is_share:
        now, before = (len(days_of(query, one, days)) for one in (query.period, query.versus))  # of users: no sum
        return [f"The periods have {now} and {before} days of data."] if now != before and now and before else []
    if apart is None or not (query.by or query.explains):
        return []
    which = "Changes are per day, as the" if query.moved or query.explains or query.by_change else "The"
    return [f"{which} periods have {apart[0]} and {apart[1]} days of data."]


def days_apart(result: Result, days: Period) -> tuple[int, int] | None:
    """The numbers of days of two periods whose sums are compared, where these are not the same; None elsewhere."""
    query = result.query
    if query.versus is None or query.period is None or query.is_share or not is_sum(result.metric):
        return None
    now, before = (len(days_of(query, one, days)) for one in (query.period, query.versus))
    return (now, before) if now != before and now and before else None


def in_equal_days(result: Result, days: Period) -> Result:
    """The rows with values per day, where the periods that are compared have not as many days; else as they are."""
    if (apart := days_apart(result, days)) is None:
        return result
    sums = dict(zip(("value", "value_before"), apart, strict=True))
    rows = [
        row | {name: float(row[name]) / n for name, n in sums.items() if row[name] is not None} for row in result.rows
    ]
    return replace(result, rows=rows)


def each_day(result: Result, days: Period) -> str:
    """What two sums of unequal periods are per day, and how much these differ; empty where the days are as many."""
    apart, row = days_apart(result, days), result.rows[0]
    values = row["value"], row.get("value_before")
    if apart is None or None in values:
        return ""
    each = [float(value) / length for value, length in zip(values, apart, strict=True)]
    now, before = (_of_a_day(result.metric, value, 1, row) for value in each)
    return f"{now}, {change(*each)} compared with {before}"


def _days_with_data(period: Period, days: Period) -> int:
    return max((min(period.last, days.last) - max(period.first, days.first)).days + 1, 0)


def _of_a_day(metric: Metric, value: float, days: int, row: dict[str, Any]) -> str:
    return number(value / days, "mean") if metric.unit == "count" else plain_value(metric, value / days, row)


def mean_of(result: Result, days: Period, unit: str) -> list[str]:
    """The mean of a day or a week of a sum; of people, of the days."""
    query, row = result.query, result.rows[0]
    if query.by == (unit,) and result.metric.name in PEOPLE_COUNTED:
        numbers = [one["value"] or 0 for one in result.rows]
        return [f"On average {number(sum(numbers) / len(numbers), 'mean')} per {unit}, in {len(numbers)} {unit}s."]
    if query.by or row["value"] is None or not is_sum(result.metric):
        return []
    period = query.period or days
    length = _days_with_data(period, days) if unit == "week" else len(days_of(query, period, days))
    if not length:
        return []
    shown = _of_a_day(result.metric, row["value"] * (7 if unit == "week" else 1), length, row)
    return [f"On average {shown} per {unit}, in {length} days."]


def days_of(query: Query, period: Period, days: Period) -> list[date]:
    """The days of a period with data that a query is about: all of them, or those of some weekdays."""
    first, last = max(period.first, days.first), min(period.last, days.last)
    found = [first + timedelta(days=one) for one in range((last - first).days + 1)]
    for one in query.filters:
        of_day = {"weekday": _weekday, "weekend": _weekend}.get(one.dimension)
        found = [day for day in found if not of_day or (of_day(day) in one.values) != one.is_excluded]
    return found


def _weekday(day: date) -> str:
    return f"{day:%A}"


def _weekend(day: date) -> str:
    return "weekend" if day.weekday() > 4 else "Monday to Friday"


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


def of_one_weekday(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether the days of a series are all Mondays (Tuesdays ...), so that they are compared as they are."""
    return len({row["day"].weekday() for row in rows}) == 1


def sums_of_weeks(result: Result, name: str = "value") -> list[float]:
    """A sum by day (or what it rests on) as that of each seven days up to the last; empty: no sum, or no two weeks."""
    query, rows = result.query, result.rows
    known = rows and all(row.get("value") is not None for row in rows)
    if query.by != ("day",) or query.is_share or query.ascending is not None or not (known and is_sum(result.metric)):
        return []
    if len({row["currency"] for row in rows if row.get("currency")}) > 1 or of_one_weekday(rows):
        return []
    first = query.period.first if query.period else rows[0]["day"]
    last = query.period.last if query.period else rows[-1]["day"]
    sums = [0.0] * (((last - first).days + 1) // 7)
    for one in rows:
        if (place := (last - one["day"]).days // 7) < len(sums):
            sums[-1 - place] += float(one[name] or 0)
    return sums if len(sums) > 1 else []


def in_weeks(result: Result) -> str:
    """A sum by day in words: all days, and each seven days up to the last; empty where there are no two such weeks."""
    metric, rows, sums = result.metric, result.rows, sums_of_weeks(result)
    if not sums:
        return ""
    row = {"currency": next((row["currency"] for row in rows if row.get("currency")), None)}
    shown = "; ".join(plain_value(metric, value, row) for value in sums)
    moved = f" ({change(sums[-1], sums[0])} from the first to the last)" if sums[0] else ""
    total = plain_value(metric, sum(float(one["value"]) for one in rows), row)
    last = result.query.period.last if result.query.period else rows[-1]["day"]
    return f"All days: {total}. Weeks of seven days up to {day_words(last)}: {shown}{moved}."
