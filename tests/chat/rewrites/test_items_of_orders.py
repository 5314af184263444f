"""Orders by how many items they have, in the words of people."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.query import Did, Filter


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(
    ("question", "metric", "is_share", "low", "high"),
    [
        ("share of baskets with more than one product in them", "orders", True, 2, None),
        ("how many orders had several products?", "orders", False, 2, None),
        ("share of orders with a single product", "orders", True, 1, 1),
        ("what percent of purchases include 3 or more pieces", "orders", True, 3, None),
        ("average order value of orders with 2 items", "aov", False, 2, 2),
        ("baskets bigger than 3 items", "orders", False, 4, None),
    ],
)
def test_orders_are_chosen_by_their_items(
    question: str, metric: str, is_share: bool, low: int, high: int | None, vocabulary: Vocabulary
) -> None:
    found = read_question(in_plain_words(question), vocabulary)
    assert found.query and (found.query.metric, found.query.is_share) == (metric, is_share), found.problem
    assert found.query.filters == (Filter("one_order", did=(Did("items", at_least=low, at_most=high),)),)
    assert "Items are pieces: two of the same product are 2 items." in found.notes


def test_items_and_a_coupon_are_both_asked_for(vocabulary: Vocabulary) -> None:
    found = read_question(in_plain_words("orders with 2 items and a coupon"), vocabulary).query
    assert found and [len(one.did) for one in found.filters] == [2]


def test_what_people_buy_at_once_is_items_per_order(vocabulary: Vocabulary) -> None:
    found = read_question(in_plain_words("how many products do people buy per order"), vocabulary).query
    assert found and (found.metric, found.by) == ("items_per_order", ())


@pytest.mark.parametrize("question", ["orders with two or more different products", "carts with more than one product"])
def test_other_counts_of_products_are_not_answered(question: str, vocabulary: Vocabulary) -> None:
    assert read_question(in_plain_words(question), vocabulary).query is None


@pytest.mark.parametrize("question", ["orders with at least 3 hats", "orders that have at least 3 items of Hats"])
def test_items_of_a_kind_are_counted_and_said_so(question: str, lookup: Lookup) -> None:
    assert lookup.ask(question).text.startswith("Orders that have at least 3 items of Hats: ")
