""" "When" as "at the time of", and values that are added up as one group."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.query import Filter, Query
from tests.benchmarks.chat_questions import canonical


def _read(question: str, vocabulary: Vocabulary) -> Query | None:
    return read_question(in_plain_words(question), vocabulary).query


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("how many people used a coupon when they bought something?", "how many people used a coupon?"),
        ("average order value when a coupon was used", "average order value with a coupon"),
        ("when they buy, how many use a coupon", "how many people used a coupon"),
        ("how many customers were on mobile when they ordered", "how many customers ordered with mobile"),
        ("which device do people use when they buy", "orders by device"),
        ("conversion rate when people come from google", "conversion rate from google"),
        ("order value when buying on mobile", "order value on mobile"),
    ],
)
def test_when_they_did_it_is_at_that_time(question: str, same: str, vocabulary: Vocabulary) -> None:
    found, expected = _read(question, vocabulary), _read(same, vocabulary)
    assert found and expected and canonical(found) == canonical(expected)


def test_buyers_with_a_coupon_are_a_share_of_all_buyers(vocabulary: Vocabulary) -> None:
    found = _read("share of buyers who used a coupon", vocabulary)
    assert found and found.metric == "buyers" and found.is_share


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("orders germany plus austria", Query("orders", (), (Filter("country", ("Germany", "Austria")),))),
        ("conversion rate of germany and austria combined",
         Query("conversion_rate", (), (Filter("country", ("Germany", "Austria")),))),
        ("share of revenue from germany plus austria",
         Query("revenue", (), (Filter("country", ("Germany", "Austria")),), is_share=True)),
        ("sessions plus orders by channel", Query("sessions", ("channel",))),
    ],
)  # fmt: skip
def test_values_are_added_up(question: str, expected: Query, vocabulary: Vocabulary) -> None:
    assert _read(question, vocabulary) == expected


@pytest.mark.parametrize("question", ["revenue in march plus february", "revenue plus the share by channel"])
def test_what_has_no_sum_is_not_answered(question: str, vocabulary: Vocabulary) -> None:
    assert _read(question, vocabulary) is None
