"""Which persona a journey speaks for, by the rules that made it: Bayes' rule with the generator's own probabilities.

The likelihood covers all that a log of events shows and that differs between personas: how many pages there are, the
kind of each page given the one before (landing, steps, wandering, checkout only with a cart), where sessions end, which
product, brand or category page is shown (the latent taste is summed over; crawlers go in catalogue order), seconds
between pages, scrolling, and the hour at which a session begins. It leaves out what the log does not show (channel,
device, place, earlier visits, search terms, coupons) and two rare things: pages after the export's last day, and a
session that was put off because the one before it was still going on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import log
from statistics import NormalDist
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from beha2vec_core.demo_shop import journeys
from beha2vec_core.demo_shop.catalogue import Page, Shop
from beha2vec_core.demo_shop.catalogue import PageKind as K
from beha2vec_core.demo_shop.personas import PERSONAS, SHARED_LANDING, SHARED_STEP, Persona, ProductChoice

Share = TypeVar("Share", float, npt.NDArray[np.float64])
Floats = npt.NDArray[np.float64]

_KINDS = list(K)
_NORMAL = NormalDist()
_IS_BOT = np.array([persona.is_bot for persona in PERSONAS])


@dataclass(frozen=True, slots=True)
class View:
    """A page view: ``moment`` in microseconds UTC; ``scrolled``: whether a scroll followed on the page."""

    page: Page
    moment: int
    scrolled: bool


class Oracle:
    """Weighs the personas of one shop for journeys whose hours count in ``timezone``."""

    def __init__(self, shop: Shop, timezone: ZoneInfo) -> None:
        self._shop, self._timezone = shop, timezone
        products = shop.pages[K.PRODUCT]
        self._place = {
            page.path: place for kind in (K.PRODUCT, K.CATEGORY) for place, page in enumerate(shop.pages[kind])
        }
        self._popular = {kind: _by_path(table.shares()) for kind, table in shop.popular.items()}
        self._on_sale = _by_path(shop.products_on_sale.shares())
        self._in_category = {name: _by_path(table.shares()) for name, table in shop.products_by_category.items()}
        shares = shop.products.shares()
        liked = [page.product for page in products if page.product is not None]
        self._taste: Floats = np.log([shares[product] for product in liked])
        anywhere = np.array([self._popular[K.PRODUCT][page.path] for page in products])
        brands = {name: _by_path(table.shares()) for name, table in shop.products_by_brand.items()}
        ranges = {name: _by_path(table.shares()) for name, table in shop.products_by_subcategory.items()}
        chosen: dict[ProductChoice, Floats] = {
            "owned": np.eye(len(products)),
            "brand": np.array([[brands[own.brand].get(page.path, 0.0) for own in liked] for page in products]),
            "intent": np.array([[ranges[own.subcategory].get(page.path, 0.0) for own in liked] for page in products]),
        }
        # by product page and liked product: log P(page | liked)
        self._by_taste = {choice: np.log(_tasted(anywhere[:, None], table)) for choice, table in chosen.items()}
        # by brand page and liked product: whether the brand is the liked product's
        self._own_brand = {
            page.path: np.array([_log(float(own.brand == brand)) for own in liked])
            for brand, page in shop.brand_pages.items()
        }

    def log_posterior(self, sessions: Sequence[Sequence[View]]) -> Floats:
        """Log probability of each of `PERSONAS`, given one user's sessions in order, each with one view or more."""
        views = [view for session in sessions for view in session]
        total = np.log([persona.share for persona in PERSONAS])
        total += [_log(float(_lengths(persona.length_factor)[len(views)])) for persona in PERSONAS]
        total += self._kinds(sessions)
        for session in sessions:
            total += self._times(session)
        total += [self._pages(persona, views) for persona in PERSONAS]
        highest = total.max()
        if highest == -np.inf:
            raise ValueError("no persona makes such a journey: these events are not the demo shop's")
        normalised: Floats = total - (highest + np.log(np.exp(total - highest).sum()))
        return normalised

    def _kinds(self, sessions: Sequence[Sequence[View]]) -> Floats:
        """Log likelihood of the kinds of pages and of where sessions end."""
        total = np.zeros(len(PERSONAS))
        cart_filled = False
        last = sessions[-1][-1]
        with np.errstate(divide="ignore"):
            for session in sessions:
                here: K | None = None
                for view in session:
                    step = view.page.kind
                    total += np.log(_step_shares(here, cart_filled)[:, _KINDS.index(step)])
                    cart_filled = (cart_filled or (here is K.PRODUCT and step is K.CART)) and step is not K.CONFIRMATION
                    if step not in journeys._CHECKOUT and view is not last:
                        ends = np.array([persona.session_ends for persona in PERSONAS])
                        total += np.log(ends if view is session[-1] else 1 - ends)
                    here = step
        return total

    def _times(self, session: Sequence[View]) -> Floats:
        """Log likelihood of the hour, the seconds between pages, and scrolling."""
        hour = datetime.fromtimestamp(session[0].moment / journeys.SECOND, self._timezone).hour
        human, bot = _log(_hour_share(hour)), -log(24)
        for place, view in enumerate(session):
            scrolls = journeys._SCROLLS.get(view.page.kind, journeys._SCROLLS_ELSEWHERE)
            human += log(scrolls if view.scrolled else 1 - scrolls)
            bot += _log(float(not view.scrolled))
            if place + 1 < len(session):
                seconds = (session[place + 1].moment - view.moment) / journeys.SECOND
                human += _log(_stay_share(seconds, view.page.kind))
                bot += _log(_bot_stay_share(seconds))
        return np.where(_IS_BOT, bot, human)

    def _pages(self, persona: Persona, views: Sequence[View]) -> float:
        """Log likelihood of the pages given their kinds, as far as personas differ."""
        total, category = 0.0, None
        taste = self._taste
        crawled: dict[K, int] = {}
        for page in (view.page for view in views):
            if persona.is_bot and page.kind in (K.PRODUCT, K.CATEGORY):
                total += self._crawled(page, crawled)
            elif page.kind is K.PRODUCT and persona.product_choice in self._by_taste:
                taste = taste + self._by_taste[persona.product_choice][self._place[page.path]]
            elif page.kind is K.PRODUCT:
                total += self._product(persona, page, category)
            elif page.kind is K.BRAND and persona.product_choice == "brand":
                taste = taste + self._own_brand[page.path]
            elif page.kind in (K.CATEGORY, K.BRAND):
                total += log(self._popular[page.kind][page.path])
            category = page.category or category
        highest = float(taste.max())
        return -np.inf if highest == -np.inf else total + highest + log(float(np.exp(taste - highest).sum()))

    def _product(self, persona: Persona, page: Page, category: str | None) -> float:
        anywhere = self._popular[K.PRODUCT][page.path]
        if persona.product_choice == "sale":
            chosen = self._on_sale.get(page.path, 0.0)
        else:
            chosen = self._in_category[category].get(page.path, 0.0) if category else anywhere
        return log(_tasted(anywhere, chosen))

    def _crawled(self, page: Page, crawled: dict[K, int]) -> float:
        """Log probability of a crawler's page: anywhere at first, then the next one of its kind."""
        pages, place = len(self._shop.pages[page.kind]), self._place[page.path]
        expected = crawled.get(page.kind)
        crawled[page.kind] = (place + 1) % pages
        return -log(pages) if expected is None else _log(float(place == expected))


