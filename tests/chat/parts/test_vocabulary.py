"""Words of questions: each way to say a thing reads as that thing, and a word that limits a question is never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.words.lemmas import as_key
from beha2vec_core.semantic.definitions import METRICS
from tests.benchmarks.chat_questions import canonical

SAME = {  # what is asked for, and the ways to say it
    "users": "how many folks came by; number of unique visitors; how many individuals visited us; size of our audience",
    "sessions": "how many times did people visit us; web traffic; footfall; number of times people came by",
    "pages_per_session": "pages a visit; avg pages/session; views per visit; session depth; pages seen per session",
    "engagement_time": "average session duration; length of a visit; how long do people stick around; time per visit; "
    "how much time do people spend on the site; how long is a typical visit; time spent on site per visit",
    "conversion_rate": "order rate; what share of visits lead to a purchase; how often does a visit become an order; "
    "e-commerce conversion rate; purchase ratio; sessions which led to an order",
    "buyer_share": "what fraction of visitors end up paying; how many out of 100 visitors buy; visitor-to-buyer rate",
    "buyers": "how many clients ordered; how many people are paying us; how many people finished an order; "
    "how many went through with a purchase; how many of our visitors spend money",
    "orders": "order volume; amount of purchases; successful orders; paid orders; number of sales",
    "revenue": "takings; how much was spent; total sales value; value of orders; how much business did we do; proceeds",
    "net_revenue": "revenue net of refunds; net sales; revenue minus refunds",
    "aov": "average ticket size; value per order; mean order value; what is an order worth on average; "
    "average amount per order; how large are orders; average value of an order",
    "revenue_per_user": "spend per head; revenue per capita; how much is a visitor worth; sales per visitor",
    "revenue_per_session": "value of a visit; revenue per visit; money per session",
    "revenue_per_buyer": "average spend per customer; how much does a customer spend; revenue per buyer",
    "items_per_order": "items per basket; how many things are in an average order; number of products per order",
    "orders_per_buyer": "how many orders does a customer place; purchases per customer",
    "refund_rate": "refund rate; share of orders refunded; percentage of returned orders",
    "bounces": "how many visitors bounced; how many people leave right away",
    "page_views": "how many pages did people look at; how many pages were viewed; page impressions",
    "cart_to_order_time": "how long does it take from the basket to the purchase in the same visit",
    "cart_abandonment": "abandoned baskets; share of carts left behind",
    "checkout_to_order_time": "how long does the checkout take; how long does it take people to check out",
    "items_sold | by item": "best-selling products; what sells best; most-bought items; top sellers",
    "items_sold | by item | top 5": "our five best-selling products; top 5 bestsellers",
    "exits | by page": "where do people leave the site; top exit pages; on which page do people quit",
    "sessions | by landing_page": "where do visitors land; which pages do people enter on; top entry pages",
    "sessions | by source": "top referring sites; traffic by utm_source; which websites send most traffic",
    "sessions | by user": "who are our most frequent visitors; most active users",
    "users | user=did not order": "people who left without buying",
    "sessions | by device | share": "device mix; distribution of sessions by device",
    "sessions | channel=Organic Social;Paid Social": "visits from social networks; traffic from social media",
    "engaged_rate | by channel | channel=Organic Search;Paid Search": (
        "paid search or organic search: which of the two brings the more engaged visitors"
    ),
    "conversion_rate | by device | device=desktop;mobile": "is mobile as good as desktop",
    "revenue | by month": "our best month; what was our strongest month; record month",
    # days
    "orders | 2026-01-01..2026-05-13": "orders since new year; orders this year to date; year-to-date orders",
    "orders | 2025-12-22..2025-12-28": "orders in christmas week; orders in the week of christmas",
    "orders | 2025-12-24..2025-12-26": "orders around christmas",
    "orders | 2025-12-17..2025-12-23": "orders in the week before christmas",
    "orders | 2025-11-28..2025-11-30": "orders on the black friday weekend",
    "orders | 2026-03-01..2026-05-13": "orders in spring; orders this spring; orders march through may",
    "orders | 2025-06-01..2025-08-31": "orders last summer; orders in summer 2025; orders june - august",
    "orders | 2025-09-01..2025-11-30": "orders in the fall; orders in autumn",
    "orders | 2026-03-11..2026-03-20": "orders mid-march; orders in the middle of march",
    "orders | 2025-06-01..2026-03-31": "orders until the end of march; orders by the end of march",
    "orders | 2026-04-24..2026-04-24": "orders on the 24th; orders on the 24th of april",
    "orders | 2026-05-01..2026-05-10": "orders between the 1st and the 10th of may; orders in early may",
    "orders | 2026-04-27..2026-05-03": "orders two weeks ago",
    "orders | 2026-04-16..2026-05-13": "orders in the last few weeks; orders in recent weeks",
    "orders | 2025-10-01..2025-12-31": "orders in 4q25; orders in q4'25",
}  # fmt: skip
NOT_LOST = (  # a word that limits the question, or changes it: it is no longer the same without
    "orders over 50 euros", "new buyers", "first orders", "repeat orders", "orders of 50 euros or more",
    "business orders",
    "orders this morning", "orders during office hours", "orders as of march", "big orders", "orders in the last week",
    "us orders", "orders last full month", "single-item orders", "orders in the summer sale", "orders of summer hats",
    "night orders", "orders on business days", "unpaid orders", "orders a day", "phone orders", "returned orders",
)  # fmt: skip
NOT_IN_DATA = {
    "newsletter open rate": "opens", "how old are our buyers": "ages", "share of women among customers": "genders",
    "gross margin": "margins", "how many hats are in stock": "stock", "did the weather influence sales": "weather",
    "who saw our tv spot": "television", "what do our competitors charge": "competitors", "roas by channel": "costs",
    "hats cheaper than on amazon": "elsewhere", "customer satisfaction": "satisfaction", "orders by city": "cities",
    "orders from fiji": "Fiji",
}  # fmt: skip


def _read(question: str, vocabulary: Vocabulary) -> str:
    """The queries that a question is read as; why not, where there is none."""
    reading = read_question(question, vocabulary)
    return " && ".join(map(canonical, (reading.query, *reading.more))) if reading.query else reading.problem


@pytest.mark.parametrize("expected", SAME)
def test_each_way_to_say_it_is_read_so(vocabulary: Vocabulary, expected: str) -> None:
    questions = [question.strip() for question in SAME[expected].split(";")]
    assert {question: _read(question, vocabulary) for question in questions} == dict.fromkeys(questions, expected)


def test_words_that_limit_a_question_are_not_lost(vocabulary: Vocabulary) -> None:
    assert [question for question in NOT_LOST if _read(question, vocabulary) == "orders"] == []


def test_what_the_data_do_not_have_is_named(vocabulary: Vocabulary) -> None:
    for question, topic in NOT_IN_DATA.items():
        problem = _read(question, vocabulary)
        assert problem.startswith("The data have no ") and topic in problem, question
    assert _read("orders from tiktok", vocabulary).startswith("I did not understand “tiktok”")


def test_each_phrase_of_a_measure_is_its_own(vocabulary: Vocabulary) -> None:
    for name, metric in METRICS.items():
        for phrase in metric.words:
            words = as_key(phrase).split()
            word, size, note = vocabulary.longest(words, 0)
            assert word is not None and not note and size == len(words), phrase
            assert word.name == name or phrase in {w for other in METRICS.values() for w in other.words}, phrase


def test_the_last_word_of_a_category_stands_for_it_where_it_has_no_other_meaning(vocabulary: Vocabulary) -> None:
    contents = vocabulary.contents
    categories = [*contents.values["item_category"], "Outdoor Clothing", "Red Shoes", "Family Page"]
    known = Vocabulary(replace(contents, values={**contents.values, "item_category": categories}))
    reading = read_question("revenue of clothing", known)
    assert reading.query and canonical(reading.query) == "item_revenue | item_category=Outdoor Clothing"
    assert "“clothing” was read as all of the item category Outdoor Clothing" in " ".join(reading.notes)
    shoes = read_question("revenue of shoes", known).query
    assert shoes and canonical(shoes) == "item_revenue | item_category=Shoes"
    assert canonical(read_question("views by page", known).query or shoes) == "page_views | by page"
