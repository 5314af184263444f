"""How people speak: each idiom reads as the plain question, and takes no other."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from beha2vec_core.chat.days.periods import find_times
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Did, Filter, Period, Query
from tests.benchmarks.chat_questions import canonical

SAME = {  # what is asked for, and the ways to say it
    "sessions | device=mobile | share": "what is mobile's slice of the pie in sessions; "
    "is a third of our traffic mobile; how much of the traffic is down to mobile; what per cent of sessions is mobile; "
    "I've heard that mobile makes up almost half of our visits. Is that right?; "
    "does mobile make up even 5% of traffic",
    "buyers | country=Austria | share": "are 20% of buyers from Austria; what % of our buyers are from Austria; "
    "share of Austrians among those who bought",
    "buyer_share": "out of every hundred visitors, how many buy; one in how many visitors buys",
    "sessions | channel=Direct | country=Germany | share": "how much of our direct traffic sits in Germany",
    "orders | by browser": "break the orders down by browser; carve up orders by browser; orders, sliced by browser; "
    "kindly share the orders by browser; group orders by browser; browser-level view of orders",
    "conversion_rate | by device | device=desktop;mobile": "put mobile and desktop side by side on conversion rate; "
    "how does mobile fare against desktop in conversion; what's the gap in conversion between mobile and desktop; "
    "is mobile lagging behind desktop in conversion; is the conversion rate the same on mobile and desktop; "
    "does mobile outperform desktop on conversion",
    "conversion_rate | by device | asc": "which device is lagging in conversion",
    "conversion_rate | by country": "conversion rate by country, if that's something you track",
    "orders | by country": "where do our orders come from in the world; itemise our orders by country; "
    "spell out orders per country; have a good look at the orders by country",
    "orders | by weekday": "orders by weekday, monday to sunday",
    "orders | 2026-03-01..2026-03-31": "I must present on Monday. How many orders in March; i am asking myself "
    "how many orders we had in march; I'm writing an email and want to know how many orders we had in March",
    "orders | by day | asc": "when was rock bottom in orders; when was the low point of orders",
    "users | user=visited exactly 1 time": "how many users came once and then gone; how many users came only once and "
    "never came back",
    "items_per_order": "items by order on average",
    "pages_per_session": "how many pages for one visit on average",
    "sessions | by user": "who visits us most often; which users came most",
    "orders | by month": "are orders on the up; how's the number of orders moved over the year; "
    "direction of travel on orders",
    "sessions | by day | top 5": "were there any unusual spikes in traffic",
    "sessions | by week | 2026-02-01..2026-04-30": "weekly sessions from february through april",
    "orders | 2025-08-01..2025-12-31": "orders from aug to dec 2025",
    "orders | 2025-11-01..2026-02-28": "orders from nov to feb 2026",
    "sessions | 2026-02-14..2026-05-13 | vs 2025-06-01..2025-08-31": "stack up sessions in our first three months "
    "against the last three",
    "revenue | 2026-03-01..2026-03-31": "what did revenue come to for March; what did we pull in during March",
    "revenue | device=mobile": "how much did mobile bring in",
    "users | user=visited at least 2 times": "how many people keep coming back",
}
NOT_READ_SO = {  # a word that an idiom shares with a question that means something else
    "orders worth more than 100": "revenue_per_user",
    "how do people go from the cart to checkout": "by month",
    "share of orders with a coupon": "orders | by",
    "show me traffic coming into category pages": "by page_type",
    "is revenue more than 20% up on last month?": "share",
}


def _read(question: str, vocabulary: Vocabulary) -> str:
    found = read_question(in_plain_words(question), vocabulary)
    return canonical(found.query) if found.query else f"no: {found.problem}"


@pytest.mark.parametrize("expected", SAME)
def test_each_idiom_reads_as_the_plain_question(expected: str, vocabulary: Vocabulary) -> None:
    ways = SAME[expected].split("; ")
    assert {way: _read(way, vocabulary) for way in ways} == dict.fromkeys(ways, expected)


@pytest.mark.parametrize("question", NOT_READ_SO)
def test_an_idiom_takes_no_other_question(question: str, vocabulary: Vocabulary) -> None:
    assert NOT_READ_SO[question] not in _read(question, vocabulary)


@pytest.mark.parametrize(
    "question",
    ["revenue by store location", "is our site faster on mobile", "how did the exchange rate move in april",
     "which carts were left unattended"],
)  # fmt: skip
def test_a_word_that_may_limit_is_not_left_out(question: str, vocabulary: Vocabulary) -> None:
    assert read_question(in_plain_words(question), vocabulary).query is None


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("walk me through the funnel", "show the funnel"),
        ("whats our weakest step in the checkout?", "at which step do we lose the most people?"),
        ("how far do mobile visitors get in the funnel?", "funnel for mobile visitors?"),
        ("out of 100 visitors how many buy?", "what percent of visitors buy?"),
        ("In France what is the weight of mobile vs the rest?", "what is the share of mobile In France?"),
        ("the people that search, who are they?", "describe the people that search"),
        ("sales fell in June, any reason?", "why sales fell in June?"),
        ("how often did visitors land on an error page?", "how many page views of an error page?"),
        ("nov against dec, who wins in revenue?", "nov against dec, revenue?"),
        ("visits w/out any order", "visits without any order"),
        ("how many visitors got a 404?", "how many visitors saw an error page?"),
        ("how many sessions made it to the finish line?", "how many sessions order?"),
        ("how many people started a cart and then left?", "how many people have a cart but no order?"),
        ("where do the error pages come from?", "error page views by page?"),
        ("did orders grow or stay the same?", "did orders grow?"),
        ("is the cart page a dead end on mobile?", "where do people go after the cart page on mobile?"),
        ("who leaves after a single page?", "sessions with only one page by channel?"),
        ("conversion rate on mobile, is it over 5%?", "conversion rate on mobile. is it over 5%?"),
        ("orders by channel", "orders by channel"),
    ],
)
def test_an_idiom_is_said_in_plain_words(question: str, plain: str) -> None:
    assert in_plain_words(question).replace(" ,", ",") == plain


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("orders in august", date(2025, 8, 1), date(2025, 8, 31)),
        ("orders in august 2026", date(2026, 8, 1), date(2026, 8, 2)),
        ("orders from june to august", date(2026, 6, 1), date(2026, 8, 2)),
        ("orders in july", date(2026, 7, 1), date(2026, 7, 31)),
    ],
)
def test_a_month_that_has_just_begun_is_not_meant_by_its_name(text: str, first: date, last: date) -> None:
    times = find_times(text, Period(date(2025, 7, 1), date(2026, 8, 2)))
    assert times.periods[0] == Period(first, last)
    assert any("the data have 2 days" in note for note in times.notes) == (first.year == 2025)


def test_error_pages_are_those_with_the_title_of_one() -> None:
    """The label of a page is a guess from its address: a page that failed once is no error page."""
    connection = duckdb.connect()
    connection.execute("""create schema ga4; create schema beha2vec;
        create table ga4.fct_ga4__page_views as select * from (values ('s1', 'u1', 'home', true),
            ('s1', 'u1', 'old', false),
            ('s2', 'u2', 'home', false)) as t (session_key, user_key, page_key, is_error_page);
        create table ga4.fct_ga4__sessions as select * from (values ('s1', 'u1'), ('s2', 'u2'))
            as t (session_key, user_key);
        create table beha2vec.enriched_pages as select * from (values ('home', 'home'), ('old', 'error'))
            as t (page_key, page_type)""")
    error = Filter("page_type", ("error",))
    saw = Filter("session", did=(Did("page_views", (error,)),))
    asked = [Query("page_views", (), (error,)), Query("sessions", (), (saw,)),
             Query("page_views", (), (Filter("page_type", ("error", "home")),))]  # fmt: skip
    assert [run_query(connection, query).rows[0]["value"] for query in asked] == [1, 1, 2]
