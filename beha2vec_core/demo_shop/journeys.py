"""One user of the demo shop: who they are, which pages they see in which order, and the events that come of it.

A user depends on the own dice (seed, index) and the calendar only, never on other users.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from beha2vec_core.demo_shop.audience import DIRECT, Channel, Device, Place, channel_of, device_of, place_of
from beha2vec_core.demo_shop.catalogue import Page, Product, Shop
from beha2vec_core.demo_shop.catalogue import PageKind as K
from beha2vec_core.demo_shop.dice import Dice, Table
from beha2vec_core.demo_shop.personas import PERSONA_TABLE, SHARED_LANDING, SHARED_STEP, Persona

SECOND = 1_000_000  # µs
Params = Mapping[str, str | int | float]  # event parameters
_SESSION_TIMEOUT = 30 * 60 * SECOND
_MAX_PAGE_VIEWS = 60

# How many page views a user has in all, of any persona: short visits by table, the others by a long tail.
_SHORT_VISITS = Table((1, 2, 3, None), (0.23, 0.21, 0.17, 0.39))
_TAIL_MEDIAN, _TAIL_SIGMA = 4.5, 0.9

# What regular customers do beside that: days from one visit to the next (a median of each user's own, and how much the
# visits scatter around it), pages of a visit, and how much regulars differ in how often they order.
_RHYTHM_MEDIAN, _RHYTHM_SIGMA, _VISITS_SCATTER = 12.0, 0.6, 0.5
_VISIT_PAGES_MEDIAN, _VISIT_PAGES_SIGMA = 1.5, 0.6
_ORDERS_DIFFER = 0.7

_HOUR_WEIGHTS = Table(
    range(24), (10, 6, 3, 2, 2, 3, 7, 14, 20, 24, 27, 29, 31, 29, 27, 27, 29, 33, 39, 47, 52, 48, 36, 20)
)
_WEEKDAY_WEIGHTS = (1.05, 1.0, 0.98, 1.0, 0.9, 0.95, 1.25)  # Monday first: Sunday evening is when people browse

_CHECKOUT = frozenset({K.CHECKOUT, K.PAYMENT})
_ORDER = (K.PRODUCT, K.CART, K.CHECKOUT, K.PAYMENT, K.CONFIRMATION)
_LOGGED_IN = frozenset({K.ACCOUNT, K.ORDERS})
_DWELL_SECONDS = {K.ARTICLE: 75.0, K.PRODUCT: 30.0, K.HELP: 45.0, K.PAYMENT: 40.0, K.CHECKOUT: 45.0, K.ERROR: 6.0}
_DWELL_ELSEWHERE, _DWELL_SIGMA, _MAX_DWELL = 20.0, 0.9, 1500.0
_BOT_DWELL = (1.9, 2.1)
_WAIT = (0.2, 1.5)  # seconds from one page to the next
_SCROLLS, _SCROLLS_ELSEWHERE = {K.ARTICLE: 0.6}, 0.25
_ANY_PRODUCT = 0.1  # of product pages: one that has nothing to do with taste
_CART_EVENTS = {
    K.CART: ("view_cart", 0.0),
    K.CHECKOUT: ("begin_checkout", 0.0),
    K.PAYMENT: ("add_payment_info", 0.5),
}
_PROMOTION: Params = {"promotion_name": "Winter Clearance", "creative_slot": "hero"}
_SHIPPING, _FREE_SHIPPING_FROM, VAT = 4.9, 60.0, 0.19
_COUPONS = ("WINTER10", "MEMBER10", "HELLO10")
_COUPON_FACTOR = 0.9


class Calendar:
    """The days of the export in the property's time zone.

    Attributes:
        dates: the local days.
        midnights: µs UTC at which they begin, and at which the last one ends.
    """

    def __init__(self, start: date, days: int, timezone: ZoneInfo) -> None:
        """``start`` is the first of ``days`` local days; OverflowError past the year 9999."""
        self.dates = [start + timedelta(days=day) for day in range(days)]
        nights = [*self.dates, start + timedelta(days=days)]
        self.midnights = [
            int(datetime(night.year, night.month, night.day, tzinfo=timezone).timestamp()) * SECOND for night in nights
        ]
        self._first_days = Table(range(days), (_WEEKDAY_WEIGHTS[day.weekday()] for day in self.dates))

    @property
    def start(self) -> int:
        """The first moment of the export, µs UTC."""
        return self.midnights[0]

    def day_of(self, timestamp: int) -> int | None:
        """The number of the local day of a moment (µs UTC), None outside the export."""
        day = bisect_right(self.midnights, timestamp) - 1
        return day if 0 <= day < len(self.dates) else None

    def moments(self, count: int, dice: Dice, *, around_the_clock: bool) -> list[int]:
        """Ascending moments (µs UTC) for the sessions of one user: one day by weekday, the others some days after it.

        What would fall behind the last day wraps to the beginning, so that the edges see as many visits as the middle.
        """
        day = dice.pick(self._first_days)
        days = [day, *((day + int(dice.lognormal(4.0, 1.1))) % len(self.dates) for _ in range(count - 1))]
        return sorted(self.moment(day, dice, around_the_clock) for day in days)

    def regular_moments(self, dice: Dice) -> list[int]:
        """Moments (µs UTC) for the visits of a regular, at the user's own rhythm from the first days to the last."""
        rhythm = dice.lognormal(_RHYTHM_MEDIAN, _RHYTHM_SIGMA)
        day = int(rhythm * dice.uniform())
        moments = []
        while day < len(self.dates):
            moments.append(self.moment(day, dice))
            day += 1 + int(dice.lognormal(rhythm, _VISITS_SCATTER))
        return moments

    def moment(self, day: int, dice: Dice, around_the_clock: bool = False) -> int:
        """A moment (µs UTC) of a day by the hours at which people browse, or of any hour alike."""
        hour = dice.uniform() * 24 if around_the_clock else dice.pick(_HOUR_WEIGHTS) + dice.uniform()
        return min(self.midnights[day] + int(hour * 3600 * SECOND), self.midnights[day + 1] - 1)


