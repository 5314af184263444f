"""The invented shop Northfold: its products and pages, the same for every seed. Words lie in shop.yml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from beha2vec_core.demo_shop.dice import Table

USD_PER_EUR = 1.08
_ON_SALE_EVERY = 5
_SALE_FACTOR = 0.7


class PageKind(StrEnum):
    """What a page is for: the state of a journey."""

    HOME = "home"
    CATEGORY = "category"
    PRODUCT = "product"
    SEARCH = "search"
    COMPARE = "compare"
    BRAND = "brand"
    OUTLET = "outlet"
    DEALS = "deals"
    WISHLIST = "wishlist"
    CART = "cart"
    CHECKOUT = "checkout"
    PAYMENT = "payment"
    CONFIRMATION = "confirmation"
    LOGIN = "login"
    ACCOUNT = "account"
    ORDERS = "orders"
    HELP = "help"
    TRACKING = "tracking"
    CONTACT = "contact"
    JOURNAL = "journal"
    ARTICLE = "article"
    STORES = "stores"
    POLICY = "policy"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Product:
    """One article of the shop; prices in euros."""

    item_id: str
    name: str
    brand: str
    category: str
    subcategory: str
    list_price: float
    on_sale: bool

    @property
    def price(self) -> float:
        """What a customer pays for one piece."""
        return round(self.list_price * _SALE_FACTOR, 2) if self.on_sale else self.list_price


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its kind, its path (with leading slash, without query), its title; a product page has the product."""

    kind: PageKind
    path: str
    title: str
    product: Product | None = None
    category: str | None = None


@dataclass(frozen=True)
class Shop:
    """All pages of the shop, in catalogue order and by popularity."""

    name: str
    host: str
    pages: dict[PageKind, tuple[Page, ...]]
    popular: dict[PageKind, Table[Page]]
    products: Table[Product]
    product_pages: dict[str, Page]
    products_by_category: dict[str, Table[Page]]
    products_by_subcategory: dict[str, Table[Page]]
    products_by_brand: dict[str, Table[Page]]
    products_on_sale: Table[Page]
    brand_pages: dict[str, Page]
    searches: Table[str]


