"""The shape of sentences: alternatives, several of them, no named measure, misspelled words, words that say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.reading.sentences import parts_of
from tests.benchmarks.chat_questions import given

MAY = "2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
ASKED = {
    # alternatives
    "mobile or desktop, which one brings more orders": "orders | by device | device=desktop;mobile",
    "Between mobile and desktop, which one has the better conversion rate?": (
        "conversion_rate | by device | device=desktop;mobile"
    ),
    "Germany or Austria, which is bigger": "sessions | by country | country=Austria;Germany",
    "paid search or email: which of the two brings more orders": "orders | by channel | channel=Email;Paid Search",
    "conversion of mobile compared to the rest of the devices": "conversion_rate | by device | device=mobile | rest",
    "Is mobile bad?": "conversion_rate | by device | device=mobile | rest",
    # several sentences
    "In March and April, how many orders did we get?": "orders | 2026-03-01..2026-04-30",
    "Support lead here. How many orders in April?": "orders | 2026-04-01..2026-04-30",
    "Sessions by channel. Only the top 3.": "sessions | by channel | top 3",
    "How many orders did we get? By device please.": "orders | by device",
    "Orders in March? And in April?": "orders | 2026-03-01..2026-03-31 && orders | 2026-04-01..2026-04-30",
    "Revenue fell in April. Why?": f"revenue | {MAY} | why",
    "How many orders in April? Without the returning ones.": (
        "orders | new_or_returning!=returning | 2026-04-01..2026-04-30"
    ),
    # which groups changed in a direction, the largest change first; both ends of an order
    "Which countries' revenue fell in April?": f"revenue | by country | {MAY} | change | asc",
    "Which landing pages got worse in April?": f"conversion_rate | by landing_page | {MAY} | change | asc",
    "Which channels' bounce rate got worse in April?": f"bounce_rate | by channel | {MAY} | change",
    "Which channel lost more orders in April?": f"orders | by channel | {MAY} | change | asc",
    "How many products sold less in April than in March?": f"items_sold | by item | {MAY} | change | asc",
    "Which items' sales rose in April?": f"item_revenue | by item | {MAY} | change",
    "Revenue growth by channel in April": f"revenue | by channel | {MAY}",
    "Which country grew least in April?": "no",
    "Which channels grew less in April than in March?": "no",
    "Which channels converted worse in April?": "no",
    "Which channels sell less?": "no",
    "How many products sold less than in March?": "no",
    "Which landing pages got worse?": (
        "conversion_rate | by landing_page | 2026-04-16..2026-05-13 | vs 2026-03-19..2026-04-15 | change | asc"
    ),
    "Which products sell more on mobile in April?": "items_sold | by item | device=mobile | 2026-04-01..2026-04-30",
    "Which channel did better in April?": "conversion_rate | by channel | 2026-04-01..2026-04-30",
    "Which channel has the most orders on mobile and the fewest on desktop?": "no",
    "Which channel has the most orders on mobile and the fewest in Germany?": "no",
    "Which channel had the most orders in March and the fewest in April?": "no",
    "On mobile, which channel has the most orders and which the fewest?": (
        "orders | by channel | device=mobile && orders | by channel | device=mobile | asc"
    ),
    "Which channel has the most and which the fewest orders?": "orders | by channel && orders | by channel | asc",
    "Which channel has the most orders and which has the fewest?": "orders | by channel && orders | by channel | asc",
    "What are the best and the worst selling brands?": (
        "items_sold | by item_brand && items_sold | by item_brand | asc"
    ),
    "Which products have the most views and the fewest orders?": "no",
    "What is the worst day of our best month?": "no",
    "Orders by channel >> and which one has the most and which the fewest?": (
        "orders | by channel && orders | by channel | asc"
    ),
    # a change in percent is a comparison, and no share
    "By how many percent did revenue change from March to April?": f"revenue | {MAY}",
    "Did revenue rise in April, and by what percentage?": f"revenue | {MAY}",
    "How much % more revenue did we make in April than in March?": f"revenue | {MAY}",
    "Percentage change of revenue, April vs March": f"revenue | {MAY}",
    "Revenue growth rate in April": f"revenue | {MAY}",
    "How much did revenue grow in % from March to April?": f"revenue | {MAY}",
    "What percent of revenue was mobile in April?": "revenue | device=mobile | 2026-04-01..2026-04-30 | share",
    "Which channel grew most in percent in April?": "no",
    "What share of the growth in April is from mobile?": "no",
    # a value, and how it changed since a month: by month
    "What is our AOV, and has it gone up since February?": "aov && aov | by month | 2026-02-01..2026-05-13",
    "Our AOV? Has it fallen since 1 February?": "aov && aov | by month | 2026-02-01..2026-05-13",
    "What is the aov >> has it gone up since february?": "aov | by month | 2026-02-01..2026-05-13",
    "What is our AOV, and has it gone up since February? >> and on mobile?": (
        "aov | by month | device=mobile | 2026-02-01..2026-05-13"
    ),
    "What is our AOV and have sessions gone up since February?": "aov && sessions | by month | 2026-02-01..2026-05-13",
    "Has the AOV changed since April?": "aov | by week | 2026-04-01..2026-05-13",
    "Top 3 channels by revenue and have they grown since February?": "no",
    "Revenue in April, up or down?": f"revenue | {MAY}",
    "Was revenue up or down in April?": f"revenue | {MAY}",
    "How much revenue in April, and is that up or down on March?": f"revenue | {MAY}",
    "Is traffic up or down on last week?": "sessions | 2026-05-11..2026-05-13 | vs 2026-05-04..2026-05-06",
    "Is revenue up on February?": "no",
    "Did revenue go up from March to April?": f"revenue | {MAY}",
    "What share of sessions is mobile, and has it gone up since February?": (
        "sessions | device=mobile | share && sessions | by month | device=mobile | 2026-02-01..2026-05-13 | share"
    ),
    "How many orders in Germany and Austria each?": "orders | by country | country=Austria;Germany",
    # groups that are named are not counted
    "How many new vs returning visitors in April?": "users | by new_or_returning | 2026-04-01..2026-04-30",
    "How many weekend vs weekday orders?": "orders | by weekend",
    "Orders since mid-April": "orders | 2026-04-15..2026-05-13",
    "Orders in mid-April compared to mid-March": "orders | 2026-04-11..2026-04-20 | vs 2026-03-11..2026-03-20",
    "Orders from mid-March to mid-April": "orders | 2026-03-11..2026-04-20",
    "Orders between mid-March and mid-April": "orders | 2026-03-11..2026-04-20",
    "What did buyers of shoes buy as well?": "no",
    "Biggest order ever, when and how much?": "revenue | by day,one_order | top 1",
    "Average order value with a coupon vs without": (
        "aov | one_order=used a coupon && aov | one_order=did not use a coupon"
    ),
    "Which country spends the most per order?": "aov | by country",
    # no measure
    "Why was April so bad?": f"revenue | {MAY} | why",
    "Any reason why april was weaker than march?": f"revenue | {MAY} | why",
    "How did we do in April?": f"revenue | {MAY}",
    "Was April a good month?": f"revenue | {MAY}",
    "How was the weekend?": "revenue | 2026-05-09..2026-05-10 | vs 2026-05-02..2026-05-03",
    "April vs March": f"revenue | {MAY}",
    "Was this August better than August last year?": "no",
    "orders in December last year": "orders | 2025-12-01..2025-12-31",
    "orders in Q3 of the previous year": "orders | 2025-07-01..2025-09-30",
    "orders at Christmas last year": "orders | 2025-12-24..2025-12-26",
    "Give me a quick summary of April": f"revenue | {MAY}",
    "how did the weather do in april": "no",
    "How did we rank on Google in April?": "no",
    "what is bad in April": "no",
    # one rule does not hide another
    "how many orders were refunded": "refunded_orders",
    "what do visitors see first": "sessions | by landing_page",
    "how many pages does a visitor view": "page_views | per users",
    # people
    "Who are our buyers?": "buyers",
    "Who is buying shoes?": "buyers | item_category=Shoes",
    "Who buys the shoes products?": "buyers | item_category=Shoes",
    "Describe our mobile visitors": "users | device=mobile",
    "who are our most engaged buyers": "no",
    # a state
    "why is the bounce rate so high": "bounce_rate",
    "why are we selling nothing through email": "conversion_rate | by channel | channel=Email | rest",
    "why do mobile users give up at the checkout": "checkout_abandonment | by device | device=mobile | rest",
    "why do people leave bad reviews": "no",
    # misspelled
    "wich chanel brings teh most revenue": "revenue | by channel",
    "how mnay orders in marhc": "orders | 2026-03-01..2026-03-31",
    "how many gadgets in march": "no",
    # words that limit nothing, and words that do
    "How many customers bought already on mobile, I wonder?": "buyers | device=mobile",
    "what share of sessions is on mobile at some point": "sessions | device=mobile | share",
    "orders by country, and so on": "orders | by country",
    "how many users are on the site right now": "no",
    "page views of the details page": "no",
    # words that are not understood
    "Please whisper the orders by quarter": "orders | by quarter",
    "how many marvelous orders in April": "no",
    "revenue from wholesalers": "no",
    "how many orders were delivered in April": "no",
    "how many users of both mobile and desktop": "no",
    "users still active": "no",
    "how many users bought something expensive": "no",
    "how many vip customers": "no",
    "how many sessions are logged in": "no",
    "revenue of logged-in users": "no",
    "how many orders were logged in April": "orders | 2026-04-01..2026-04-30",
    "users who subscribed in April": "no",
    "Please whisper the orders of Marvelous": "no",
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "asked"), ASKED.items())
def test_the_shape_of_a_sentence(question: str, asked: str, lookup: Lookup) -> None:
    assert given(lookup, question)[0] == asked


def test_what_was_left_out_or_assumed_is_said(lookup: Lookup) -> None:
    assert lookup.ask("I wonder how many orders we already have?").text.startswith("Left out: “i wonder”, “already”.\n")
    assert "“wich” was read as “which”." in lookup.ask("wich channel has most sessions").text
    lookup.forget()
    text = lookup.ask("Please whisper the orders by quarter").text
    assert text.startswith("I did not understand “whisper”. This is the answer without it.\n")
    lookup.forget()
    assert "No measure is named, so the answer shows revenue" in (text := lookup.ask("How was April?").text)
    assert "- orders: " in text and "- sessions: " in text
    waiting = lookup.ask("how many days pass between the first visit and the first purchase?").text
    assert waiting.startswith("Average time from first visit to first order: ")
    assert lookup.ask("Revenue by day in April").text.startswith(
        "Revenue from 1 Apr to 30 Apr 2026: no clear trend. All days: "
    )


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "how many orders did we have in april, and what is our profit margin?",
            "“what is our profit margin”. The data",
        ),
        ("is email worth it? Show orders by channel in april", "“is email worth it”. I did not understand “worth”."),
        ("what was our best day and how much traffic did it have?", "“how much traffic did it have”."),
        (
            "how many sessions in april, and how many of these were from tiktok?",
            "“how many of these were from tiktok”.",
        ),
        ("which channel brings the most orders and is it growing?", "“is it growing”. Please ask it separately."),
        ("what share of orders used a coupon, and were they from germany?", "“were they from germany”."),
        ("how many customers spent more than 100, and did they come from email?", "“did they come from email”. I can"),
    ],
)
def test_a_part_that_is_not_understood_is_said_and_the_others_are_answered(
    question: str, said: str, lookup: Lookup
) -> None:
    lookup.forget()
    answer = lookup.ask(question)
    assert answer.understood and answer.text.startswith(f"I did not answer {said}")


@pytest.mark.parametrize(
    "question",
    [
        "how many orders did we have, and what was our profit margin in april?",  # are the orders of April too?
        "how many orders were there, which were placed by club members",
        "how many club members are there, and how much did they spend?",
        "is email worth it? What is the conversion rate?",
        "is tiktok worth it? Show orders by channel in april",
        "for people who subscribed, how many orders and what revenue?",
    ],
)
def test_a_part_that_can_limit_the_others_is_not_left_out(question: str, lookup: Lookup) -> None:
    lookup.forget()
    assert not lookup.ask(question).understood


def test_what_stands_before_the_parts_of_a_question() -> None:
    assert parts_of(r"Paths \d: how many users, and how many orders?") == [
        r"Paths \d: how many users", r"Paths \d: how many orders",
    ]  # fmt: skip
    assert parts_of("how many mobile visits did we have in May, and do they convert better?") == [
        "how many mobile visits did we have in May", "do mobile visits convert better in May?",
    ]  # fmt: skip
    assert parts_of("Error pages: how many users hit one?") == ["how many users hit Error pages"]
    for part in ("how many orders with one item", "how many users bought more than one", "how many one-time buyers"):
        assert parts_of(f"Mobile: {part}?") == [f"Mobile: {part}"]
    assert parts_of("Art: how many cart views?") == ["Art: how many cart views"]


def test_both_ends_of_a_short_list_are_its_ends(lookup: Lookup) -> None:
    answer = lookup.ask("Top 2 best and worst channels by sessions")
    assert answer.table and answer.more[0].table
    best, worst = ([row[1] for row in table.rows] for table in (answer.table, answer.more[0].table))
    assert len(best) == len(worst) == 2 and worst[0] <= worst[1] < best[1] <= best[0]


def test_people_are_shown_by_country_device_and_channel(lookup: Lookup) -> None:
    answer = lookup.ask("Who are our buyers?")
    assert all(f"\n{one}: " in answer.text for one in ("Device", "Channel", "New or returning user"))
    assert answer.table and {row[0] for row in answer.table.rows} >= {"country", "device", "channel"}
    (narrowed,) = [lookup.ask("Who are our buyers? I mean countries and devices").table]
    assert narrowed and {row[0] for row in narrowed.rows} == {"country", "device"}


def test_why_a_rate_is_high_is_answered_with_where_it_is(lookup: Lookup) -> None:
    text = lookup.ask("Why do so many people leave at the checkout?").text
    assert text.startswith("Funnel: ") and "but not why" in text and "\nDevice: " in text
