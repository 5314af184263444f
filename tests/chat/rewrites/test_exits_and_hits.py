"""Landing and exit pages in words of people, people of a channel, and groups without a measure."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.parts.people_of import in_visitors
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.query import Query


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("last page people see before leaving", "exit pages"),
        ("which page is the last one in most visits?", "exit pages?"),
        ("which pages do visits end on in march", "exit pages in march"),
        ("which pages do people leave the shop from most?", "exit pages?"),
        ("landing pages people hit most from email", "landing pages by sessions from email"),
        ("which page comes right before the cart most of the time", "which page comes right before the cart most"),
        ("last page views", "last page views"),
    ],
)
def test_pages_are_landing_and_exit_pages(question: str, plain: str) -> None:
    assert in_plain_words(question) == plain


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("countries", Query("sessions", ("country",))),
        ("show me our channels", Query("sessions", ("channel",))),
    ],
)
def test_groups_alone_have_the_usual_measure(question: str, query: Query, vocabulary: Vocabulary) -> None:
    assert read_question(in_plain_words(question), vocabulary).query == query


def test_people_of_a_source_are_its_visitors(vocabulary: Vocabulary) -> None:
    text, notes = in_visitors("order value of google followers", vocabulary)
    assert text == "order value of people from google"
    assert notes == ["“google followers” was read as visitors from google: who they are is not in the data."]


@pytest.mark.parametrize(
    "question", ["how many google followers do we have", "google followers", "order value of article readers"]
)
def test_their_number_is_not_known(question: str, vocabulary: Vocabulary) -> None:
    assert in_visitors(question, vocabulary) == (question, [])


def test_which_of_them_sells_best_is_asked_of_sales(vocabulary: Vocabulary) -> None:
    before = Query("sessions", ("channel",))
    found = read_question("which of those sells best?", vocabulary, before, is_first=False).query
    assert found == Query("revenue", ("channel",), ascending=False)
