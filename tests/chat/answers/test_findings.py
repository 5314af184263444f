"""What to know first, and days that are not as usual."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from beha2vec_core.chat.answers.findings import findings
from beha2vec_core.chat.answers.unusual_days import unusual_days
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Query
from beha2vec_core.semantic.tables import TABLES

ROWS = [{"headline": f"Finding {one}", "sentence": "It is so.", "kind": "difference"} for one in range(5)]


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What were the most important changes or findings recently?", 3),
        ("what are the key insights", 3),
        ("top 2 highlights", 2),
        ("What should I know about our shop?", 3),
        ("anything interesting in the data?", 3),
        ("what should I know before Monday", 3),
    ],
)
def test_highlights_are_listed(question: str, shown: int) -> None:
    answer = findings(question, lambda: ROWS)
    assert answer and answer.text.count(". Finding") == shown and f" The table has {5 - shown} more." in answer.text
    assert ("a change over time" in answer.text) == ("changes" in question)


@pytest.mark.parametrize(
    "question",
    [
        "key findings for mobile",
        "insights into revenue last week",
        "revenue changes",
        "findings in 2026",
        "0 findings",
        "what should I know about last week",
    ],
)
def test_highlights_of_a_part_are_not_known(question: str) -> None:
    assert findings(question, lambda: ROWS) is None


def test_where_nothing_stands_out_this_is_said() -> None:
    answer = findings("any news?", lambda: [])
    assert answer and answer.text.startswith("Nothing stands out")


def _measured(odd: float, days: tuple[date, date]) -> Callable[[Query], Result]:
    first, last = days
    rows = [
        {"day": (one := first + timedelta(days=n)), "value": 1000 + 5 * (n % 4) + 100 * (one.weekday() == 6), "n": 1}
        for n in range((last - first).days + 1)
    ]
    rows[10]["value"] = odd
    return lambda query: Result(query, METRICS[query.metric], TABLES["sessions"], "select 1", rows)


@pytest.mark.parametrize(
    ("question", "odd", "first"),
    [
        ("Were there any days with unusual traffic?", 2000, "Days with an unusual number of sessions from"),
        ("any anomalies in daily sessions?", 1003, "No day has an unusual number of sessions from"),
        ("were there days with unusually high traffic", 10, "No day has an unusually high number of sessions from"),
        ("were there days with unusually low traffic", 10, "Days with an unusually low number of sessions from"),
    ],
)
def test_unusual_days_are_those_far_from_their_weekday(
    vocabulary: Vocabulary, question: str, odd: float, first: str
) -> None:
    days = vocabulary.contents.days
    answer = unusual_days(question, vocabulary, _measured(odd, (days.first, days.last)))
    assert answer and answer.text.startswith(first) and "Median: " in answer.text
    assert (f"{odd:,.0f} (usual: " in answer.text) == first.startswith("Days")


def test_days_of_which_most_are_the_same_are_not_unusual(vocabulary: Vocabulary) -> None:
    days = vocabulary.contents.days
    rows = [{"day": days.first + timedelta(days=5 * one), "value": 1, "n": 1} for one in range(10)]
    answer = unusual_days(
        "days with unusual orders", vocabulary,
        lambda query: Result(query, METRICS[query.metric], TABLES["purchases"], "select 1", rows),
    )  # fmt: skip
    assert answer and "most days have the same number" in answer.text and answer.table is None


@pytest.mark.parametrize(
    "question", ["which users are unusual?", "outliers among products", "days with unusual bounces"]
)
def test_what_else_is_unusual_is_not_known(vocabulary: Vocabulary, question: str) -> None:
    assert unusual_days(question, vocabulary, _measured(0, (date(2026, 1, 1), date(2026, 2, 2)))) is None


@pytest.mark.parametrize(
    "question",
    [
        "Did anything odd happen in the last days that I should look at this morning?",
        "anything strange in the last few days",
        "was there something wrong with the shop this week?",
    ],
)
def test_anything_odd_is_looked_for_in_the_main_measures(vocabulary: Vocabulary, question: str) -> None:
    days = vocabulary.contents.days
    answer = unusual_days(question, vocabulary, _measured(1003, (days.first, days.last)))
    assert answer and [f"unusual {name}" in answer.text for name in ("revenue", "number of orders")] == [True, True]
    assert f"The last day, {days.last:%A}" in answer.text and "usual on a" in answer.text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("anything unusual about mobile traffic last week", "No day has an unusual number of sessions on mobile from"),
        (
            "Did anything unusual happen with our traffic in the last 2 weeks?",
            "No day has an unusual number of sessions",
        ),
        ("Was there any day in April with unusually low or high sales?", "No day has unusual revenue from 1 Apr to"),
        ("days in April with unusually low traffic", "No day has an unusually low number of sessions from 1 Apr to"),
    ],
)
def test_anything_odd_of_one_measure_is_looked_for_in_its_days(
    vocabulary: Vocabulary, question: str, text: str
) -> None:
    days = vocabulary.contents.days
    answer = unusual_days(question, vocabulary, _measured(1003, (days.first, days.last)))
    assert answer and answer.text.startswith(text)


@pytest.mark.parametrize("question", ["anything unusual with our users?", "was there an unusual week in april"])
def test_anything_odd_about_something_else_is_not_answered_so(vocabulary: Vocabulary, question: str) -> None:
    days = vocabulary.contents.days
    assert unusual_days(question, vocabulary, _measured(1003, (days.first, days.last))) is None
