"""Whole questions in words of their own, read as queries of our measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many sessions does a user have?", "sessions_per_user"),
        ("how many orders does the average customer place", "orders_per_buyer"),
        ("how long do people read a page?", "time_on_page"),
        ("net revenue after refunds in april", "net_revenue | 2026-04-01..2026-04-30"),
        ("what share of orders is refunded?", "refund_rate"),
        ("what share of new users comes back within a week?", "retention"),
        ("which channel brings back the most users?", "returning_users | by channel"),
        ("which country has the most returning customers", "returning_users | by country"),
        ("which products sold more than the month before?",
         "items_sold | by item | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"),
        ("how many people visited but did not buy?", "users | user=did not order"),
        ("how many users came to the site and never bought anything in april",
         "users | user=did not order | 2026-04-01..2026-04-30"),
        ("how many checkouts are not finished?", "sessions | session=reached the checkout and did not order"),
        ("what share of checkouts becomes an order?", "checkout_completion"),
        ("how many visits does a german user make", "sessions_per_user | country=Germany"),
        ("are baskets smaller on mobile than on desktop", "aov | by device | device=desktop;mobile"),
        ("customers who stopped coming back in april", "no"),
        ("did we lose more customers in april than in march?", "no"),
        ("is the share of new users larger on mobile than on desktop?",
         "users | by device | device=desktop;mobile | new_or_returning=new | share within each"),
        ("which channels are shrinking?", "sessions | by channel | 2026-04-16..2026-05-13 | vs"),
        ("how many visits end after the first page on mobile", "single_page_sessions | device=mobile"),
        ("when did we sell nothing?", "sessions | by day"),
        ("is it worth it?", "no"),
        # in the words of somebody else, and in another order
        ("top 5 products bought by new customers", "items_sold | by item | order_number=first | top 5"),
        ("orders placed by new customers in april", "orders | one_order=placed their first order | 2026-04"),
        ("new vs returning customers share of revenue in april",
         "revenue | by new_or_returning | 2026-04-01..2026-04-30 | share"),
        ("mobile vs non-mobile conversion rate", "conversion_rate | by device | device=mobile | rest"),
        ("do mobile users convert better than non mobile users", "conversion_rate | by device | device=mobile | rest"),
        ("users who viewed products vs the rest, who buys more", "users | user="),
        ("is traffic up or only orders", "sessions | by month && orders | by month"),
        ("non mobile vs mobile conversion rate", "conversion_rate | by device | device=mobile | rest"),
        ("what did email bring: orders or only traffic?", "orders | channel=Email && sessions | channel=Email"),
        ("non-mobile revenue in april", "revenue | device!=mobile | 2026-04-01..2026-04-30"),
        ("non mobile users in april", "users | device!=mobile | 2026-04-01..2026-04-30"),
        ("is any channel growing?", "sessions | by channel | 2026-04-16..2026-05-13 | vs"),
        ("did any channel grow or shrink in april", "revenue | by channel | 2026-04-01..2026-04-30 | vs"),
        ("customers who have not been back since 30 days, how many?", "buyers | user="),
        ("how many sessions does a user need before she is buying", "visits_to_order"),
        ("how many visits takes a customer before ordering", "visits_to_order"),  # in the order of other languages
        ("which product pages get lots of views but hardly any carts", "cart_additions | by item"),
        ("sessions per day since begin of april, all channels", "sessions | by day,channel | 2026-04-01..2026-05-13"),
        ("Cart: how many sessions reached the cart and do they convert better than the rest", "sessions | session="),
        ("conversion rate by device, I suspect mobile is broken", "conversion_rate | by device"),
        ("how many orders does mobile deliver in april", "orders | device=mobile | 2026-04-01..2026-04-30"),
        ("email has zero orders or I see wrong?", "orders | channel=Email"),
        ("conversion rate, I suspect mobile is broken", "conversion_rate | device=mobile"),
        ("how many people visited in april but did not buy in may?", "users | user="),
        # a group with no orders is a value; the groups with none are others
        ("campaigns that have no orders", "sessions | by campaign | with no orders"),
        ("channels that bring no revenue", "sessions | by channel | with no revenue"),
        ("most campaigns get no orders", "sessions | by campaign | with no orders"),
        ("device types that have no orders", "sessions | by device | with no orders"),
        ("products have no sales", "no"),
        ("our email campaign had no orders", "sessions | by campaign | channel=Email | with no orders"),
        ("paid vs non-paid revenue", "revenue | by channel | channel=Paid Search;Paid Social | rest"),
        ("non-paid vs paid revenue", "revenue | by channel | channel=Paid Search;Paid Social | rest"),
        ("mobile and non-mobile visits in april",
         "sessions | by device | device=mobile | 2026-04-01..2026-04-30 | rest"),
        # a measure, and people, are no groups that grow
        ("is any traffic falling", "sessions | by month"),
        ("are there any buyers growing", "buyers | by month"),
        ("do we have any orders growing", "orders | by month"),
        ("which channels are shrinking or growing?",
         "sessions | by channel | 2026-04-16..2026-05-13 | vs 2026-03-19..2026-04-15 | change"),
        # what the answer is for ends before a condition
        ("sessions by channel in april so I can show it to my boss", "sessions | by channel | 2026-04-01..2026-04-30"),
        ("revenue by channel so I can report this to management for april", "no"),
        ("orders by device, I have to present it to my boss by country", "no"),
        ("I plan a win-back mail. What should I include?", "no"),
        ("We send a win-back mail. Which should we use?", "no"),
        ("sessions by device, I believe that mobile is on top, and by country", "sessions | by device,country"),
        ("sessions by device, we think that mobile has more than desktop?", "sessions | by device"),
        ("How useful is the search? Users by device", "no"),
        ("conversion rate on mobile - or am I wrong?", "conversion_rate | device=mobile"),
        ("what did email bring in (orders)?", "orders | channel=Email"),
    ],
)  # fmt: skip
def test_they_are_read(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0].startswith(expected)


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("how good is the purchase prediction, can i show it to the board?", "how reliable is the purchase prediction"),
        ("Which users are in danger to not come back?", "which users are at risk of not coming back?"),
        ("I want to make a win-back campaign, which users should I take", "which users are at risk of not coming back"),
        ("what do buyers do that non buyers don't do before they order?", "what do users do before they buy?"),
        ("what are typical paths before a purchase", "what do users do before they buy?"),
    ],
)
def test_they_say_the_same(lookup: Lookup, question: str, same: str) -> None:
    found, expected = lookup.ask(question), lookup.ask(same)
    assert found.understood and found.text == expected.text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is mobile worth it? sessions and orders please", "sessions | device=mobile && orders | device=mobile"),
        ("How important is email for us? Share of orders", "orders | channel=Email | share"),
        ("What is email actually bringing us, just traffic or also orders?", "sessions | channel=Email && orders"),
        # all that limits stays
        ("Is mobile worth it? orders without a coupon in april", "orders | device=mobile | one_order=did not use"),
        ("how good is mobile? orders excluding Germany", "orders | country!=Germany | device=mobile"),
        (
            "is email any good? buyers with more than 2 orders",
            "buyers | by channel | channel=Email | user=ordered at least 3",
        ),
    ],
)
def test_measures_after_a_judgment_are_of_what_is_judged(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0].startswith(expected)
    assert "Left out: “" in lookup.ask(question).text or "good" in question


@pytest.mark.parametrize(
    "question",
    [
        "Is it worth it? sessions please",
        "Is email important? orders never",
        "Is the fancy campaign worth it? sessions and orders",
        "Is email worth it? cheap orders",
        "Is email worth it? orders after a return",
        "how many orders do we deliver in april",  # to customers
        "how many orders did not deliver in april",
        "orders delivered in april",
        "How important is wealthy email for us? orders",
    ],
)
def test_no_other_word_is_left_out_with_a_judgment(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood


@pytest.mark.parametrize(
    "question",
    [
        "I want to make a win-back campaign for German customers, which users should I take",  # of some users
        "which pages lead to an order and should we show them to mobile users",  # asks for advice
        "non-returning users",  # who have come once, or who do not come back
    ],
)
def test_what_limits_is_not_lost(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood


def test_what_is_worth_it_is_compared_with_all_others(lookup: Lookup) -> None:
    assert given(lookup, "is mobile worth it?")[0] == given(lookup, "mobile against all others")[0] != "no"


def test_tracking_is_judged_by_days_without_events(lookup: Lookup) -> None:
    assert "have events" in lookup.ask("is anything wrong with the tracking?").text
