"""Changes in words: which groups rose or fell, and where a change comes from, as its parts in groups.

The parts of one dimension add up to the whole change. Of a number they are the changes of its groups. Of a rate, a
mean or a ratio, the part of a group is what its own rate changed at its average weight, and what its weight changed at
the difference of its average rate from that of all: an exact decomposition (Kitagawa 1955,
https://doi.org/10.2307/2281213).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from beha2vec_core.chat.answers.per_day import days_apart, in_equal_days
from beha2vec_core.chat.answers.phrases import (
    UNKNOWN,
    capitalized,
    group_in_words,
    name_of,
    of_whole,
    plural,
    row_before,
    when_of,
)
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import MAX_ROWS
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period
from beha2vec_core.words import UNKNOWN_CURRENCY, number

DIMENSIONS_OF_CHANGES = ("channel", "device", "country", "new_or_returning", "landing_page", "item_category")
_OF_EACH = 3  # groups of a dimension that are shown
_SMALL = 0.1  # of the largest part: what is smaller, and goes the other way, is in the table only
_LARGE = 100  # numbers per day that are shown without digits after the point
_OVERLAP = ("users", "buyers", "new_users", "returning_users", "active_users", "cart_users")


@dataclass(frozen=True)
class Part:
    """A group, its value in both periods, and its part of the change."""

    dimension: str
    group: str
    now: float | None
    before: float | None
    part: float
    currency: str


def parts_of(result: Result) -> list[Part]:
    """The parts of the change, the largest first (of equal ones by name), of two periods by one dimension."""
    (name,), is_rate = result.query.by, result.metric.unit in ("share", "mean", "seconds")
    is_rate = is_rate or any(measure.per for measure in result.metric.sql.values())
    rows = [_Pair.of(row, is_rate) for row in result.rows]
    n, n_before = sum(one.n for one in rows), sum(one.n_before for one in rows)
    mean = (
        sum(one.now * one.n for one in rows) / (n or 1)
        + sum(one.before * one.n_before for one in rows) / (n_before or 1)
    ) / 2
    found = []
    for row, one in zip(result.rows, rows, strict=True):
        part = one.now - one.before
        if is_rate:
            weight, weight_before = one.n / (n or 1), one.n_before / (n_before or 1)
            part = (weight - weight_before) * ((one.now + one.before) / 2 - mean) + (weight + weight_before) / 2 * part
        shown = UNKNOWN if row[name] is None else clean_text(str(row[name]), limit=80)
        currency = row.get("currency") or row.get("currency_before") or UNKNOWN_CURRENCY
        found.append(Part(name, shown, row["value"], row["value_before"], part, currency))
    return sorted(found, key=lambda part: (-abs(part.part), part.group))


def ordered_parts(result: Result) -> list[Part]:
    """The parts, the largest first in the direction that the query asks for."""
    parts, ascending = parts_of(result), result.query.ascending
    return parts if ascending is None else sorted(parts, key=lambda part: part.part if ascending else -part.part)


@dataclass(frozen=True)
class _Pair:
    """A value and its weight in both periods: 0 where there is none; a rate of nothing is that of the other period."""

    now: float
    before: float
    n: float
    n_before: float

    @classmethod
    def of(cls, row: dict[str, Any], is_rate: bool) -> _Pair:
        values = [None if row[name] is None else float(row[name]) for name in ("value", "value_before")]
        now, before = [
            one if one is not None or not is_rate else other for one, other in zip(values, values[::-1], strict=True)
        ]
        return cls(now or 0.0, before or 0.0, float(row["n"] or 0), float(row["n_before"] or 0))


def changes(total: Result, results: Iterable[Result], days: Period) -> tuple[list[str], list[str], list[list[Any]]]:
    """Where the change of a total lies, from the comparisons by single dimensions: sentences, columns and rows.

    What goes the way of the total is first, and the largest of the other way is beside it. Of periods that are not as
    long all is per day.
    """
    unit = total.metric.unit
    whole, per_day = _whole(in_equal_days(total, days)), ", per day" * (days_apart(total, days) is not None)
    is_sum = unit in ("count", "money") and not any(one.per for one in total.metric.sql.values())
    rose, fell = ("rose most in", "fell most in") if is_sum else ("raised most by", "lowered most by")
    columns = ["dimension", "group", f"now{per_day}", f"before{per_day}", "part of the change"]
    lines, rows = [], []
    for result in results:
        parts = parts_of(in_equal_days(result, days))
        up, down = ([part for part in parts if part.part * sign > 0][:_OF_EACH] for sign in (1, -1))
        sides = [(fell, down), (rose, up)] if whole is not None and whole < 0 else [(rose, up), (fell, down)]
        label = DIMENSIONS[result.query.by[0]].label
        for part in (*sides[0][1], *sides[1][1]):
            rows.append(
                [label, part.group, *(_shown(one, unit, part) for one in (part.now, part.before)), _signed(part, unit)]
            )
        largest = max((abs(some[0].part) for _, some in sides if some), default=0.0)
        shown = [(verb, some[0]) for verb, some in sides if some and abs(some[0].part) >= _SMALL * largest]
        if said := [f"{verb} {part.group}, {_signed(part, unit)}" for verb, part in shown]:
            none = [f"none {verb.partition(' ')[0]}" for verb, some in sides if not some]
            lines.append(f"{label.capitalize()}: {'; '.join((*said, *none))}.")
    if total.metric.name in _OVERLAP:
        lines.append("A user can be in several groups, so parts may add up to more than the whole.")
    return lines, columns, rows


def _whole(total: Result) -> float | None:
    row = total.rows[0]
    known = None not in (row["value"], row["value_before"])
    return float(row["value"]) - float(row["value_before"]) if known else None


def _shown(value: float | None, unit: str, part: Part) -> str:
    if value is None:
        return "none"
    return number(float(value), part.currency) if unit == "money" else number(float(value), unit)


def signed(value: float, unit: str, currency: str) -> str:
    """A change with its sign: +12, -3.40 EUR, -0.4 percentage points."""
    if unit == "share":
        return f"{100 * value:+.2f} percentage points"
    if unit == "money":
        return f"{value:+,.2f} {currency}"
    if unit in ("count", "seconds"):
        return f"{value:+,.0f}" if value == int(value) or abs(value) >= _LARGE else f"{value:+,.1f}"  # per day
    return f"{value:+,.2f}"


def _signed(part: Part, unit: str) -> str:
    return signed(part.part, unit, part.currency)


def parts_in_words(result: Result, what: str, days: Period) -> str:
    """Which groups changed most, and their parts of the whole change."""
    result = in_equal_days(result, days)
    query, unit = result.query, result.metric.unit
    assert query.versus is not None
    shown = [f"{part.group}, {_signed(part, unit)}" for part in ordered_parts(result)[:3]]
    parts = parts_of(result)
    whole, currency = sum(part.part for part in parts), parts[0].currency
    return (
        f"{what}, parts of the change compared with {query.versus.in_words}: {'; '.join(shown)}. "
        f"All together: {signed(whole, unit, currency)}."
    )


def in_direction(result: Result, days: Period) -> tuple[str, Result]:
    """Which groups rose, or fell, as is asked for, and only their rows; all rows if there are none."""
    query = result.query
    assert query.versus is not None
    sign = -1 if query.ascending else 1
    verb, unit = "fell" if query.ascending else "rose", "share" if query.is_share else result.metric.unit
    apart = days_apart(result, days) or (1, 1)
    rows = sorted(result.rows, key=lambda row: -sign * _moved_by(result, row, apart))
    moved = [row for row in rows if sign * _moved_by(result, row, apart) > 0]
    currencies = [row.get("currency") or row.get("currency_before") or UNKNOWN_CURRENCY for row in moved or rows]
    shown = [
        f"{group_in_words(query, row)}, {signed(_moved_by(result, row, apart), unit, currency)}"
        for row, currency in zip((moved or rows)[:3], currencies, strict=False)
    ]
    groups = "groups" if query.by[1:] else plural(query.by[0])
    count = f"all {len(rows):,}" if len(moved) == len(rows) else f"{len(moved):,} of {len(rows):,}"
    of = "" if query.top or len(rows) >= MAX_ROWS else f" for {count} {groups}"
    name, when = capitalized(name_of(query, result.metric)), when_of(query.period)
    name = f"{name} per day" if apart != (1, 1) else name
    what = f"{name} {verb}{of}{when}" if moved else f"None {verb}. {name}{when}"
    text = f"{what}, compared with {query.versus.in_words}: {'; '.join(shown)}."
    return text, replace(result, rows=moved or rows)


def _moved_by(result: Result, row: dict[str, Any], apart: tuple[int, int]) -> float:
    """By how much the value of a group changed, of so many days each; 0 if it is not known in both periods."""
    before = row_before(row)
    is_sum = result.metric.unit in ("count", "money") and not any(one.per for one in result.metric.sql.values())
    values = [0.0 if is_sum and not one.get("n") else of_whole(result.query, one) for one in (row, before)]
    return values[0] / apart[0] - values[1] / apart[1] if None not in values else 0.0  # type: ignore[operator]


def not_as_supposed(result: Result, reading: Reading, days: Period) -> list[str]:
    """That a decrease whose place is asked for is an increase, or the other way round; per day, if days differ."""
    if not result.query.explains or reading.goes_down is None or not result.rows:
        return []
    row = in_equal_days(result, days).rows[0]
    now, before = row["value"], row["value_before"]
    if now is None or before is None or (now != before and (now < before) == reading.goes_down):
        return []
    if result.query.versus and result.query.period and result.query.versus.first > result.query.period.first:
        return [
            f"The question assumes that it was {'lower' if reading.goes_down else 'higher'} than later, but it was not."
        ]
    was = "there was none" if now == before else "it was the opposite"
    of = " from the earlier to the later days" if result.query.versus else ""
    return [f"The question assumes {'a decrease' if reading.goes_down else 'an increase'}{of}, but {was}."]
