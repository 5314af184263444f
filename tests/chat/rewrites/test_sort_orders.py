"""The order in which groups are listed, in the words of people."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.query import Query


@pytest.mark.parametrize(
    ("question", "metric", "by", "ascending"),
    [
        ("conversion rate by country, best to worst", "conversion_rate", "country", False),
        ("bounce rate by channel from best to worst", "bounce_rate", "channel", True),
        ("channels from strongest to weakest by orders", "orders", "channel", False),
        ("devices by revenue, small to large", "revenue", "device", True),
        ("countries with the lowest revenue first", "revenue", "country", True),
        ("landing pages by bounce rate, worst ones first", "bounce_rate", "landing_page", False),
        ("devices by conversion rate starting with the lowest", "conversion_rate", "device", True),
        ("sort the countries by order value, highest on top", "aov", "country", False),
        ("list all channels by revenue from the top down", "revenue", "channel", False),
        ("sessions by source, sorted descending by sessions", "sessions", "source", False),
    ],
)
def test_groups_are_listed_in_the_order_of_the_question(
    question: str, metric: str, by: str, ascending: bool, vocabulary: Vocabulary
) -> None:
    found = read_question(in_plain_words(question), vocabulary)
    assert found.query == Query(metric, (by,), ascending=ascending), found.problem
    assert not found.more


@pytest.mark.parametrize("question", ["revenue by channel in reverse order", "channels sorted alphabetically by sales"])
def test_another_order_is_not_answered(question: str, vocabulary: Vocabulary) -> None:
    assert read_question(in_plain_words(question), vocabulary).query is None


def test_an_order_alone_sorts_the_groups_of_the_question_before(vocabulary: Vocabulary) -> None:
    before = Query("revenue", ("channel",))
    found = read_question(in_plain_words("lowest first please", continues=True), vocabulary, before, is_first=False)
    assert found.query == Query("revenue", ("channel",), ascending=True)