def slug(text: str) -> str:
    """The text as a part of a path: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "")).strip("-")


@cache
def northfold() -> Shop:
    """Build the shop (once a process)."""
    words: dict[str, Any] = yaml.safe_load((files(__package__) / "shop.yml").read_text(encoding="utf-8"))
    name = str(words["name"])
    products = _products(words)

    def page(kind: PageKind, path: str, *titles: str, **more: Any) -> Page:
        return Page(kind, path, " | ".join([*titles, name]), **more)

    def section(kind: PageKind, root: str, titles: list[str], parent: str) -> list[Page]:
        return [page(kind, f"{root}/{slug(title)}", title, parent) for title in titles]

    pages: dict[PageKind, list[Page]] = {
        PageKind.HOME: [Page(PageKind.HOME, "/", f"{name} | {words['slogan']}")],
        PageKind.CATEGORY: [
            *(
                page(PageKind.CATEGORY, f"/c/{slug(category)}", category, category=category)
                for category in words["categories"]
            ),
            *(
                page(PageKind.CATEGORY, f"/c/{slug(category)}/{slug(sub)}", sub, category, category=category)
                for category, subcategories in words["categories"].items()
                for sub in subcategories
            ),
        ],
        PageKind.PRODUCT: [
            page(
                PageKind.PRODUCT,
                f"/p/{slug(product.name)}-{product.item_id.lower()}",
                product.name,
                product.subcategory,
                product=product,
                category=product.category,
            )
            for product in products
        ],
        PageKind.SEARCH: [page(PageKind.SEARCH, "/search", "Search Results")],
        PageKind.COMPARE: [page(PageKind.COMPARE, "/compare", "Compare Products")],
        PageKind.BRAND: section(PageKind.BRAND, "/brands", list(words["brands"]), "Brands"),
        PageKind.OUTLET: [
            page(PageKind.OUTLET, "/outlet", "Outlet"),
            *section(PageKind.OUTLET, "/outlet", [*words["outlet"], *words["categories"]], "Outlet"),
        ],
        PageKind.DEALS: section(PageKind.DEALS, "/deals", words["deals"], "Deals"),
        PageKind.WISHLIST: section(PageKind.WISHLIST, "/account", words["wishlist"], "My Account"),
        PageKind.CART: [page(PageKind.CART, "/cart", "Shopping Cart")],
        PageKind.CHECKOUT: [page(PageKind.CHECKOUT, "/checkout/shipping", "Shipping", "Checkout")],
        PageKind.PAYMENT: [page(PageKind.PAYMENT, "/checkout/payment", "Payment", "Checkout")],
        PageKind.CONFIRMATION: [page(PageKind.CONFIRMATION, "/checkout/confirmation", "Order Confirmation")],
        PageKind.LOGIN: section(PageKind.LOGIN, "/login", words["login"], "My Account"),
        PageKind.ACCOUNT: section(PageKind.ACCOUNT, "/account", words["account"], "My Account"),
        PageKind.ORDERS: section(PageKind.ORDERS, "/account/orders", words["orders"], "My Account"),
        PageKind.HELP: section(PageKind.HELP, "/help", words["help"], "Help Centre"),
        PageKind.TRACKING: section(PageKind.TRACKING, "/help/tracking", words["tracking"], "Help Centre"),
        PageKind.CONTACT: section(PageKind.CONTACT, "/help/contact", words["contact"], "Help Centre"),
        PageKind.JOURNAL: [
            page(PageKind.JOURNAL, "/journal", "Journal"),
            *section(PageKind.JOURNAL, "/journal/topics", words["journal_topics"], "Journal"),
        ],
        PageKind.ARTICLE: section(PageKind.ARTICLE, "/journal", words["articles"], "Journal"),
        PageKind.STORES: section(PageKind.STORES, "/stores", words["stores"], "Stores"),
        PageKind.POLICY: section(PageKind.POLICY, "/legal", words["policies"], "Legal"),
        PageKind.ERROR: [page(PageKind.ERROR, path, "Page Not Found") for path in words["dead_paths"]],
    }
    ranked = _scattered(pages[PageKind.PRODUCT])
    brand_pages = dict(zip(words["brands"], pages[PageKind.BRAND], strict=True))
    return Shop(
        name=name,
        host=str(words["host"]),
        pages={kind: tuple(members) for kind, members in pages.items()},
        popular={
            kind: Table.zipf(_scattered(members) if kind in (PageKind.PRODUCT, PageKind.CATEGORY) else members)
            for kind, members in pages.items()
        },
        products=Table.zipf([page.product for page in ranked if page.product]),
        product_pages={page.product.item_id: page for page in ranked if page.product},
        products_by_category=_grouped(ranked, "category"),
        products_by_subcategory=_grouped(ranked, "subcategory"),
        products_by_brand=_grouped(ranked, "brand"),
        products_on_sale=Table.zipf([page for page in ranked if page.product and page.product.on_sale], 0.6),
        brand_pages=brand_pages,
        searches=Table.zipf(words["searches"]),
    )


def _products(words: dict[str, Any]) -> list[Product]:
    products: list[Product] = []
    for number, (category, subcategories) in enumerate(words["categories"].items(), start=1):
        brands = [brand for brand, sells_in in words["brands"].items() if number in sells_in]
        for subcategory, (price, *names) in subcategories.items():
            for place, name in enumerate(names):
                serial = len(products)
                brand = brands[serial % len(brands)]
                products.append(
                    Product(
                        item_id=f"NF{1000 + serial}",
                        name=f"{brand} {name}",
                        brand=brand,
                        category=category,
                        subcategory=subcategory,
                        list_price=round(round(price * (0.4 + 0.17 * place)) - 0.05, 2),
                        on_sale=serial % _ON_SALE_EVERY == 0,
                    )
                )
    return products


def _scattered(pages: list[Page]) -> list[Page]:
    """The pages in a fixed order of popularity that has nothing to do with catalogue order."""
    stride = next(step for step in (97, 89, 83) if len(pages) % step)  # a prime that does not divide: a permutation
    return [pages[(place * stride + 31) % len(pages)] for place in range(len(pages))]


def _grouped(ranked: list[Page], attribute: str) -> dict[str, Table[Page]]:
    groups: dict[str, list[Page]] = {}
    for page in ranked:
        groups.setdefault(getattr(page.product, attribute), []).append(page)
    return {value: Table.zipf(members, 0.6) for value, members in sorted(groups.items())}