@dataclass(frozen=True, slots=True)
class Item:
    """A product in a list, a cart or an order; ``paid`` is the price of one piece after discounts (orders only)."""

    product: Product
    quantity: int = 1
    list_name: str | None = None
    list_index: int | None = None
    coupon: str | None = None
    paid: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a purchase event says about the whole order, in euros."""

    transaction_id: str
    revenue: float
    shipping: float
    tax: float
    coupon: str | None


class Action(NamedTuple):
    """What happens on a page; ``moment`` is a share of the stay, 0 for what is sent along with the page view."""

    name: str
    moment: float = 0.0
    params: Params = {}  # noqa: RUF012 - never changed
    items: Sequence[Item] = ()
    order: Order | None = None


@dataclass(slots=True)
class Event:
    """One GA4 event before it is written as a row. Times are µs UTC, engagement in milliseconds."""

    name: str
    timestamp: int
    location: str
    title: str
    referrer: str | None
    batch: tuple[int, int, int]  # page load, request of the page, place in the request
    engaged: bool
    logged_in: bool
    is_landing: bool = False
    engagement: int | None = None
    params: Params = field(default_factory=dict)
    items: Sequence[Item] = ()
    order: Order | None = None


@dataclass(slots=True)
class Session:
    """One visit: ``channel`` is how it began, ``last_click`` the last channel that was not direct."""

    session_id: int
    number: int
    channel: Channel
    last_click: Channel
    click_id: str | None
    revenue_before: float
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Visitor:
    """One user with all sessions."""

    persona: Persona
    user_pseudo_id: str
    user_id: str
    consents: bool
    first_touch: int
    acquired_by: Channel
    device: Device
    place: Place
    sessions: list[Session] = field(default_factory=list)

    def begin_session(self, start: int, number: int, channel: Channel, revenue_before: float, dice: Dice) -> Session:
        """Add a session without events; ``start`` is in µs UTC."""
        before = self.sessions[-1].last_click if self.sessions else self.acquired_by
        session = Session(
            session_id=start // SECOND,
            number=number,
            channel=channel,
            last_click=before if channel.is_direct else channel,
            click_id=f"Cj0KCQiA{dice.integer(10**11, 10**12)}EALw_wcB" if channel.paid_click else None,
            revenue_before=revenue_before,
        )
        self.sessions.append(session)
        return session


def simulate(shop: Shop, calendar: Calendar, dice: Dice, index: int, *, regulars: bool = False) -> Visitor:
    """User number ``index`` of the demo shop, by that user's own dice.

    With ``regulars`` some users come back again and again, and may order each time.
    """
    persona = dice.pick(PERSONA_TABLE)
    kinds_by_session = route(persona, dice, _page_views(persona, dice))
    starts = calendar.moments(len(kinds_by_session), dice, around_the_clock=persona.is_bot)
    if regulars and dice.chance(persona.regular):
        visits = calendar.regular_moments(dice)
        kinds_by_session += regular_visits(persona, dice, len(visits))
        starts = sorted(starts + visits)
    seen_before = dice.chance(persona.seen_before)
    first_touch = calendar.start - dice.integer(1, 200 * 86_400) * SECOND if seen_before else starts[0]
    visitor = Visitor(
        persona=persona,
        user_pseudo_id=f"{dice.integer(10**8, 2**31)}.{first_touch // SECOND}",
        user_id=f"C{1_000_000 + index}",
        consents=persona.is_bot or not dice.chance(0.015),
        first_touch=first_touch,
        acquired_by=channel_of(persona, dice),
        device=device_of(persona, dice),
        place=place_of(persona, dice),
    )
    walk = Walk(shop, persona, dice, index)
    number = dice.integer(1, 9) if seen_before else 0
    clock = 0
    for kinds, start in zip(kinds_by_session, starts, strict=True):
        number += 1
        start = max(start, clock)
        channel = visitor.acquired_by if number == 1 else DIRECT if dice.chance(0.5) else channel_of(persona, dice)
        session = visitor.begin_session(start, number, channel, walk.revenue, dice)
        session.events.extend(walk.session(kinds, start, session))
        clock = session.events[-1].timestamp + _SESSION_TIMEOUT + SECOND
    return visitor


def _page_views(persona: Persona, dice: Dice) -> int:
    count = dice.pick(_SHORT_VISITS) or 4 + int(dice.lognormal(_TAIL_MEDIAN, _TAIL_SIGMA))
    return min(round(count * persona.length_factor), _MAX_PAGE_VIEWS)


def route(persona: Persona, dice: Dice, page_views: int) -> list[list[K]]:
    """The kinds of the pages a user of this persona sees, a list a session: a walk on the persona's Markov chain."""
    sessions: list[list[K]] = []
    cart_filled = False
    here: K | None = None  # None: a session begins
    for _ in range(page_views):
        step = next_kind(persona, dice, here)
        if step in _CHECKOUT and not cart_filled:
            step = K.PRODUCT
        if here is None:
            sessions.append([])
        sessions[-1].append(step)
        cart_filled = (cart_filled or (here is K.PRODUCT and step is K.CART)) and step is not K.CONFIRMATION
        here = None if step not in _CHECKOUT and dice.chance(persona.session_ends) else step
    return sessions


