"""Questions offered in place of one that is not understood."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words

LINES = files("beha2vec_core.chat.reading").joinpath("example_questions.txt").read_text(encoding="utf-8").splitlines()
EXAMPLES = [line for line in LINES if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


def offered(lookup: Lookup, question: str) -> list[str]:
    lookup.forget()
    answer = lookup.ask(question)
    assert not answer.understood
    return [line.removeprefix("  - ") for line in answer.text.splitlines() if line.startswith("  - ")]


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one[:2] != "= " or "{thing}" in one])
def test_each_is_read(lookup: Lookup, vocabulary: Vocabulary, example: str) -> None:
    """This shop has no search, no wishlist and no error pages."""
    question = example
    for place, value in {"= ": "", "{thing}": "Shoes", "{page}": "/cart", "{group}": "mobile"}.items():
        question = question.replace(place, value)
    lookup.forget()
    known = read_question(in_plain_words(question), vocabulary).query or lookup.ask(question).understood
    assert bool(known) is not any(word in question for word in ("search", "wishlist", "error page"))


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one[:2] == "= " and "{thing}" not in one])
def test_each_about_segments_and_predictions_has_an_answer(serving: Path, example: str) -> None:
    assert Lookup(Published(serving), Aliases(serving)).ask(example.removeprefix("= ")).understood


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what percentage of first-time visitors grabs something on that very first visit",
         "how many visitors buy on their first visit?"),
        ("which crowd of segments is worth a fortune", "which segment is worth most?"),
        ("how many carts get dumped and abandoned on mobile in april",
         "how many carts are abandoned on mobile in April 2026?"),
        ("how do shoes fare bundled together with anything", "what is bought together with Shoes?"),
    ],
)  # fmt: skip
def test_what_is_like_the_question_is_offered_first(lookup: Lookup, question: str, expected: str) -> None:
    first = offered(lookup, question)[0]
    assert first == expected
    lookup.forget()
    assert lookup.ask(first).understood or "segment" in first


@pytest.mark.parametrize("question", ["what is our profit", "how many people googled with the site search box"])
def test_nothing_is_offered_in_place_of_what_no_data_have(lookup: Lookup, question: str) -> None:
    assert not offered(lookup, question)
