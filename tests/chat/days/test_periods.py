"""Periods that a question names, by the days of the data."""

from __future__ import annotations

from datetime import date

import pytest

from beha2vec_core.chat.days.periods import find_times
from beha2vec_core.semantic.query import Period
from tests.semantic.semantic_world import FIRST, LAST

DATA = Period(FIRST, LAST)


@pytest.mark.parametrize(
    ("text", "periods", "left"),
    [
        ("last week", ["2026-05-04..2026-05-10"], "§0"),
        ("this week", ["2026-05-11..2026-05-13"], "§0"),
        ("last month", ["2026-04-01..2026-04-30"], "§0"),
        ("last quarter", ["2026-01-01..2026-03-31"], "§0"),
        ("last year", ["2025-01-01..2025-12-31"], "§0"),
        ("the past 7 days", ["2026-05-07..2026-05-13"], "§0"),
        ("last two weeks", ["2026-04-30..2026-05-13"], "§0"),
        ("past 3 months", ["2026-02-14..2026-05-13"], "§0"),
        ("yesterday", ["2026-05-13..2026-05-13"], "§0"),
        ("today or yesterday", ["2026-05-13..2026-05-13", "2026-05-12..2026-05-12"], "§0 or §1"),
        ("in may", ["2026-05-01..2026-05-13"], "in §0"),
        ("what may help", [], "what may help"),
        ("in december", ["2025-12-01..2025-12-31"], "in §0"),
        ("in june 2025", ["2025-06-01..2025-06-30"], "in §0"),
        ("on 5 may", ["2026-05-05..2026-05-05"], "on §0"),
        ("on may 20th", ["2025-05-20..2025-05-20"], "on §0"),
        ("on 24.12.2025", ["2025-12-24..2025-12-24"], "on §0"),
        ("since 1 march", ["2026-03-01..2026-05-13"], "§0"),
        ("until 2025-06-30", ["2025-06-01..2025-06-30"], "§0"),
        ("between 1 and 15 march", ["2026-03-01..2026-03-15"], "§0"),
        ("from january to march", ["2026-01-01..2026-03-31"], "§0"),
        ("the week of 6 may", ["2026-05-04..2026-05-10"], "§0"),
        ("q4", ["2025-10-01..2025-12-31"], "§0"),
        ("first quarter", ["2026-01-01..2026-03-31"], "§0"),
        ("ytd", ["2026-01-01..2026-05-13"], "§0"),
        ("by week of march", ["2026-03-01..2026-03-31"], "by week of §0"),
        ("per week from january", ["2026-01-01..2026-01-31"], "per week §0"),
        ("in the week before march 15", ["2026-03-08..2026-03-14"], "in §0"),
        ("2 weeks before march 15", ["2026-03-01..2026-03-14"], "§0"),
        ("in the month before march", ["2026-02-01..2026-02-28"], "in §0"),
        ("the day before yesterday", ["2026-05-12..2026-05-12"], "§0"),
        ("the week before last week", ["2026-04-27..2026-05-03"], "§0"),
        ("week 8", ["2026-02-16..2026-02-22"], "§0"),
        ("in week 30", ["2025-07-21..2025-07-27"], "in §0"),
        ("since the beginning of january", ["2026-01-01..2026-05-13"], "§0"),
        ("from february", ["2026-02-01..2026-02-28"], "§0"),
        ("from 3 february", ["2026-02-03..2026-05-13"], "§0"),
        ("in december 9999", ["2025-12-01..2025-12-31"], "in §0 9999"),
        ("12/1/2026", [], "12/1/2026"),  # 12 January or 1 December
    ],
)
def test_periods(text: str, periods: list[str], left: str) -> None:
    times = find_times(text, DATA)
    used = [period for number, period in enumerate(times.periods) if f"§{number}" in times.text]
    assert ([str(period) for period in used], times.text) == (periods, left)


def test_the_last_week_ends_on_the_last_day_where_that_completes_it() -> None:
    sunday = Period(FIRST, date(2026, 5, 10))
    assert str(find_times("last week", sunday).periods[0]) == "2026-05-04..2026-05-10"
    assert str(find_times("last month", Period(FIRST, date(2026, 4, 30))).periods[0]) == "2026-04-01..2026-04-30"
