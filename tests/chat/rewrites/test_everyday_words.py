"""Everyday words that say the same as a known one: each reads as the plain question, and not where it says another."""

from __future__ import annotations

import re

import pytest

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.chat.words.verbs import forms
from tests.benchmarks.chat_questions import canonical

SAME = {  # what is asked for, and the ways to say it
    "orders | 2026-03-01..2026-03-31": "right, so how many orders in march; first of all: orders in march; how many "
    "orders did we manage in march; how many orders landed in march; orders poured in during march, how many; how many "
    "orders were completed in march; orders inside march; regarding march, how many orders did we get; orders in march "
    "alone; what level did orders reach in march; how many orders are on record for march",
    "revenue | 2026-03-01..2026-03-31": "how much did our little shop take home in march; how much revenue did we "
    "pocket in march; what was the precise revenue in march",
    "sessions | 2025-06-01..2026-02-28": "sessions up until the end of february; sessions prior to 1 march",
    "orders | channel=Email": "orders driven by email; orders originating from email; orders whose channel is email; "
    "orders tied to email",
    "sessions | landing_page_type=product": "how many visits start on a product page; sessions that began on a product "
    "page",
    "users | country=Germany": "users living in germany; people based in germany; citizens of germany; users hailing "
    "from germany",
    "orders | by channel": "give me a good look at orders by channel; let's take a look at orders by channel; "
    "which channel delivers the most orders; which channel boasts the most orders; which "
    "channel ranks first in orders; which channel leads in orders; which channel is the champion in orders; which "
    "channel is at the top of the list for orders",
    "conversion_rate | by device | asc": "which device ranks last in conversion rate; which device lags in conversion "
    "rate; which device is at the bottom for conversion rate",
    "revenue | by channel": "revenue for the various channels; revenue depending on the channel; revenue listed by "
    "channel; how do channels fare in revenue",
    "conversion_rate | device=mobile": "rate of purchase on mobile",
    "buyers | 2026-03-01..2026-03-31": "how many visitors turned into buyers in march; how many users committed to a "
    "purchase in march",
    "orders | country!=Germany": "orders but for germany; orders if germany is excluded; orders leaving aside germany; "
    "orders with germany left out; orders, germany aside",
    "revenue | 2026-03-01..2026-03-31 | vs 2026-02-01..2026-02-28": "revenue of march relative to february; did "
    "february's revenue swell in march compared to february; revenue ballooned in march, true?",
    "revenue | by channel | top 15": "top fifteen channels by revenue",
}
NOT_READ = [
    "how much did we net in march", "which countries did we deliver the most orders to", "walk in customers",
    "what is revenue driven by in march", "orders submitted but not confirmed", "contract orders in march",
    "leap day orders", "users lacking an account", "orders that carry only hats", "half price orders in march",
    "average check out time", "what did google spend on ads", "volume of sales in march",
    "rate of buying again", "exact match orders",
]  # fmt: skip


def _read(question: str, vocabulary: Vocabulary) -> str:
    found = read_question(in_plain_words(question), vocabulary)
    return canonical(found.query) if found.query else f"no: {found.problem}"


@pytest.mark.parametrize("expected", SAME)
def test_each_word_reads_as_the_known_one(expected: str, vocabulary: Vocabulary) -> None:
    ways = SAME[expected].split("; ")
    assert {way: _read(way, vocabulary) for way in ways} == dict.fromkeys(ways, expected)


@pytest.mark.parametrize("question", NOT_READ)
def test_a_word_that_may_say_something_else_is_not_left_out(question: str, vocabulary: Vocabulary) -> None:
    assert _read(question, vocabulary).startswith("no: ")


@pytest.mark.parametrize(
    "question",
    ["views of home and living in march", "top 20 channels by revenue", "boots and hike gear",
     "which page do people reach most", "which brand suffered a lot", "did visitors drop by 5%",
     "visitors landed on the home page"],
)  # fmt: skip
def test_names_of_the_data_and_words_with_another_meaning_stay(question: str) -> None:
    assert in_plain_words(question) == question


def test_verbs_have_all_their_forms() -> None:
    words = "stop stops stopped stopping study studies studied studying fetch fetches fetched fetching win won"
    found = re.compile(forms("stop study fetch win", "won"))
    assert all(found.fullmatch(word) for word in words.split())
    assert not found.fullmatch("stoped")
