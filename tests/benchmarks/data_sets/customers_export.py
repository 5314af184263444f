"""The visits of `customers` as a GA4 export of the demo shop: pages, funnel events, orders, channels and devices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from zoneinfo import ZoneInfo

from beha2vec_core.demo_shop.audience import CHANNELS, DIRECT, Channel, channel_of, device_of, place_of
from beha2vec_core.demo_shop.catalogue import Page, Shop, northfold
from beha2vec_core.demo_shop.catalogue import PageKind as K
from beha2vec_core.demo_shop.dice import Dice, Table
from beha2vec_core.demo_shop.export import FILE_PATTERN, DayFile, DemoSummary, write_visitor
from beha2vec_core.demo_shop.journeys import (
    SECOND,
    VAT,
    Action,
    Calendar,
    Item,
    Order,
    Session,
    Visitor,
    Walk,
    next_kind,
)
from beha2vec_core.demo_shop.personas import PERSONAS, Persona
from beha2vec_core.progress import with_progress
from tests.benchmarks.data_sets.customers import (
    CART,
    CHECKOUT,
    KINDS,
    NO_VISIT,
    PURCHASE,
    CustomerEdition,
    Customers,
    customers,
    in_campaign,
)

_PERSONAS = {persona.name: persona for persona in PERSONAS}
_FUNNEL = frozenset({K.CART, K.CHECKOUT, K.PAYMENT, K.CONFIRMATION})
_MOST_PAGES = 12
_PRICE_STEP, _PRICE_SIGMA = 0.1, 0.35  # of the logarithm of the prices of viewed products
_COMES_DIRECT = 0.5
_BY_CAMPAIGN = 0.45  # of the visits of the campaign week


def write_customers(edition: CustomerEdition, out: Path, *, progress: bool = True) -> DemoSummary:
    """Write an edition as ``out/events_YYYYMMDD.ndjson.gz``, and its traits as ``<out>_truth.parquet`` beside it.

    The form is that of ``beha2vec demo-data``: a few rows are doubled or arrive up to 3 days late. All events of a
    visit lie on its local day. The same edition gives the same rows in any process.

    Args:
        edition: what to write.
        out: a folder without an export; made if absent.
        progress: show a bar.

    Raises:
        FileExistsError: the folder holds an export.
    """
    if any(out.glob(FILE_PATTERN)):
        raise FileExistsError(f"{out} holds an export: choose an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    everyone = customers(edition)
    calendar = Calendar(edition.start, edition.days, ZoneInfo(edition.timezone))
    summary = DemoSummary(edition.users, edition.days, truth=out.parent / f"{out.name}_truth.parquet")
    everyone.table().to_parquet(summary.truth, index=False)
    files = [DayFile(out / f"events_{day:%Y%m%d}.ndjson.gz") for day in calendar.dates]
    shop = northfold()
    try:
        for index in with_progress(range(edition.users), title="customers", unit="user", shown=progress):
            dice = Dice(edition.seed, index)
            write_visitor(_visitor(everyone, index, shop, calendar, dice), calendar, dice, files, summary)
            summary.personas[KINDS[everyone.kind[index]].name] += 1
        summary.files = [file.path for file in files if file.finish()]
    finally:
        for file in files:
            file.discard()
    return summary


def _visitor(everyone: Customers, index: int, shop: Shop, calendar: Calendar, dice: Dice) -> Visitor:
    """One customer with the events of all visits."""
    persona = _PERSONAS[KINDS[everyone.kind[index]].persona]
    steps = everyone.steps[index].tolist()
    visits = [day for day, step in enumerate(steps) if step != NO_VISIT]
    starts = [calendar.moment(day, dice) for day in visits]
    tenure = int(everyone.tenure[index])
    visitor = Visitor(
        persona=persona,
        user_pseudo_id=str(everyone.user_pseudo_id[index]),
        user_id=f"C{1_000_000 + index}",
        consents=True,
        first_touch=starts[0] - tenure * 86_400 * SECOND,
        acquired_by=channel_of(persona, dice),
        device=device_of(persona, dice),
        place=place_of(persona, dice),
    )
    walk = _CustomerWalk(shop, persona, dice, index, float(everyone.order_value[index]))
    number = 2 + tenure // 20 if tenure else 1
    interest = sqrt(everyone.purchase_probability[index])
    signed = everyone.signed_up[index].tolist()
    for day, start in zip(visits, starts, strict=True):
        channel = visitor.acquired_by if number == 1 else _channel(everyone.edition, day, persona, dice)
        session = visitor.begin_session(start, number, channel, walk.revenue, dice)
        signs_up = signed[day + 1] and not signed[day]
        walk.begin(float(everyone.values[index, day]), signs_up)
        session.events.extend(walk.session(_kinds(persona, dice, steps[day], interest, signs_up), start, session))
        _keep_on_day(session, calendar.midnights[day + 1])
        number += 1
    return visitor


def _channel(edition: CustomerEdition, day: int, persona: Persona, dice: Dice) -> Channel:
    if in_campaign(edition, day) and dice.chance(_BY_CAMPAIGN):
        return dice.pick(CHANNELS["paid_social"])
    return DIRECT if dice.chance(_COMES_DIRECT) else channel_of(persona, dice)


def _kinds(persona: Persona, dice: Dice, step: int, interest: float, signs_up: bool) -> list[K]:
    """The kinds of the pages of a visit: some of the persona's, then the funnel as far as the visit gets."""
    pages = min(1 + int(dice.lognormal(0.6 + 4 * interest, 0.8)), _MOST_PAGES)
    kinds: list[K] = []
    for _ in range(pages):
        kind = next_kind(persona, dice, kinds[-1] if kinds else None)
        kinds.append(K.PRODUCT if kind in _FUNNEL else kind)
    if signs_up:
        kinds.append(K.LOGIN)
    if step >= CART:
        kinds += [K.PRODUCT, K.CART]
    if step >= CHECKOUT:
        kinds.append(K.CHECKOUT)
    if step == PURCHASE:
        kinds += [K.PAYMENT, K.CONFIRMATION]
    return kinds


