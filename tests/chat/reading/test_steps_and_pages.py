"""Steps between pages, pages by their names, and how far visits get: what each question asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given
from tests.semantic.semantic_world import make_world

OF_CARTS = "sessions | session=ordered | session=reached the cart | share"
OF_ITEMS = "item_views | {0} && cart_additions | {0} && items_sold | {0}"
ASKED = {
    # how far visits get
    "what share of sessions with an add to cart end in an order": OF_CARTS,
    "how many sessions with an add to cart end in a purchase?": "conversion_rate | session=reached the cart",
    "how many sessions with an add to cart end in a purchase? >> on mobile?": (
        "conversion_rate | device=mobile | session=reached the cart"
    ),
    "sessions with an add to cart by device": "cart_sessions | by device",
    "how many sessions from email led to an order": "conversion_rate | channel=Email",
    "drop off between cart and checkout, mobile vs desktop": (
        "cart_without_checkout | by device | device=desktop;mobile"
    ),
    "do germans and brits differ in checkout completion": (
        "checkout_completion | by country | country=Germany;United Kingdom"
    ),
    "checkout completion on mobile >> where do we lose them?": "funnel | by step | device=mobile",
    "checkout completion on mobile >> at which step do most of them drop off?": "funnel | by step | device=mobile",
    "buyers from germany >> and where do we lose most of them?": "funnel | by step | country=Germany",
    "funnel for hats": OF_ITEMS.format("item_category=Hats"),
    "funnel by brand": OF_ITEMS.format("by item_brand"),
    "what share of rain jacket viewers bought one": (
        "users | user=bought Rain Jacket | user=viewed Rain Jacket products | share"
    ),
    # pages before and after
    "which pages do visitors come from right before the cart page": (
        "page_views | by previous_page | page_type=cart && page_views | by previous_page_type | page_type=cart | share"
    ),
    "what happens after someone lands on a product page": (
        "entrances | by next_page | page_type=product && entrances | by next_page_type | page_type=product | share"
    ),
    "what do people do after a product page": (
        "page_views | by next_page | page_type=product && page_views | by next_page_type | page_type=product | share"
    ),
    "last page before people leave the site, top 15": "exits | by page | top 15",
    "which pages do people look at before buying hats": "no",
    "what is the most common path from the home page to an order": "no",
    "how many product views does it take before somebody adds to cart": "no",
    "how many pages do people view before they order": "pages_to_order && median_pages_to_order",
    # pages by their names
    "how many views did the trail running page have": "page_views | page=shop.example.com/shoes/trail-running",
    "views of how to wash wool by week": "page_views | by week | page=shop.example.com/blog/how-to-wash-wool",
    "how many people saw the washing guide": "no",
    "how many views of the wool guide": "page_views | page=shop.example.com/blog/how-to-wash-wool",
    "how does the trail running page do as a landing page": " && ".join(
        f"{metric} | by landing_page | landing_page=shop.example.com/shoes/trail-running | rest"
        for metric in ("sessions", "conversion_rate", "revenue")
    ),
    "is the trail running page any use? what is the conversion of users who look at it?": (
        "conversion_rate | user=viewed page shop.example.com/shoes/trail-running"
    ),
    "how many people saw the product page": "users | user=viewed a product",
    "did the trail running page grow in april compared with march": (
        "page_views | page=shop.example.com/shoes/trail-running | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "email against all others by week": "no",
    "do people landing on article pages buy": "buyer_share | landing_page_type=article",
    "which article pages bring the most revenue": "revenue | by landing_page | landing_page_type=article",
    # the wishlist
    "products added to wishlist most": "wishlist_additions | by item",
    "what do people put on their wishlists": "wishlist_additions | by item",
    "how often was the rain jacket added to the wishlist": "wishlist_additions | item=Rain Jacket",
}  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """It keeps what is read once per publication."""
    path: Path = make_world(tmp_path_factory.mktemp("pages") / "serving.duckdb")
    return Published(path)


@pytest.mark.parametrize(("question", "expected"), ASKED.items())
def test_what_is_asked_is_looked_up_or_refused(published: Published, question: str, expected: str) -> None:
    lookup = Lookup(published, Aliases(published.path))
    assert given(lookup, question)[0] == expected


def test_only_times_up_to_an_order_say_which_one_is_the_first(published: Published) -> None:
    lookup = Lookup(published, Aliases(published.path))
    assert "The first order is the first in the data" in lookup.ask("how many visits until the first order").text
    assert "The first order" not in lookup.ask("what share of carts become an order").text
