"""The direction of a time series, over its whole range."""

from datetime import date, timedelta

import pytest

from beha2vec_core.chat.answers.trend import direction, trend
from beha2vec_core.semantic.definitions import METRICS, TABLES
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query

MONDAY = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], 1),
        ([6, 5, 4, 3, 2, 1], -1),
        ([5, 1, 4, 2, 6, 3, 5], 0),
        ([1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1], 0),  # the first and the last say nothing of those between
        ([100, 101, 102], 0),  # so little that it is no direction
        ([100, 120, 140], 1),
        ([100, 90, 140], 0),
        ([5, 5, 5, 5, 5], 0),
    ],
)
def test_a_direction_needs_most_pairs(values: list[float], expected: int) -> None:
    assert direction(values) == expected


def test_a_series_that_rose_and_then_stayed_is_said_to_have_ended() -> None:
    values = [100, 200, 300, 400, 500, 600, 605, 601, 606, 602, 604, 603]
    found = trend(_weekly(values), "Sessions", Period(MONDAY, MONDAY + timedelta(days=7 * len(values) - 1)))
    assert (found.sign, found.has_ended) == (1, True)
    assert found.text == (
        "Sessions, by week: up until the week of 9 Feb 2026, with no clear trend since then. On average 350 a week in "
        "the first 6 weeks and 604 in the last 6 (+72%). Highest: 606 (week of 2 Mar 2026); lowest: 100 (week of 5 "
        "Jan 2026)."
    )


def test_weeks_that_are_not_whole_are_not_compared() -> None:
    values = [500, 500, 510, 495, 505, 3]
    found = trend(_weekly(values), "Sessions", Period(MONDAY, MONDAY + timedelta(days=7 * 5)))
    assert found.sign == 0 and "about flat" in found.text and "lowest: 495" in found.text


@pytest.mark.parametrize(
    ("values", "n", "sign", "says"),
    [
        ([1000, 1090], [100, 109], None, ": up, but no more than chance explains"),
        ([1000, 1090], [10_000, 10_900], 1, ": up."),
        ([1090, 1000], [100, 109], None, ": down, but no more than chance explains"),
        ([3665, 4437, 4649, 5232], [35, 40, 42, 45], None, ": up, but no more than chance explains"),
        ([3665, 4437, 4649, 5232], [350, 400, 420, 450], 1, ": up."),
    ],
)
def test_a_few_values_that_chance_explains_are_no_direction(
    values: list[int], n: list[int], sign: int | None, says: str
) -> None:
    weeks = len(values)
    period = Period(MONDAY, MONDAY + timedelta(days=7 * weeks - 1))
    days = [(value / 7, number / 7) for value, number in zip(values, n, strict=True) for _ in range(7)]
    rows = [
        {"day": MONDAY + timedelta(days=place), "value": value, "n": number, "currency": "EUR"}
        for place, (value, number) in enumerate(days)
    ]
    metric = METRICS["revenue"]
    found = trend(
        Result(Query("revenue", ("day",), period=period), metric, TABLES["purchases"], "", rows), "Revenue", period
    )
    assert found.sign == sign and says in found.text


def _weekly(values: list[int]) -> Result:
    rows = [
        {"week": MONDAY + timedelta(days=7 * number), "value": value, "n": value} for number, value in enumerate(values)
    ]
    query, metric = Query("sessions", ("week",)), METRICS["sessions"]
    return Result(query, metric, TABLES[next(iter(metric.sql))], "", rows)