def regular_visits(persona: Persona, dice: Dice, count: int) -> list[list[K]]:
    """The kinds of the pages of visits of a regular, a list a visit: short, and some of them end in an order."""
    orders = min(1.0, persona.orders * dice.lognormal(1.0, _ORDERS_DIFFER))
    visits = []
    for _ in range(count):
        visit = route(persona, dice, 1 + int(dice.lognormal(_VISIT_PAGES_MEDIAN, _VISIT_PAGES_SIGMA)))[0]
        visits.append([*visit, *_ORDER] if dice.chance(orders) else visit)
    return visits


def next_kind(persona: Persona, dice: Dice, here: K | None) -> K:
    """The kind of the page after one of kind ``here``, or the landing page of a session (None)."""
    if here is None:
        return dice.pick(SHARED_LANDING if dice.chance(2 * persona.wandering) else persona.landing_table)
    if here not in _CHECKOUT and dice.chance(persona.wandering):
        return dice.pick(SHARED_STEP)
    return dice.pick(persona.step_tables.get(here, persona.landing_table))


class Walk:
    """The state a user carries from page to page: taste, cart, place in the catalogue, money spent."""

    def __init__(self, shop: Shop, persona: Persona, dice: Dice, index: int) -> None:
        self.shop, self.persona, self.dice, self.index = shop, persona, dice, index
        # the product that stands for the user's taste: its brand, its range, or the very thing they own
        self.liked = dice.pick(shop.products)
        self.category: str | None = None
        self.cart: list[Item] = []
        self.revenue = 0.0
        self.orders = 0
        self.logged_in = False
        self.page_id = 0
        self.crawled = {kind: dice.integer(0, len(shop.pages[kind])) for kind in (K.CATEGORY, K.PRODUCT)}

    def session(self, kinds: list[K], start: int, session: Session) -> Iterator[Event]:
        """The events of one session whose first page opens at ``start`` (µs UTC)."""
        clock, referrer, engaged = start, session.channel.referrer, False
        self.logged_in = self.logged_in and self.persona.product_choice == "owned"
        for place, kind in enumerate(kinds):
            following = kinds[place + 1] if place + 1 < len(kinds) else None
            page = self._page(kind)
            term = self._search_term() if kind is K.SEARCH else None
            location = self._location(page, term, session if place == 0 else None)
            self.logged_in = self.logged_in or kind in _LOGGED_IN
            dwell = self._dwell(kind)
            engaged = engaged or place > 0
            engagement = 0 if self.persona.is_bot else int(dwell * 1000 * self.dice.between(0.5, 0.95))
            self.page_id = max(clock // 1000, self.page_id + 1)
            actions = [*self._arrival(page, term, session.number if place == 0 else None), *self._stay(page, following)]
            spent, request = 0.0, 1
            for order, action in enumerate(sorted(actions, key=_moment_of), start=1):
                if action.moment > 0.0:
                    request += 1
                    engaged = engaged or dwell * action.moment > 10
                yield Event(
                    name=action.name,
                    timestamp=clock + int(action.moment * dwell * SECOND),
                    location=location,
                    title=page.title,
                    referrer=referrer,
                    batch=(self.page_id, request, order if request == 1 else 1),
                    engaged=engaged,
                    logged_in=self.logged_in,
                    is_landing=place == 0,
                    engagement=int(engagement * (action.moment - spent)) if engagement and action.moment else None,
                    params=action.params,
                    items=action.items,
                    order=action.order,
                )
                spent = action.moment
            clock += int((dwell + self.dice.between(*_WAIT)) * SECOND)
            referrer = location
            self.category = page.category or self.category

    def _dwell(self, kind: K) -> float:
        """Seconds on a page: lognormal for people, two seconds for a bot; below the session timeout."""
        if self.persona.is_bot:
            return self.dice.between(*_BOT_DWELL)
        return min(self.dice.lognormal(_DWELL_SECONDS.get(kind, _DWELL_ELSEWHERE), _DWELL_SIGMA) + 1.0, _MAX_DWELL)

    def _page(self, kind: K) -> Page:
        if self.persona.is_bot and kind in self.crawled:
            return self._crawl(kind)
        if kind is K.PRODUCT:
            return self._product_page()
        if kind is K.BRAND and self.persona.product_choice == "brand":
            return self.shop.brand_pages[self.liked.brand]
        return self.dice.pick(self.shop.popular[kind])

    def _crawl(self, kind: K) -> Page:
        pages = self.shop.pages[kind]
        page = pages[self.crawled[kind] % len(pages)]
        self.crawled[kind] += 1
        return page

    def _product_page(self) -> Page:
        choice, shop, anywhere = self.persona.product_choice, self.shop, self.shop.popular[K.PRODUCT]
        if self.dice.chance(_ANY_PRODUCT):
            return self.dice.pick(anywhere)
        if choice == "owned":
            return shop.product_pages[self.liked.item_id]
        if choice == "sale":
            return self.dice.pick(shop.products_on_sale)
        if choice == "brand":
            return self.dice.pick(shop.products_by_brand[self.liked.brand])
        if choice == "intent":
            return self.dice.pick(shop.products_by_subcategory[self.liked.subcategory])
        return self.dice.pick(shop.products_by_category[self.category] if self.category else anywhere)

    def _location(self, page: Page, term: str | None, landing: Session | None) -> str:
        """The URL in the address bar, with the mess that real ones have."""
        path, query = page.path, {}
        if term is not None:
            query["q"] = term
        elif page.kind is K.CATEGORY and self.dice.chance(0.12):
            query["sort"] = "price_asc"
        elif page.kind is K.CONFIRMATION:
            query["order"] = self._transaction_id()
        if landing is not None and landing.channel.tagged:
            query |= {"utm_source": landing.channel.source, "utm_medium": landing.channel.medium}
            query |= {"utm_campaign": landing.channel.campaign or "(not set)"}
        if landing is not None and landing.click_id:
            query["gclid"] = landing.click_id
        if path != "/" and self.dice.chance(0.01):
            path += "/"
        return f"https://{self.shop.host}{path}" + (f"?{urlencode(query)}" if query else "")

    def _search_term(self) -> str:
        if self.persona.product_choice == "intent":
            return self.liked.subcategory.lower()
        return self.dice.pick(self.shop.searches)

    def _transaction_id(self) -> str:
        return f"NF-{self.index:07d}-{self.orders + 1}"

    def _arrival(self, page: Page, term: str | None, session_number: int | None) -> Iterator[Action]:
        """What is sent when a page opens; ``session_number`` is given on the first page of a session."""
        if session_number == 1:
            yield Action("first_visit")
        if session_number is not None:
            yield Action("session_start")
        yield Action("page_view", params={"entrances": 1} if session_number is not None else {})
        if page.product is not None:
            yield Action("view_item", params=_money(page.product.price), items=[Item(page.product)])
        elif term is not None:
            yield Action("view_search_results", params={"search_term": term})
        elif page.kind is K.CONFIRMATION:
            items, order = self._order()
            params = _money(order.revenue) | {"transaction_id": order.transaction_id, "shipping": order.shipping}
            yield Action("purchase", 0.0, params | ({"coupon": order.coupon} if order.coupon else {}), items, order)
        elif self.cart and page.kind in _CART_EVENTS:
            name, moment = _CART_EVENTS[page.kind]
            value = sum(item.product.price * item.quantity for item in self.cart)
            yield Action(name, moment, _money(value), tuple(self.cart))

    def _stay(self, page: Page, following: K | None) -> Iterator[Action]:
        """What happens while a page is open, some of it because of where the user goes next."""
        yield from self._look_over(page, following)
        if self.persona.is_bot:
            return
        if self.dice.chance(_SCROLLS.get(page.kind, _SCROLLS_ELSEWHERE)):
            yield Action("scroll", 0.5, {"percent_scrolled": 90})
        if page.product is not None and following is K.CART:
            added = Item(page.product, quantity=2 if self.dice.chance(0.15) else 1)
            self.cart.append(added)
            yield Action("add_to_cart", 0.8, _money(page.product.price * added.quantity), [added])
        if page.product is not None and following is K.WISHLIST:
            yield Action("add_to_wishlist", 0.8, _money(page.product.price), [Item(page.product)])
        if self.dice.chance(0.55):
            yield Action("user_engagement", 1.0)

    def _look_over(self, page: Page, following: K | None) -> Iterator[Action]:
        """Promotions and product lists, shown on some of the views."""
        if page.kind in (K.HOME, K.OUTLET, K.DEALS) and self.dice.chance(0.3):
            yield Action("view_promotion", params=_PROMOTION)
            if following in (K.OUTLET, K.DEALS):
                yield Action("select_promotion", 0.9, _PROMOTION)
        elif page.kind in (K.CATEGORY, K.BRAND, K.OUTLET) and self.dice.chance(0.4):
            listed = self._listed(page)
            params: Params = {"item_list_name": page.title.split(" | ")[0]}
            yield Action("view_item_list", params=params, items=listed)
            if following is K.PRODUCT and self.dice.chance(0.5):
                yield Action("select_item", 0.9, params, listed[:1])

    def _order(self) -> tuple[list[Item], Order]:
        uses_coupon = self.dice.chance(0.7 if self.persona.product_choice == "sale" else 0.1)
        coupon = _COUPONS[self.dice.integer(0, len(_COUPONS))] if uses_coupon else None
        factor = _COUPON_FACTOR if coupon else 1.0
        items = [
            Item(item.product, item.quantity, coupon=coupon, paid=round(item.product.price * factor, 2))
            for item in self.cart
        ]
        revenue = round(sum((item.paid or 0.0) * item.quantity for item in items), 2)
        order = Order(
            transaction_id=self._transaction_id(),
            revenue=revenue,
            shipping=0.0 if revenue >= _FREE_SHIPPING_FROM else _SHIPPING,
            tax=round(revenue * VAT / (1 + VAT), 2),
            coupon=coupon,
        )
        self.cart, self.orders, self.revenue = [], self.orders + 1, round(self.revenue + revenue, 2)
        return items, order

    def _listed(self, page: Page) -> list[Item]:
        if page.kind is K.BRAND:
            brand = next(name for name, own in self.shop.brand_pages.items() if own is page)
            table = self.shop.products_by_brand[brand]
        elif page.category:
            table = self.shop.products_by_category[page.category]
        else:
            table = self.shop.products_on_sale
        name = page.title.split(" | ")[0]
        first = self.dice.integer(0, max(1, len(table.values) - 3))
        listed = [shown.product for shown in table.values[first : first + 3]]
        return [Item(product, list_name=name, list_index=i) for i, product in enumerate(listed, start=1) if product]


def _moment_of(action: Action) -> float:
    return action.moment


def _money(value: float) -> dict[str, str | int | float]:
    return {"currency": "EUR", "value": round(value, 2)}