def _by_path(shares: dict[Page, float]) -> dict[str, float]:
    return {page.path: share for page, share in shares.items()}


def _tasted(anywhere: Share, chosen: Share) -> Share:
    """The probability of a product page: now and then of any, mostly of those that the taste picks from."""
    return journeys._ANY_PRODUCT * anywhere + (1 - journeys._ANY_PRODUCT) * chosen


def _log(probability: float) -> float:
    return log(probability) if probability > 0 else -np.inf


@cache
def _step_shares(here: K | None, cart_filled: bool) -> Floats:
    """Probability of each kind after ``here`` (None: a session begins), by persona [personas, kinds]."""
    table = np.zeros((len(PERSONAS), len(_KINDS)))
    for row, persona in zip(table, PERSONAS, strict=True):
        if here is None:
            shared, wandering = SHARED_LANDING.shares(), 2 * persona.wandering
            own = persona.landing_table.shares()
        else:
            shared, wandering = SHARED_STEP.shares(), 0.0 if here in journeys._CHECKOUT else persona.wandering
            own = persona.step_tables.get(here, persona.landing_table).shares()
        for place, kind in enumerate(_KINDS):
            row[place] = wandering * shared.get(kind, 0.0) + (1 - wandering) * own.get(kind, 0.0)
    if not cart_filled:
        for kind in journeys._CHECKOUT:
            table[:, _KINDS.index(K.PRODUCT)] += table[:, _KINDS.index(kind)]
            table[:, _KINDS.index(kind)] = 0.0
    return table


@cache
def _lengths(factor: float) -> Floats:
    """Probability of each number of page views, from 0 to the most there can be."""
    lengths = np.zeros(journeys._MAX_PAGE_VIEWS + 1)
    short = journeys._SHORT_VISITS.shares()
    counts = {count: share for count, share in short.items() if count is not None}
    for more in range(2000):
        counts[4 + more] = short[None] * (_tail(more + 1) - _tail(more))
    for count, share in counts.items():
        lengths[min(round(count * factor), journeys._MAX_PAGE_VIEWS)] += share
    return lengths


def _tail(pages: float) -> float:
    return _lognormal(pages, journeys._TAIL_MEDIAN, journeys._TAIL_SIGMA)


def _lognormal(value: float, median: float, sigma: float) -> float:
    return _NORMAL.cdf(log(value / median) / sigma) if value > 0 else 0.0


@cache
def _hour_share(hour: int) -> float:
    return journeys._HOUR_WEIGHTS.shares()[hour]


def _stay_share(seconds: float, kind: K) -> float:
    """Density of the seconds between two page views of a person: the stay, and the wait for the next page."""
    median = journeys._DWELL_SECONDS.get(kind, journeys._DWELL_ELSEWHERE)

    def stays(below: float) -> float:
        if below >= journeys._MAX_DWELL:
            return 1.0
        return _lognormal(below - 1.0, median, journeys._DWELL_SIGMA)

    return _waited(stays(seconds - journeys._WAIT[0]), stays(seconds - journeys._WAIT[1]))


def _bot_stay_share(seconds: float) -> float:
    low, high = journeys._BOT_DWELL

    def stays(below: float) -> float:
        return min(max((below - low) / (high - low), 0.0), 1.0)

    return _waited(stays(seconds - journeys._WAIT[0]), stays(seconds - journeys._WAIT[1]))


def _waited(longest: float, shortest: float) -> float:
    return (longest - shortest) / (journeys._WAIT[1] - journeys._WAIT[0])
