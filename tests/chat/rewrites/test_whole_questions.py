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
        ("how many people visited in april but did not buy in may?", "users | user="),
    ],
)  # fmt: skip
def test_they_are_read(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0].startswith(expected)


def test_what_is_worth_it_is_compared_with_all_others(lookup: Lookup) -> None:
    assert given(lookup, "is mobile worth it?")[0] == given(lookup, "mobile against all others")[0] != "no"


def test_tracking_is_judged_by_days_without_events(lookup: Lookup) -> None:
    assert "have events" in lookup.ask("is anything wrong with the tracking?").text
