"""Rewrites keep words apart, and slips in small words are put right."""

from __future__ import annotations

import re

import pytest

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.chat.rewrites.page_words import in_pages
from beha2vec_core.chat.rewrites.substitute import rewritten
from tests.benchmarks.chat_questions import canonical


@pytest.mark.parametrize(
    ("pattern", "new", "text", "expected"),
    [
        (r"\bhow many errors (?:did we have |saw we)", "views of error pages", "how many errors did we have in march",
         "views of error pages in march"),
        (r" (?:or|and) so\b", "about", "five or so orders", "five about orders"),
        (r"\bcame to us", "visited", "came to users", "came to users"),
        (r"\bshopping cart", "cart", "shopping carts", "carts"),
        (r"\bin total ", "total", "in total \u00a70", "total \u00a70"),
    ],
)  # fmt: skip
def test_a_rewrite_neither_glues_nor_cuts_words(pattern: str, new: str, text: str, expected: str) -> None:
    assert rewritten(re.compile(pattern), new, text) == expected


def test_error_pages_that_people_have_are_views_of_these() -> None:
    text = in_pages("how many error pages did we have in march", (), set(), {"page_type": ["error"]})
    assert text == "how many page views of error pages in march"


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("orders form germany by channel", "orders from germany by channel"),
        ("orders yb country", "orders by country"),
        ("hwo many orders in march", "how many orders in march"),
        ("orders fom germany las month", "orders from germany last month"),
    ],
)
def test_a_slip_in_a_small_word_is_put_right(question: str, same: str, vocabulary: Vocabulary) -> None:
    found, expected = (read_question(in_plain_words(one), vocabulary).query for one in (question, same))
    assert found and expected and canonical(found) == canonical(expected)


@pytest.mark.parametrize("question", ["sessions with a form", "views of the contact form page", "orders pre christmas"])
def test_a_word_that_may_be_meant_is_not_put_right(question: str, vocabulary: Vocabulary) -> None:
    assert read_question(question, vocabulary).query is None
