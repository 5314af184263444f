"""Single weekdays, and so many weeks or months without a word for which."""

from __future__ import annotations

from datetime import date

import pytest

from beha2vec_core.chat.days.periods import find_times
from beha2vec_core.semantic.query import Period

DATA = Period(date(2026, 1, 5), date(2026, 4, 3))  # a Monday to a Friday


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("sales on friday", ["2026-04-03"]),
        ("sales on friday compared to thursday", ["2026-04-03", "2026-04-02"]),
        ("sunday's revenue", ["2026-03-29"]),
        ("orders on friday last week", ["2026-03-27"]),
        ("orders on friday, 27 march", ["2026-03-27"]),
        ("orders on fridays", []),
        ("orders on an average tuesday", []),
        ("weekend vs friday revenue", []),
        ("do we sell more on friday than on thursday", []),
    ],
)
def test_one_weekday_is_the_last_such_day(question: str, days: list[str]) -> None:
    found = find_times(question, DATA)
    assert [one.first.isoformat() for one in found.periods] == days
    assert all(one.first == one.last for one in found.periods)


def test_what_is_so_every_week_is_asked_of_all_such_days() -> None:
    assert find_times("do we sell more on friday than on thursday", DATA).text.endswith("fridays than on thursdays")


def test_a_weekday_says_how_it_was_read() -> None:
    assert find_times("sales on friday", DATA).notes == [
        "“Friday” was read as the last one in the data, 3 Apr 2026; all of them are “Fridays”."
    ]


@pytest.mark.parametrize(
    ("question", "text", "first"),
    [
        ("orders over the three months", "orders", None),
        ("how did visits develop over the three months", "how did visits develop by month", None),
        ("revenue for each of the 3 months", "revenue by month", None),
        ("orders in the four weeks", "orders \u00a70", date(2026, 3, 7)),
        ("orders in the six months", "orders in the six months", None),
    ],
)
def test_so_many_months_are_all_days_or_the_last_ones(question: str, text: str, first: date | None) -> None:
    found = find_times(question, DATA)
    assert found.text == text
    assert [one.first for one in found.periods] == ([first] if first else [])
