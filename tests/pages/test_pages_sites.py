"""Whole sites: the demo shop, where each page has a known kind, and the real Merchandise Store; -s prints figures."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest

from beha2vec_core.demo_shop.catalogue import PageKind, northfold
from beha2vec_core.pages import Models, classify_pages
from tests.pages.test_pages_cascade import bundled_model

MERCH = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017/ga4_data.csv"

PAGE_TYPES = {
    PageKind.COMPARE: {"comparison"},
    PageKind.BRAND: {"category"},
    PageKind.OUTLET: {"category"},
    PageKind.DEALS: {"category", "campaign"},
    PageKind.PAYMENT: {"checkout"},
    PageKind.ORDERS: {"account"},
    PageKind.HELP: {"support"},
    PageKind.TRACKING: {"support"},
    PageKind.CONTACT: {"support"},
    PageKind.JOURNAL: {"article_list"},
    PageKind.STORES: {"store_finder"},
}
THEMES = {
    "Backpacks & Bags": {"bags_and_luggage", "accessories_and_jewellery"},
    "Tents & Shelters": {"camping_and_outdoor"},
    "Sleeping Gear": {"camping_and_outdoor", "home_and_living"},
    "Camp Kitchen": {"camping_and_outdoor", "kitchen_and_dining", "drinkware"},
    "Outdoor Clothing": {"apparel"},
    "Footwear": {"footwear"},
    "Home & Living": {"home_and_living", "kitchen_and_dining"},
    "Lighting & Tools": {"tools_and_garden", "camping_and_outdoor"},
}


def test_demo_shop() -> None:
    shop = northfold()
    # every third product is enough
    kinds = {**shop.pages, PageKind.PRODUCT: shop.pages[PageKind.PRODUCT][::3]}
    demo = {shop.host + page.path: page for pages in kinds.values() for page in pages}
    pages = pd.DataFrame(
        [(key, page.title, page.path, shop.host, 1) for key, page in demo.items()],
        columns=["page_key", "page_title", "page_path", "hostname", "page_views"],
    )
    result = classify_pages(pages, models=Models(bundled_model()))
    rows = [(demo[row.page_key], row) for row in result.pages.itertuples()]
    right_type = [row.page_type in PAGE_TYPES.get(page.kind, {page.kind.value}) for page, row in rows]
    right_theme = [row.theme in THEMES[page.category] for page, row in rows if page.category]
    print(
        f"\ndemo shop: {len(rows)} pages, type right {sum(right_type)}, "
        f"theme of goods right {sum(right_theme)} of {len(right_theme)}, unknown theme {result.unknown_theme_share:.1%}"
    )
    assert sum(right_type) / len(right_type) > 0.95
    assert sum(right_theme) / len(right_theme) > 0.95
    assert result.unknown_theme_share < 0.08


def test_merchandise_store() -> None:
    if not MERCH.exists():
        pytest.skip("needs the Merchandise Store export in ../shared/data")
    views = pd.read_csv(MERCH, dtype=str).query("event_name == 'page_view'")
    parts = views["page_location"].map(urlsplit)
    views = views.assign(
        hostname=parts.map(lambda url: url.netloc.lower().removeprefix("www.")),
        page_path=parts.map(lambda url: "/" + "/".join(part for part in unquote(url.path).lower().split("/") if part)),
    )
    pages = views.groupby(["hostname", "page_path", "page_title"]).size().rename("page_views").reset_index()
    pages["page_key"] = pages["hostname"] + pages["page_path"]
    result = classify_pages(pages, models=Models(bundled_model()))
    print(
        f"\nMerchandise Store: {len(result.pages)} pages, unknown by views: "
        f"theme {result.unknown_theme_share:.1%}, type {result.unknown_page_type_share:.1%}"
    )
    assert result.unknown_theme_share < 0.02
    assert result.unknown_page_type_share < 0.02
    types = result.pages.set_index("page_key")["page_type"]
    for path, page_type in {
        "/home": "home",
        "/basket.html": "cart",
        "/signin.html": "login",
        "/asearch.html": "search",
        "/payment.html": "checkout",
        "/ordercompleted.html": "confirmation",
        "/google+redesign/bags": "category",
        "/google+redesign/bags/backpacks/google+laptop+backpack.axd": "product",
    }.items():
        assert types[f"shop.googlemerchandisestore.com{path}"] == page_type
