"""Errors that people hit, carts that end up abandoned, interest, returns and repeat orders, in plain words."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.rewrites.idioms import in_plain_words


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("how many 404s are people hitting", "how many page views of error pages"),
        ("how many errors did mobile users see in march", "how many page views of error pages mobile in march"),
        ("what share of baskets end up abandoned", "what share of baskets abandoned"),
        ("is interest in hats picking up", "are views of hats growing"),
        ("which products are often returned", "which products by refunded orders"),
        ("how many customers bought again in march", "how many customers with repeat orders in march"),
        ("customers who bought again within 30 days", "customers who bought again within 30 days"),
        ("how many will come back next week do you think", "how many will come back next week"),
        ("share of visits where people searched", "share of visits that searched"),
        ("mobile or desktop, where do we sell more", "mobile or desktop, which sells more"),
        ("fastest growing channels in may", "which channels are growing fastest in may"),
    ],
)
def test_turns_of_speech_are_our_measures(question: str, plain: str) -> None:
    assert in_plain_words(question) == plain
