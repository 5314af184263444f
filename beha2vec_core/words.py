"""How counts, days, changes, money, values of metrics and others' texts are written, wherever a person reads them."""

import re
from collections.abc import Sequence
from datetime import date

UNKNOWN_CURRENCY = "currency"  # the unit of money whose currency is not known
CURRENCY_CODE = re.compile(r"[A-Z]{3}")


def counted(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 user, 2,345 users. ``many`` is the plural where an s does not make it."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(some: Sequence[str], joined: str = "and") -> str:
    """Several in words: a, b and c."""
    *first, last = some
    return f"{', '.join(first)} {joined} {last}" if first else last


def day(when: date) -> str:
    """A day: 5 Jan 2026."""
    return f"{when.day} {when:%b %Y}"


def days(first: date, last: date) -> str:
    """A range of days, both with a year where the years differ: 5 Jan to 18 Jan 2026, 1 Aug 2016 to 1 Aug 2017."""
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return day(last)
    begin = f"{first.day} {first:%b}" if first.year == last.year else day(first)
    return f"{begin} to {day(last)}"


def duration(seconds: float) -> str:
    """How long something takes, rounded: 8 s, 3 min, 1 h 20 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def change(now: float, before: float) -> str:
    """How much more or less, in percent of ``before``: +12%, -0.4%, +0.02%, none; new where there was nothing."""
    if now == before:
        return "none"
    if not before:
        return "new"
    percent = 100 * (now - before) / before
    if abs(percent) >= 9.95:
        return f"{percent:+,.0f}%"
    return f"{percent:+.{1 if abs(percent) >= 0.05 else 2}f}%"


def between(low: str, high: str) -> str:
    """An interval whose ends are written already: 4% to 6%; an end that is a bound itself says it: more than 99.9%."""
    if low == high or low.startswith("more than"):
        return low
    return high if high.startswith("less than") else f"{low} to {high}"


def is_money(unit: str) -> bool:
    """Whether a unit is a currency: its ISO 4217 code, or ``currency`` where that is not known."""
    return unit == UNKNOWN_CURRENCY or CURRENCY_CODE.fullmatch(unit) is not None


def money(amount: float, currency: str) -> str:
    """An amount with its currency: 1,204.50 EUR; ``currency`` stands for one that is not known."""
    return f"{amount:,.2f} " + (currency if currency != UNKNOWN_CURRENCY else "(currency unknown)")


def number(value: float, unit: str) -> str:
    """A value as it is written: 12.3%, 1,204, 5.2, 24.50 EUR."""
    if unit == "share":
        return _percent(100 * value)
    if unit == "users":
        return f"{value:,.0f}"
    if is_money(unit):
        return money(value, unit)
    if 0 < value < 0.995:  # 0.03 error pages are not 0.0
        return f"{value:.2f}" if value >= 0.005 else "less than 0.01"
    return f"{value:,.0f}" if value == round(value) or value >= 99.95 else f"{value:,.1f}"


def finer(value: float, unit: str, more: int) -> str:
    """A share with so many digits after the point, or a mean with so many more: beside one that looks the same."""
    if not more or (unit == "share" and ((more == 1 and value < 0.0995) or value in (0, 1))):  # has one, or is exact
        return number(value, unit)
    return f"{100 * value:.{more}f}%" if unit == "share" else f"{value:,.{more + 1}f}"


def _percent(percent: float) -> str:
    """0% and 100% are exact: values close to them are written as bounds."""
    if percent in (0.0, 100.0):
        return f"{percent:.0f}%"
    if percent < 0.05:
        return "less than 0.1%"
    if percent >= 99.95:
        return "more than 99.9%"
    return f"{percent:.0f}%" if 9.95 <= percent < 99.5 else f"{percent:.1f}%"


def visible(text: str) -> str:
    """The text without control, format, private and unassigned characters, and surrogates; each white space a space."""
    if text.isprintable():
        return text
    return "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
