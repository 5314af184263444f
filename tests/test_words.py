"""Counts, days, changes and money are written one way."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from beha2vec_core.words import between, change, counted, day, days, duration, number


def test_counts_have_their_plural() -> None:
    assert [counted(n, "session") for n in (0, 1, 2, 1234)] == [
        "0 sessions",
        "1 session",
        "2 sessions",
        "1,234 sessions",
    ]
    assert counted(2, "person", "people") == "2 people" and counted(1, "person", "people") == "1 person"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2016, 8, 1), date(2017, 8, 1), "1 Aug 2016 to 1 Aug 2017"),
        (date(2026, 12, 31), date(2027, 1, 1), "31 Dec 2026 to 1 Jan 2027"),
        (date(2026, 1, 5), date(2026, 1, 18), "5 Jan to 18 Jan 2026"),
        (date(2026, 1, 5), date(2026, 1, 5), "5 Jan 2026"),
        (datetime(2026, 1, 5, 3), datetime(2026, 1, 5, 9), "5 Jan 2026"),
    ],
)
def test_a_range_of_days_shows_both_years_where_they_differ(first: date, last: date, expected: str) -> None:
    assert days(first, last) == expected
    assert day(last) in days(first, last)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (110, 100, "+10%"), (50, 100, "-50%"), (1001, 1000, "+0.1%"), (999, 1000, "-0.1%"), (5, 5, "none"),
        (100_020, 100_000, "+0.02%"), (99_980, 100_000, "-0.02%"), (0, 0, "none"), (3, 0, "new"), (0, 4, "-100%"),
        (2500, 100, "+2,400%"),
    ],
)  # fmt: skip
def test_a_change_is_never_rounded_to_nothing(now: int, before: int, expected: str) -> None:
    assert change(now, before) == expected


def test_an_interval_of_one_value_is_that_value() -> None:
    assert between("100%", "100%") == "100%" and between("4%", "6%") == "4% to 6%"
    assert (
        between("more than 99.9%", "100%") == "more than 99.9%" and between("0%", "less than 0.1%") == "less than 0.1%"
    )


def test_a_share_is_zero_or_one_only_where_it_is() -> None:
    shown = [number(share, "share") for share in (0, 0.0004, 0.001, 0.37, 0.9996, 1)]
    assert shown == ["0%", "less than 0.1%", "0.1%", "37%", "more than 99.9%", "100%"]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("EUR", "1,204.50 EUR"),
        ("JPY", "1,204.50 JPY"),
        ("currency", "1,204.50 (currency unknown)"),
        ("seconds", "1,204"),
    ],
)
def test_money_has_its_code(unit: str, expected: str) -> None:
    assert number(1204.5, unit) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.4, "8 s"), (89.6, "2 min"), (3569, "59 min"), (3590, "1 h 0 min"), (4800, "1 h 20 min")]
)
def test_durations_are_rounded(seconds: float, text: str) -> None:
    assert duration(seconds) == text
