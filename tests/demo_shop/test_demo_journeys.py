"""Personas and journeys of the demo shop: order, volume, reproducibility."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.demo_shop.catalogue import PageKind, northfold
from beha2vec_core.demo_shop.dice import Dice, Table
from beha2vec_core.demo_shop.journeys import Calendar, route, simulate
from beha2vec_core.demo_shop.personas import PERSONAS, Persona

BY_NAME = {persona.name: persona for persona in PERSONAS}
CALENDAR = Calendar(date(2026, 1, 5), 28, ZoneInfo("Europe/Berlin"))
CHECKOUT = {PageKind.CHECKOUT, PageKind.PAYMENT, PageKind.CONFIRMATION}


def routes(persona: Persona, users: int = 300, page_views: int = 12) -> list[list[PageKind]]:
    return [session for index in range(users) for session in route(persona, Dice(1, index), page_views)]


def variation(left: Counter, right: Counter) -> float:
    """Total variation distance of two distributions: 0 equal, 1 disjoint."""
    n, m = left.total(), right.total()
    return 0.5 * sum(abs(left[key] / n - right[key] / m) for key in {*left, *right})


def test_catalogue_has_the_breadth_of_a_shop():
    shop = northfold()
    products = [page.product for page in shop.pages[PageKind.PRODUCT]]
    assert len({product.category for product in products}) == 8
    assert len({product.subcategory for product in products}) == 32
    assert len(products) == 256
    assert len(shop.pages[PageKind.ARTICLE]) == 40
    assert all(0 < product.price <= product.list_price for product in products)
    assert all(shop.products_by_brand[brand].values for brand in shop.brand_pages), "a brand sells nothing"
    paths = [page.path for pages in shop.pages.values() for page in pages]
    assert len(paths) == len(set(paths))
    assert all(
        page.title.endswith(shop.name) or page.kind is PageKind.HOME for pages in shop.pages.values() for page in pages
    )


@given(st.sampled_from(PERSONAS), st.integers(0, 10**6), st.integers(1, 60))
def test_a_route_has_the_asked_length_and_a_lawful_checkout(persona, index, page_views):
    sessions = route(persona, Dice(3, index), page_views)
    assert sum(map(len, sessions)) == page_views
    assert all(sessions)
    for session in sessions:
        for before, after in pairwise(session):
            if after is PageKind.CONFIRMATION:
                assert before is PageKind.PAYMENT
            if after is PageKind.PAYMENT:
                assert before is PageKind.CHECKOUT
        assert session[0] not in CHECKOUT


def test_window_shoppers_never_fill_a_cart_and_buyers_do():
    for name, expected in (("window_shopper", False), ("buyer_with_intent", True), ("returning_customer", True)):
        seen = {kind for session in routes(BY_NAME[name]) for kind in session}
        assert (PageKind.CART in seen) is expected, name


def test_over_twelve_weeks_regulars_return_and_order_again():
    calendar = Calendar(date(2026, 1, 5), 84, ZoneInfo("Europe/Berlin"))
    visits, orders, personas = [], [], []
    for index in range(600):
        visitor = simulate(northfold(), calendar, Dice(7, index), index, regulars=True)
        events = [event for session in visitor.sessions for event in session.events]
        days = [(calendar.day_of(event.timestamp), event) for event in events]
        visits.append({day for day, _ in days if day is not None})
        orders.append({day for day, event in days if event.name == "purchase" and day is not None})
        assert all(event.order.revenue > 0 for event in events if event.order), "each order has something in its cart"
        personas.append(visitor.persona)
    active = [user for user in range(600) if visits[user] & set(range(28, 56))]
    later = set(range(56, 84))
    assert 0.15 < sum(bool(visits[user] & later) for user in active) / len(active) < 0.4
    assert 0.04 < sum(bool(orders[user] & later) for user in active) / len(active) < 0.15
    assert sum(len(days) > 1 for days in orders) > 10
    assert not any(days for days, persona in zip(orders, personas, strict=True) if not persona.orders)


def test_same_kinds_of_page_in_another_order():
    shoppers, bots = routes(BY_NAME["window_shopper"]), routes(BY_NAME["bot"])
    kinds = [Counter(kind for session in group for kind in session) for group in (shoppers, bots)]
    bigrams = [Counter(pair for session in group for pair in pairwise(session)) for group in (shoppers, bots)]
    assert variation(*kinds) < 0.2
    assert variation(*bigrams) > 0.35


def test_bots_crawl_in_catalogue_order_fast_and_without_engagement():
    shop = northfold()
    places = {page.path: place for place, page in enumerate(shop.pages[PageKind.PRODUCT])}
    steps = Counter()
    for index in range(400):
        visitor = simulate(shop, CALENDAR, Dice(5, index), index)
        if not visitor.persona.is_bot:
            continue
        for session in visitor.sessions:
            assert all(event.engagement is None for event in session.events)
            views = [event for event in session.events if event.name == "page_view"]
            assert all(1.9e6 < after.timestamp - before.timestamp < 4e6 for before, after in pairwise(views))
            seen = [
                places.get(event.location.removeprefix(f"https://{shop.host}").split("?")[0].rstrip("/"))
                for event in views
            ]
            steps.update((b - a) % len(places) for a, b in pairwise(seen) if a is not None and b is not None)
    assert steps.total() > 30
    assert steps[1] / steps.total() > 0.9


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_visitor_is_lawful(seed, index):
    visitor = simulate(northfold(), CALENDAR, Dice(seed, index), index)
    events = [event for session in visitor.sessions for event in session.events]
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    assert CALENDAR.day_of(events[0].timestamp) is not None
    assert visitor.first_touch <= events[0].timestamp
    assert sum(event.name == "first_visit" for event in events) == (visitor.first_touch == events[0].timestamp)
    batches = [event.batch for event in events]
    assert batches == sorted(batches)
    assert len(batches) == len(set(batches))
    for before, after in pairwise(visitor.sessions):
        assert after.number == before.number + 1
        assert after.events[0].timestamp - before.events[-1].timestamp > 30 * 60 * 1_000_000
    for session in visitor.sessions:
        assert session.session_id == session.events[0].timestamp // 1_000_000
        gaps = [after.timestamp - before.timestamp for before, after in pairwise(session.events)]
        assert max(gaps, default=0) < 30 * 60 * 1_000_000


def test_calendar_follows_the_time_zone_through_a_change_of_clocks():
    calendar = Calendar(date(2026, 3, 28), 3, ZoneInfo("Europe/Berlin"))  # the 29th has 23 hours
    hour = 3_600_000_000
    assert calendar.day_of(calendar.start - 1) is None
    assert calendar.day_of(calendar.start) == 0
    assert calendar.day_of(calendar.start + 24 * hour) == 1
    assert calendar.day_of(calendar.start + 47 * hour - 1) == 1
    assert calendar.day_of(calendar.start + 47 * hour) == 2
    assert calendar.day_of(calendar.start + 71 * hour) is None


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.floats(0, 1, exclude_max=True))
def test_table_draws_by_cumulated_weight(weights, uniform):
    value = Table(range(len(weights)), weights).at(uniform)
    assert sum(weights[:value]) <= uniform * sum(weights) * (1 + 1e-9)
    assert uniform * sum(weights) <= sum(weights[: value + 1]) * (1 + 1e-9)


def test_table_refuses_missing_weights():
    with pytest.raises(ValueError, match="as many weights"):
        Table([1, 2], [1.0])
