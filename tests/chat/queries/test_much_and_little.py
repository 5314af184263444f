"""Much of one measure and little of another: "many views but hardly any purchases"."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import canonical, given

FEW_ORDERS = "orders | by item | asc | with at least the median of item views | per item_views"
ASKED = {
    "products that get a lot of views but hardly any purchases": FEW_ORDERS,
    "Which products are viewed a lot but hardly ever bought?": FEW_ORDERS,
    "most viewed but least bought products": FEW_ORDERS,
    "products with few sales despite lots of views": FEW_ORDERS,
    "products with few views but many orders": (
        "orders | by item | with at least the median of orders | per item_views"
    ),
    "items often put in the cart but seldom purchased": (
        "orders | by item | asc | with at least the median of cart additions | per cart_additions"
    ),
    "channels with many sessions but few orders in april": (
        "conversion_rate | by channel | 2026-04-01..2026-04-30 | asc | with at least the median of sessions"
    ),
    "countries with lots of users but little revenue": (
        "revenue | by country | asc | with at least the median of users | per users"
    ),
    "landing pages with a lot of sessions and a high bounce rate": (
        "bounce_rate | by landing_page | with at least the median of sessions"
    ),
    "channels with few sessions but a high conversion rate": (
        "conversion_rate | by channel | with at most the median of sessions"
    ),
    "which channels have many new users but few returning users": (
        "returning_users | by channel | asc | with at least the median of new users | per new_users"
    ),
    "products with many views and no orders": (
        "item_views | by item | with at least the median of item views and no orders"
    ),
    "products with more than 50 views and the lowest orders per view": (
        "orders | by item | asc | with at least 51 item views | per item_views"
    ),
    **dict.fromkeys(
        ("what's viewed loads but not bought", "which products are looked at a lot but bought little"),
        "orders | by item | asc | with at least the median of item views | per item_views",
    ),
    "which products get lots of views but hardly ever get into the cart": (
        "cart_additions | by item | asc | with at least the median of item views | per item_views"
    ),
    "which products get lots of views from google but hardly any sales": (
        "orders | by item | source=google | asc | with at least the median of item views | per item_views"
    ),
    **dict.fromkeys(
        ("which brands get put in the basket and then left there", "brands people leave in the cart most"),
        "orders | by item_brand | asc | with at least the median of cart additions | per cart_additions",
    ),
    "how many people put something in the cart but did not buy": "users | user=reached the cart and did not order",
    # no groups, no order, or two measures that say the same
    "how many products have a lot of views but few orders": "no",
    "sessions with many page views but no order": "no",
    "users who visit a lot but rarely buy": "no",
    "orders with many items": "no",
    "products with a lot of views and a lot of orders": "no",
    "revenue of products with a lot of views": "no",
    # no quantity of groups
    "channels with a lot of sessions": "sessions | by channel",
    "how many sessions on mobile": "sessions | device=mobile",
    "why do we get lots of traffic but few sales on mobile": "conversion_rate | by device | device=mobile | rest",
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_a_lot_of_one_and_little_of_the_other_is_read(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


def test_both_numbers_and_the_median_are_in_the_answer(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    rows = data.execute(
        """with views as (select item_name, count(*) as views from ga4.stg_ga4__event_items
            where event_name = 'view_item' group by 1),
        orders as (select item_name, count(distinct purchase_key) as orders
            from ga4.fct_ga4__purchase_items group by 1),
        every as (select item_name, coalesce(orders, 0) as orders, views, quantile_disc(views, 0.5) over () as median
            from views left join orders using (item_name))
        select item_name, orders, views, median from every where views >= median order by orders / views"""
    ).fetchall()
    answer = lookup.ask("products with a lot of views but few orders")
    assert answer.table is not None and rows
    assert answer.table.columns == ["item", "orders per item view", "orders", "item views"]
    assert [(name, orders, views) for name, _, orders, views in answer.table.rows] == [row[:3] for row in rows]
    assert f"Only items with at least the median of item views, which is {rows[0][3]:,}." in answer.text


def test_a_follow_up_keeps_the_groups_and_the_ratio(lookup: Lookup) -> None:
    lookup.ask("products with a lot of views but few orders")
    reading = lookup.ask("and in april").reading
    assert (
        reading
        and reading.query
        and canonical(reading.query)
        == ("orders | by item | 2026-04-01..2026-04-30 | asc | with at least the median of item views | per item_views")
    )
    assert not lookup.ask("and by channel").understood


def test_small_ratios_have_enough_digits(lookup: Lookup) -> None:
    answer = lookup.ask("orders per page view by country")
    assert answer.table is not None
    assert all(len(str(row[1]).partition(".")[2]) >= 3 for row in answer.table.rows)
