"""The eight personas as data: a Markov chain over page kinds each, how they pick products, and who they are.

Personas differ in what they do and in which order. How many pages a user sees is drawn elsewhere, from one
distribution for all, so that volume says (nearly) nothing about the persona.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from beha2vec_core.demo_shop.catalogue import PageKind as K
from beha2vec_core.demo_shop.dice import Table

ProductChoice = Literal["browse", "sale", "brand", "intent", "owned", "crawl"]
Weights = Mapping[K, float]

# What users of any persona may do at any moment.
SHARED_LANDING = Table.of({K.HOME: 0.5, K.CATEGORY: 0.25, K.PRODUCT: 0.2, K.ARTICLE: 0.05})
SHARED_STEP = Table.of(
    {K.HOME: 0.32, K.CATEGORY: 0.3, K.PRODUCT: 0.16, K.SEARCH: 0.07, K.ERROR: 0.06, K.STORES: 0.04, K.POLICY: 0.05}
)


@dataclass(frozen=True)
class Persona:
    """One way of using the shop.

    ``landing`` weighs the first page of a session, ``steps`` the page kind that follows each kind; from a kind
    without steps of its own the user goes on as if landing. ``wandering`` is the probability that a step (or, twice
    as likely, a landing) is drawn from what all personas share instead. ``regular`` is the share of users who come back
    again and again, ``orders`` the typical share of such visits that end in an order.
    """

    name: str
    share: float
    landing: Weights
    steps: Mapping[K, Weights]
    product_choice: ProductChoice
    channels: Mapping[str, float]
    mobile: float
    countries: Mapping[str, float] = field(default_factory=dict)
    wandering: float = 0.12
    session_ends: float = 0.12
    seen_before: float = 0.12
    length_factor: float = 1.0
    regular: float = 0.0
    orders: float = 0.0
    is_bot: bool = False

    @cached_property
    def landing_table(self) -> Table[K]:
        """``landing`` ready to draw from."""
        return Table.of(self.landing)

    @cached_property
    def step_tables(self) -> dict[K, Table[K]]:
        """``steps`` ready to draw from."""
        return {kind: Table.of(weights) for kind, weights in self.steps.items()}

    @cached_property
    def channel_table(self) -> Table[str]:
        """``channels`` ready to draw from."""
        return Table.of(self.channels)


PERSONAS: tuple[Persona, ...] = (
    # category -> product -> product -> product, wide, never a cart
    Persona(
        name="window_shopper",
        share=0.20,
        landing={K.CATEGORY: 0.6, K.PRODUCT: 0.4},
        steps={
            K.HOME: {K.CATEGORY: 1},
            K.CATEGORY: {K.PRODUCT: 0.9, K.CATEGORY: 0.1},
            K.PRODUCT: {K.PRODUCT: 0.6, K.CATEGORY: 0.34, K.WISHLIST: 0.06},
            K.WISHLIST: {K.PRODUCT: 0.5, K.CATEGORY: 0.5},
            K.SEARCH: {K.PRODUCT: 1},
        },
        product_choice="browse",
        channels={"organic": 0.4, "direct": 0.2, "paid_social": 0.2, "paid_search": 0.1, "social": 0.1},
        mobile=0.66,
        regular=0.06,
    ),
    # outlet first, then products on sale, a coupon, the cart, and away
    Persona(
        name="deal_hunter",
        share=0.14,
        landing={K.OUTLET: 0.6, K.DEALS: 0.4},
        steps={
            K.HOME: {K.OUTLET: 0.6, K.DEALS: 0.4},
            K.OUTLET: {K.PRODUCT: 0.55, K.OUTLET: 0.35, K.DEALS: 0.1},
            K.DEALS: {K.PRODUCT: 0.3, K.OUTLET: 0.4, K.DEALS: 0.15, K.CART: 0.15},
            K.PRODUCT: {K.OUTLET: 0.45, K.DEALS: 0.25, K.CART: 0.15, K.PRODUCT: 0.15},
            K.CART: {K.DEALS: 0.55, K.OUTLET: 0.3, K.CHECKOUT: 0.15},
            K.CHECKOUT: {K.PAYMENT: 0.5, K.DEALS: 0.5},
            K.PAYMENT: {K.CONFIRMATION: 0.6, K.DEALS: 0.4},
            K.CATEGORY: {K.OUTLET: 0.7, K.PRODUCT: 0.3},
        },
        product_choice="sale",
        channels={"affiliate": 0.22, "organic": 0.25, "newsletter": 0.2, "paid_search": 0.18, "direct": 0.15},
        mobile=0.6,
        countries={"Poland": 2.0, "Germany": 1.2},
        regular=0.13,
        orders=0.15,
    ),
    # the page of one brand, its products, back to the brand
    Persona(
        name="brand_fan",
        share=0.12,
        landing={K.BRAND: 0.75, K.PRODUCT: 0.25},
        steps={
            K.HOME: {K.BRAND: 1},
            K.BRAND: {K.PRODUCT: 0.9, K.STORES: 0.1},
            K.PRODUCT: {K.BRAND: 0.55, K.PRODUCT: 0.3, K.WISHLIST: 0.08, K.CART: 0.07},
            K.WISHLIST: {K.BRAND: 1},
            K.CART: {K.CHECKOUT: 0.5, K.BRAND: 0.5},
            K.CHECKOUT: {K.PAYMENT: 0.8, K.CART: 0.2},
            K.PAYMENT: {K.CONFIRMATION: 0.85, K.BRAND: 0.15},
            K.STORES: {K.STORES: 0.3, K.BRAND: 0.7},
            K.CATEGORY: {K.BRAND: 0.6, K.PRODUCT: 0.4},
            K.SEARCH: {K.BRAND: 0.5, K.PRODUCT: 0.5},
        },
        product_choice="brand",
        channels={"organic": 0.3, "direct": 0.25, "social": 0.2, "newsletter": 0.1, "paid_search": 0.15},
        mobile=0.55,
        countries={"Sweden": 1.6, "Denmark": 1.6},
        seen_before=0.3,
        regular=0.14,
        orders=0.2,
    ),
    # search -> product -> compare -> product -> cart -> checkout, all in one narrow range
    Persona(
        name="buyer_with_intent",
        share=0.14,
        landing={K.SEARCH: 0.6, K.PRODUCT: 0.28, K.COMPARE: 0.12},
        steps={
            K.HOME: {K.SEARCH: 1},
            K.SEARCH: {K.PRODUCT: 0.8, K.SEARCH: 0.2},
            K.PRODUCT: {K.COMPARE: 0.36, K.CART: 0.24, K.SEARCH: 0.3, K.PRODUCT: 0.1},
            K.COMPARE: {K.PRODUCT: 0.85, K.SEARCH: 0.15},
            K.CART: {K.CHECKOUT: 0.75, K.SEARCH: 0.25},
            K.CHECKOUT: {K.PAYMENT: 0.85, K.CART: 0.15},
            K.PAYMENT: {K.CONFIRMATION: 0.9, K.CART: 0.1},
            K.CONFIRMATION: {K.TRACKING: 0.3, K.SEARCH: 0.7},
            K.CATEGORY: {K.SEARCH: 0.5, K.PRODUCT: 0.5},
        },
        product_choice="intent",
        channels={"paid_search": 0.32, "organic": 0.38, "direct": 0.16, "referral": 0.14},
        mobile=0.45,
        regular=0.12,
        orders=0.35,
    ),
    # account -> orders -> the same product again -> fast checkout
    Persona(
        name="returning_customer",
        share=0.12,
        landing={K.LOGIN: 0.25, K.ACCOUNT: 0.35, K.ORDERS: 0.4},
        steps={
            K.HOME: {K.LOGIN: 0.3, K.ACCOUNT: 0.7},
            K.LOGIN: {K.ACCOUNT: 0.6, K.ORDERS: 0.4},
            K.ACCOUNT: {K.ORDERS: 0.65, K.ACCOUNT: 0.2, K.PRODUCT: 0.15},
            K.ORDERS: {K.PRODUCT: 0.65, K.ORDERS: 0.2, K.ACCOUNT: 0.15},
            K.PRODUCT: {K.CART: 0.55, K.ORDERS: 0.3, K.ACCOUNT: 0.15},
            K.CART: {K.CHECKOUT: 0.85, K.ACCOUNT: 0.15},
            K.CHECKOUT: {K.PAYMENT: 1},
            K.PAYMENT: {K.CONFIRMATION: 0.95, K.CART: 0.05},
            K.CONFIRMATION: {K.ORDERS: 0.6, K.ACCOUNT: 0.4},
        },
        product_choice="owned",
        channels={"direct": 0.5, "newsletter": 0.25, "organic": 0.2, "paid_search": 0.05},
        mobile=0.5,
        session_ends=0.18,
        seen_before=0.8,
        regular=0.3,
        orders=0.35,
    ),
    # help pages, order tracking, contact
    Persona(
        name="support_seeker",
        share=0.11,
        landing={K.HELP: 0.55, K.TRACKING: 0.3, K.CONTACT: 0.15},
        steps={
            K.HOME: {K.HELP: 0.7, K.TRACKING: 0.3},
            K.HELP: {K.HELP: 0.5, K.CONTACT: 0.25, K.TRACKING: 0.2, K.POLICY: 0.05},
            K.TRACKING: {K.HELP: 0.45, K.CONTACT: 0.3, K.ORDERS: 0.15, K.TRACKING: 0.1},
            K.CONTACT: {K.HELP: 0.6, K.TRACKING: 0.25, K.STORES: 0.15},
            K.ORDERS: {K.TRACKING: 0.5, K.HELP: 0.5},
            K.POLICY: {K.HELP: 1},
        },
        product_choice="owned",
        channels={"direct": 0.4, "organic": 0.45, "email": 0.15},
        mobile=0.58,
        session_ends=0.15,
        seen_before=0.45,
        regular=0.05,
    ),
    # articles mostly, arriving from social media and the newsletter
    Persona(
        name="blog_reader",
        share=0.11,
        landing={K.ARTICLE: 0.85, K.JOURNAL: 0.15},
        steps={
            K.HOME: {K.JOURNAL: 0.7, K.ARTICLE: 0.3},
            K.ARTICLE: {K.ARTICLE: 0.55, K.JOURNAL: 0.33, K.PRODUCT: 0.12},
            K.JOURNAL: {K.ARTICLE: 0.9, K.JOURNAL: 0.1},
            K.PRODUCT: {K.ARTICLE: 0.6, K.JOURNAL: 0.4},
            K.CATEGORY: {K.JOURNAL: 1},
        },
        product_choice="browse",
        channels={"social": 0.4, "newsletter": 0.25, "organic": 0.25, "referral": 0.1},
        mobile=0.7,
        regular=0.14,
    ),
    # lists first, sweep by sweep, then product pages in catalogue order; fast, regular, engaged with nothing
    Persona(
        name="bot",
        share=0.06,
        landing={K.CATEGORY: 0.55, K.PRODUCT: 0.45},
        steps={
            K.HOME: {K.CATEGORY: 1},
            K.CATEGORY: {K.CATEGORY: 0.78, K.PRODUCT: 0.22},
            K.PRODUCT: {K.PRODUCT: 0.9, K.CATEGORY: 0.1},
        },
        product_choice="crawl",
        channels={"direct": 0.9, "referral": 0.1},
        mobile=0.0,
        countries={"United States": 6.0, "Netherlands": 3.0},
        wandering=0.08,
        session_ends=0.03,
        seen_before=0.0,
        length_factor=1.3,
        is_bot=True,
    ),
)

PERSONA_TABLE: Table[Persona] = Table(PERSONAS, (persona.share for persona in PERSONAS))
