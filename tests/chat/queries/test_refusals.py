"""Questions whose words are all known, and which no query answers: they are refused, and near ones are answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given

REFUSED = {
    # how fast, how long
    "which channel is the fastest": "do not say how fast",
    "longest articles": "do not say how long",
    "shortest sessions by device": "do not say how long",
    "which country is the slowest growing": "not what changed least",
    # each user, or how often, or how many of each number
    "how many customers spent more in april than in march": "not each user with themselves",
    "which users had fewer sessions in april than in march": "not each user with themselves",
    "in how many weeks did revenue fall": "not how often",
    "how often did orders rise from one day to the next": "not how often",
    "median orders per week": "the number of orders of a day",
    "average orders per channel": "the number of orders of a day",
    "customers who have not ordered in april": "who bought in January but not in March?",
    "users whose first visit was on mobile": "“first”",
    "users who were only here in april": "“only”",
    "share of visits with only a product page": "“only”",
    "is germany the only country with more than 10 orders": "“only”",
    "users who bought after at least 3 visits": "“after”",
    "users by number of sessions": "how many have each number",
    "orders by number of items": "how many have each number",
    # only some of the groups
    "countries with more than half of their sessions on mobile": "more than a limit",
    "which countries have more mobile than desktop sessions": "where one is higher",
    "which channel has only new users": "“only”",
    "who orders every month": "not who did it in all of them",
    "users who visited every week": "not who did it in all of them",
    "who came from email or google": "not who did one or another",
    "aov with vs without coupon": "“without”, and",
    "who ordered twice in one and the same visit": "ask how many visits had both",
    "share of users who searched and ordered in the same visit": "ask how many visits had both",
    "how many people who ordered at least 2 times in april bought again in may": "“again”",
    "products never bought together": "“together”",
    "orders with fewer than 3 shoes": "not of fewer",
    "slowest page": "do not say how fast",
    "brand search vs shopping": "name the campaign",
    # what was done, by whom
    "users who bought at least two different brands": "different groups",
    "buyers without repeat orders": "exactly one order",
    "double the orders of april": "multiples",
    # what is not in the data
    "what do visitors look for": "not measured",
    "what are people searching for": "not measured",
    "revenue from zalando": "no channel, source, campaign, product, brand or page in the data has this name",
    "orders from the green monday campaign": "no campaign in the data has this name",
    "sessions the week after next": "“next”",
}
ASKED = {
    "which was the slowest week": "revenue | by week | asc",
    "orders that used no code": "orders | one_order=did not use a coupon",
    "revenue by week >> the last one": "revenue | 2026-05-11..2026-05-13",
    "are people spending more per order than in april": ("aov | 2026-05-01..2026-05-13 | vs 2026-04-01..2026-04-13"),
    "which page has the longest time on page": "time_on_page | by page",
    "which product sells fastest": "items_sold | by item",
    "orders on each of the last 3 days": "orders | by day | 2026-05-11..2026-05-13",
    "orders after midnight": "orders | hour=0;1;2;3;4;5",
    "why did orders rise except on mobile": (
        "orders | device!=mobile | 2026-04-16..2026-05-13 | vs 2026-03-19..2026-04-15 | why"
    ),
    "revenue by country >> only the top 3": "revenue | by country | top 3",
    "average orders per customer by channel": "orders_per_buyer | by channel",
    "only countries with at least 20 orders": "orders | by country | at least 20",
    "countries by number of orders": "orders | by country",
    "how many more users came in april than in march": "users | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31",
    "do more people buy on mobile than on desktop": "buyers | by device | device=desktop;mobile",
    "funnel in april vs march": (
        "funnel | by step | 2026-04-01..2026-04-30 && funnel | by step | 2026-03-01..2026-03-31"
    ),
    "fastest growing country in april": (
        "sessions | by country | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | change"
    ),
    "payment step drop off by browser": "payment_without_order | by browser",
    "where do we lose people on the way to checkout": "funnel | by step | step=1 product view;2 cart;3 checkout",
    "what do people do after adding to cart": (
        "funnel | by step | step=2 cart;3 checkout;4 shipping step;5 payment step;6 order"
    ),
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "why"), REFUSED.items(), ids=list(REFUSED))
def test_it_is_refused_with_the_reason(lookup: Lookup, question: str, why: str) -> None:
    lookup.forget()
    answer = lookup.ask(question)
    assert not answer.understood and why in answer.text


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_questions_near_to_these_are_answered(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


def test_an_average_day_of_weekends_is_one_of_their_days(lookup: Lookup) -> None:
    text = lookup.ask("average orders per day on weekends in april").text  # of 2026
    assert ", in 8 days." in text
    assert ", in 22 days." in lookup.ask("average orders per day in april except weekends").text
    assert ", in 5 days." in lookup.ask("average orders per day on wednesdays in april").text


def test_a_series_of_groups_compares_each_with_itself(lookup: Lookup) -> None:
    alone = lookup.ask("sessions on mobile by month since february").table
    assert alone is not None
    rows = {row[0]: row[1] for row in alone.rows}
    text = lookup.ask("sessions by month and device since february").text
    first, last = int(rows["2026-02-01"]), int(rows["2026-04-01"])
    assert f"mobile, {first:,} and {last:,} (" in text and "February 2026 and April 2026" in text
