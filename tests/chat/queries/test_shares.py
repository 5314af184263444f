"""Which part of which whole a share is of."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.semantic.query import Query
from tests.benchmarks.chat_questions import given


@pytest.fixture
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


def _asked(lookup: Lookup, question: str) -> Query:
    _, answer = given(lookup, question)
    assert answer.reading and answer.reading.query, answer.text
    return answer.reading.query


@pytest.mark.parametrize(
    ("question", "part", "whole"),
    [
        ("what share of mobile users are new", "new_or_returning", "device"),
        ("share of email buyers that are new", "new_or_returning", "channel"),
        ("what percentage of buyers on mobile are returning customers", "new_or_returning", "device"),
        ("what share of users in Germany were new", "new_or_returning", "country"),
        ("what share of buyers from email are first-time buyers", "order_number", "channel"),
        ("what share of new users are on mobile", "device", "new_or_returning"),
        ("what share of new users came from email", "channel", "new_or_returning"),
        ("what fraction of returning visitors use mobile", "device", "new_or_returning"),
        ("what share of users who viewed a product are new", "new_or_returning", "user"),
        ("what share of new users added something to the cart", "user", "new_or_returning"),
        ("how many of the users who added to cart are returning", "new_or_returning", "user"),
        ("share of mobile users who added something to the cart", "user", "device"),
        ("what share of email visitors put something in the basket", "user", "channel"),
        ("share of mobile users with a cart", "user", "device"),
        ("what fraction of mobile traffic starts the checkout", "session", "device"),
    ],
)
def test_the_part_is_what_they_are(lookup: Lookup, question: str, part: str, whole: str) -> None:
    query = _asked(lookup, question)
    assert query.is_share and [one.dimension for one in query.filters] == [part, whole]


@pytest.mark.parametrize(
    ("question", "by", "part"),
    [
        ("share of mobile sessions by channel", "channel", "device"),
        ("mobile share per country", "country", "device"),
        ("which country has the highest mobile share", "country", "device"),
        ("top 5 countries by mobile share", "country", "device"),
        ("how much of each channel's traffic is mobile", "channel", "device"),
        ("what percent of orders in each country come from email", "country", "channel"),
        ("which channel has the largest share of returning visitors", "channel", "new_or_returning"),
        ("share of new users by channel", "channel", "new_or_returning"),
        ("is the share of new users higher on mobile than on desktop?", "device", "new_or_returning"),
        ("what share of sessions is on mobile? >> by channel", "channel", "device"),
        ("what share of sessions is on mobile? >> by channel >> and in Germany?", "channel", "device"),
        ("share of mobile sessions by channel >> and desktop?", "channel", "device"),
        ("what share of users who viewed a product ordered? >> by channel", "channel", "user"),
    ],
)
def test_within_each_group(lookup: Lookup, question: str, by: str, part: str) -> None:
    query = _asked(lookup, question)
    assert (query.by, query.filters[0].dimension, query.is_share and query.of_each) == ((by,), part, True)


@pytest.mark.parametrize(
    "question",
    [
        "what share of mobile orders comes from each channel",
        "what share of mobile sessions does each channel bring",
        "revenue share by channel on mobile",
        "in Germany, what is the share of each channel",
        "which channel brings the highest share of mobile orders",
        "distribution of new users across channels in percent",
    ],
)
def test_spread_over_the_groups(lookup: Lookup, question: str) -> None:
    query = _asked(lookup, question)
    assert query.is_share and query.by == ("channel",) and not query.of_each


def test_the_answer_says_within_what(lookup: Lookup) -> None:
    text = lookup.ask("mobile share of sessions by channel").text
    assert text.startswith("Share of sessions on mobile within each channel: highest for ")
    assert "make up" not in lookup.ask("top 3 countries by mobile share").text


def test_the_spread_is_of_all(lookup: Lookup) -> None:
    text = lookup.ask("what share of mobile sessions comes from each channel").text
    assert text.startswith("Share of all sessions on mobile: highest for ")


@pytest.mark.parametrize(
    "question",
    ["what share of mobile users are new and from Germany?", "is the share of users new and on mobile from email"],
)
def test_two_parts_at_once_are_not_guessed(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood


def test_customers_are_compared_wherever_the_noun_stands(lookup: Lookup) -> None:
    expected = "buyers | by country | country=Germany;United Kingdom"
    assert given(lookup, "compare customers from Germany and the UK")[0] == expected
    assert given(lookup, "compare German and British customers")[0] == expected