def _keep_on_day(session: Session, midnight: int) -> None:
    """Move a session that would go on after midnight to an earlier hour."""
    late = max(0, 1 + (session.events[-1].timestamp - midnight) // SECOND)  # seconds
    session.session_id -= late
    for event in session.events:
        event.timestamp -= late * SECOND


class _CustomerWalk(Walk):
    """A walk whose products cost about what the customer spends, and whose orders have a given value."""

    def __init__(self, shop: Shop, persona: Persona, dice: Dice, index: int, order_value: float) -> None:
        super().__init__(shop, persona, dice, index)
        self._products = _priced(round(log(order_value) / _PRICE_STEP))
        self._value, self._signs_up = 0.0, False

    def begin(self, value: float, signs_up: bool) -> None:
        """A visit with an order of this value, if it gets so far; carts of earlier visits are empty."""
        self.cart.clear()
        self._value, self._signs_up = value, signs_up

    def _product_page(self) -> Page:
        return self.dice.pick(self._products)

    def _stay(self, page: Page, following: K | None) -> Iterator[Action]:
        yield from super()._stay(page, following)
        if page.kind is K.LOGIN and self._signs_up:
            self._signs_up = False
            yield Action("sign_up", 0.9, {"method": "email"})

    def _order(self) -> tuple[list[Item], Order]:
        """The cart, its prices scaled so that the order has its value."""
        listed = sum(item.product.price * item.quantity for item in self.cart)
        items = [replace(item, paid=round(item.product.price * self._value / listed, 2)) for item in self.cart]
        order = Order(
            self._transaction_id(), self._value, shipping=0.0, tax=round(self._value * VAT / (1 + VAT), 2), coupon=None
        )
        self.orders, self.revenue = self.orders + 1, round(self.revenue + self._value, 2)
        self.cart = []
        return items, order


@cache
def _priced(level: int) -> Table[Page]:
    """Product pages, weighted by how near their price is to ``exp(level * _PRICE_STEP)`` EUR."""
    pages = [page for page in northfold().pages[K.PRODUCT] if page.product is not None]
    distance = [log(page.product.price) - level * _PRICE_STEP for page in pages if page.product is not None]
    # never 0: the dearest product is for everyone who spends more
    return Table(pages, [1e-6 + exp(-0.5 * (far / _PRICE_SIGMA) ** 2) for far in distance])
