"""Groups of which nothing was done."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.parts.never import in_none
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.semantic.query import Having


@pytest.mark.parametrize(
    "question", ["products viewed but never bought", "which products did nobody buy in march", "products never sold"]
)
def test_products_nobody_bought_are_those_that_were_viewed(vocabulary: Vocabulary, question: str) -> None:
    query = read_question(question, vocabulary, None).query
    assert query and query.metric == "item_views" and query.by == ("item",)
    assert query.having == (Having("orders", None, 0.0),)


@pytest.mark.parametrize("text", ["users who viewed products never bought", "how many people bought products"])
def test_what_people_did_is_of_no_group(text: str) -> None:
    assert in_none(text) == text
