"""Customers of the demo shop with a known future: who visits, who buys, for how much, and how likely that was.

A customer makes at most one visit a local day. Whether they do, how far they get (browse, cart, checkout, purchase) and
whether they sign up depends on fixed traits and on a state with three parts: whether they have signed up, whether a
cart is open, and how long ago the last purchase was. So a day is one step of a Markov chain, and the probability of
what a customer does within some days is the chain's own, computed day by day (see `truth`): nothing is sampled.

What is planted:

- Five kinds of customers (`KINDS`) with gamma distributed visit rates, logit-normal purchase probabilities and
  log-normal order values around a personal mean. Interest fades by a half-life, never to nothing.
- Regular customers visit and buy more when their interval since the last purchase has passed.
- A cart left open raises visits and purchases until it is bought or forgotten (each night with probability 0.2).
- Weekdays, the time of the year and one campaign week raise or lower visits.
- Signing up multiplies the probability that a later visit becomes a purchase by `CustomerEdition.uplift`. Who
  signs up is confounded: customers who buy often sign up often, so signed-up customers bought more before as well.

``customers_export`` writes the visits as a GA4 export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import lru_cache
from math import cos, pi
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, gammaincinv, logit, ndtri

from beha2vec_core.demo_shop import journeys

# how far a visit gets
NO_VISIT, BROWSE, CART, CHECKOUT, PURCHASE = range(5)
STEP_OF = {"return": BROWSE, "add_to_cart": CART, "begin_checkout": CHECKOUT, "purchase": PURCHASE}
TARGETS = tuple(STEP_OF)
# why a customer signed up
BY_CHANCE, BY_INTENT = "chance", "intent"

_CART_POWER, _CHECKOUT_POWER = 0.65, 0.82  # of the purchase probability of a visit
_OPEN_CART_VISITS, _OPEN_CART_BUYS, _CART_FORGOTTEN = 2.0, 2.0, 0.2
_DUE_VISITS, _DUE_BUYS, _DUE_WIDTH = (0.8, 0.5), (0.5, 1.0), 0.15  # (before, more once due), share of the interval
_MOST_LIKELY = 0.9
_RATE_FLOOR = 0.02
_SIGN_UP_BY_CHANCE, _SIGN_UP_BY_INTENT, _SIGN_UP_MOST = 0.015, 1.2, 0.3
_CAMPAIGN_DAYS, _CAMPAIGN_VISITS = 7, 1.8
_YEARLY, _YEARLY_PEAK = 0.12, 345  # more visits in December, fewer in June
_ORDER_VALUE, _ORDER_VALUES_DIFFER, _ORDER_SIGMA = 70.0, 0.55, 0.45  # EUR
_TRAITS, _DRAWS_A_DAY = 9, 5
_BLOCK = 2_000
_NEVER = (np.inf, np.inf)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
State = npt.NDArray[Any]  # flags or days that broadcast against [users]


@dataclass(frozen=True)
class CustomerEdition:
    """How one data set of customers is made.

    Attributes:
        users: how many; user i is the same however many there are.
        days: how many local days the export covers.
        seed: a whole number from 0.
        start: the first day.
        timezone: the property's time zone, an IANA name.
        campaign: first day of the campaign week.
        uplift: factor on the purchase probability of visits on days after the sign-up.
    """

    users: int
    days: int
    seed: int
    start: date
    timezone: str
    campaign: date
    uplift: float


CUSTOMERS = CustomerEdition(
    users=20_000,
    days=182,
    seed=24,
    start=date(2025, 9, 1),
    timezone="Europe/Berlin",
    campaign=date(2025, 11, 24),
    uplift=1.5,
)


@dataclass(frozen=True)
class Kind:
    """One kind of customers.

    Attributes:
        name: what the truth file calls it.
        share: share of the customers.
        persona: the demo shop's persona whose pages, devices and channels they have.
        visits: mean visits a day at first.
        spread: shape of the gamma distribution of visit rates; smaller differs more.
        half_life: days in which interest halves.
        buys: median probability that a visit becomes a purchase.
        seen_before: share who were customers before the export begins.
        intervals: shortest and longest days between purchases of regular customers.
    """

    name: str
    share: float
    persona: str
    visits: float
    spread: float
    half_life: float
    buys: float
    seen_before: float
    intervals: tuple[float, float] | None = None


KINDS = (
    Kind("passer_by", 0.40, "window_shopper", 0.03, 8.0, 28.0, 0.012, 0.05),
    Kind("browser", 0.22, "blog_reader", 0.045, 8.0, 400.0, 0.012, 0.4),
    Kind("loyal", 0.12, "brand_fan", 0.07, 8.0, 600.0, 0.06, 0.6),
    Kind("regular", 0.10, "returning_customer", 0.08, 8.0, 600.0, 0.08, 0.6, (25.0, 40.0)),
    Kind("lapsing", 0.16, "buyer_with_intent", 0.11, 8.0, 42.0, 0.04, 0.4),
)
_BUYS_DIFFER = 0.25  # standard deviation of the logit


@dataclass(frozen=True, eq=False)
class Traits:
    """Fixed traits of some customers, arrays [users], and the chances of one day that follow from them.

    States are arrays that broadcast against [users]: whether signed up, whether a cart is open, the day of the last
    purchase. Days count from the export's first.

    Attributes:
        edition: how they are made.
        first_day: number of the day of the first visit in the export.
        tenure: days since the customer's very first visit on ``first_day``; 0 for new customers.
        visit_rate: visits a day when interest was fresh.
        half_life: days in which interest halves.
        purchase_probability: of a visit, before all factors.
        interval: days between purchases of regular customers, infinite for others.
        order_value: mean order value, EUR.
        sign_up_probability: of a visit of a customer who has not signed up.
    """

    edition: CustomerEdition
    first_day: Numbers
    tenure: Floats
    visit_rate: Floats
    half_life: Floats
    purchase_probability: Floats
    interval: Floats
    order_value: Floats
    sign_up_probability: Floats

    def of(self, users: Numbers) -> Traits:
        """The traits of some of the customers, by their numbers."""
        _, *arrays = (field.name for field in fields(Traits))
        return Traits(self.edition, *(getattr(self, name)[users] for name in arrays))

    def visit(self, day: int, open_cart: State, last_purchase: State) -> Floats:
        """Probability of a visit on a day."""
        faded = np.exp2(-(day - self.first_day + self.tenure) / self.half_life)
        rate = self.visit_rate * (_RATE_FLOOR + (1 - _RATE_FLOOR) * faded) * season(self.edition, day)
        rate = rate * np.where(open_cart, _OPEN_CART_VISITS, 1.0) * self._due(day, last_purchase, _DUE_VISITS)
        return np.asarray(-np.expm1(-rate))

    def purchase(self, day: int, signed_up: State, open_cart: State, last_purchase: State) -> Floats:
        """Probability that a visit on a day becomes a purchase."""
        factor = np.where(signed_up, self.edition.uplift, 1.0) * np.where(open_cart, _OPEN_CART_BUYS, 1.0)
        chance = self.purchase_probability * factor * self._due(day, last_purchase, _DUE_BUYS)
        return np.asarray(np.minimum(chance, _MOST_LIKELY))

    def _due(self, day: int, last_purchase: State, factors: tuple[float, float]) -> Floats:
        """Factor of regular customers: the first one after a purchase, plus the second once the interval passed."""
        regular = np.isfinite(self.interval)
        interval = np.where(regular, self.interval, 1.0)
        due = expit((day - last_purchase - interval) / (_DUE_WIDTH * interval))
        return np.where(regular, factors[0] + factors[1] * due, 1.0)


@dataclass(frozen=True, eq=False)
class Customers(Traits):
    """All customers of an edition: fixed traits, states and visits. Arrays are [users] or [users, days].

    Attributes:
        user_pseudo_id: GA4's identifier.
        kind: index into `KINDS`.
        steps: how far the visit of a day got, `NO_VISIT` to `PURCHASE`.
        values: order value on days with a purchase, else 0; EUR.
        signed_up: [users, days + 1] whether signed up before the day begins.
        open_cart: [users, days + 1] whether a cart is open when the day begins.
        last_purchase: [users, days + 1] day of the last purchase before the day; negative before the export.
        by_intent: whether the sign-up, if any, is due to intent.
    """

    user_pseudo_id: npt.NDArray[np.str_]
    kind: Numbers
    steps: npt.NDArray[np.int8]
    values: Floats
    signed_up: Flags
    open_cart: Flags
    last_purchase: npt.NDArray[np.int32]
    by_intent: Flags

    def table(self) -> pd.DataFrame:
        """The traits, one row a customer, as the truth file has them; ``signed_up_on`` is null without a sign-up."""
        signs_up = self.signed_up[:, -1]
        days = self.signed_up.argmax(axis=1) - 1
        start = self.edition.start
        return pd.DataFrame(
            {
                "user_pseudo_id": self.user_pseudo_id,
                "kind": [KINDS[kind].name for kind in self.kind],
                "first_visit_on": [start + timedelta(days=int(day)) for day in self.first_day],
                "visits_a_day": self.visit_rate,
                "half_life_days": self.half_life,
                "purchase_probability": self.purchase_probability,
                "interval_days": np.where(np.isfinite(self.interval), self.interval, np.nan),
                "order_value": self.order_value,
                "sign_up_probability": self.sign_up_probability,
                "signed_up_on": [
                    start + timedelta(days=int(day)) if done else None for day, done in zip(days, signs_up, strict=True)
                ],
                "sign_up_reason": [
                    (BY_INTENT if intended else BY_CHANCE) if done else None
                    for intended, done in zip(self.by_intent, signs_up, strict=True)
                ],
                "uplift": self.edition.uplift,
            }
        )


def season(edition: CustomerEdition, day: int) -> float:
    """Factor on all visit rates of a day: weekday, time of the year, campaign."""
    today = edition.start + timedelta(days=day)
    yearly = 1 + _YEARLY * cos(2 * pi * (today.timetuple().tm_yday - _YEARLY_PEAK) / 365.25)
    campaign = _CAMPAIGN_VISITS if in_campaign(edition, day) else 1.0
    return journeys._WEEKDAY_WEIGHTS[today.weekday()] * yearly * campaign


def in_campaign(edition: CustomerEdition, day: int) -> bool:
    """Whether a day (number from the first one) lies in the campaign week."""
    return 0 <= day - (edition.campaign - edition.start).days < _CAMPAIGN_DAYS


@lru_cache(maxsize=2)
def customers(edition: CustomerEdition) -> Customers:
    """All customers of an edition, the same in any process. 20,000 over 182 days take some seconds.

    Raises:
        ValueError: there are no users or fewer than 2 days.
    """
    if edition.users < 1 or edition.days < 2:
        raise ValueError("an edition of customers needs at least 1 user and 2 days")
    blocks = [_block(edition, first, min(first + _BLOCK, edition.users)) for first in range(0, edition.users, _BLOCK)]
    names = blocks[0].keys()
    return Customers(edition, **{name: np.concatenate([block[name] for block in blocks]) for name in names})


def _block(edition: CustomerEdition, first: int, end: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of `Customers` for users ``first`` to ``end - 1``."""
    days, users = edition.days, end - first
    draws = np.stack([_draws(edition, index) for index in range(first, end)])
    trait, daily = draws[:, :_TRAITS].T, draws[:, _TRAITS:].reshape(users, days, _DRAWS_A_DAY)

    kind = np.searchsorted(np.cumsum([kind.share for kind in KINDS])[:-1], trait[0], side="right")
    by_kind: Floats = np.array(
        [
            (kind.visits, kind.spread, kind.half_life, kind.buys, kind.seen_before, *(kind.intervals or _NEVER))
            for kind in KINDS
        ]
    )
    visits, spread, half_life, buys, seen_before, shortest, longest = by_kind[kind].T
    regular = np.isfinite(longest)
    visit_rate = visits * gammaincinv(spread, trait[1]) / spread
    purchase_probability = expit(logit(buys) + _BUYS_DIFFER * ndtri(trait[2]))
    before = trait[3] < seen_before
    # customers from before come back by their own rate; the others begin evenly over the export
    rate = np.maximum(visit_rate, 1e-3)
    again = -np.log1p(trait[4] * np.expm1(-rate * days)) / rate
    first_day = np.minimum(np.where(before, again, trait[4] * days), days - 1).astype(np.int64)
    tenure = np.where(before, first_day + np.floor(180 * trait[5]), 0.0)
    interval = np.where(regular, (1 - trait[6]) * shortest + trait[6] * longest, np.inf)
    since = np.floor(np.where(regular, interval, 30.0) * trait[7])
    order_value = _ORDER_VALUE * np.exp(_ORDER_VALUES_DIFFER * ndtri(trait[8]))
    by_intent_probability = np.minimum(_SIGN_UP_BY_INTENT * purchase_probability, _SIGN_UP_MOST)
    sign_up_probability = _SIGN_UP_BY_CHANCE + by_intent_probability

    traits = Traits(
        edition,
        first_day,
        tenure,
        visit_rate,
        half_life,
        purchase_probability,
        interval,
        order_value,
        sign_up_probability,
    )
    signed_up, open_cart = np.zeros((users, days + 1), bool), np.zeros((users, days + 1), bool)
    last_purchase = np.repeat((first_day - since).astype(np.int32)[:, None], days + 1, axis=1)
    steps, by_intent = np.zeros((users, days), np.int8), np.zeros(users, bool)
    for day in range(days):
        comes, gets, signs, forgets = daily[:, day, :4].T
        signed, open_before, last = signed_up[:, day], open_cart[:, day], last_purchase[:, day]
        visited = (first_day < day) & (comes < traits.visit(day, open_before, last)) | (first_day == day)
        buys_now = traits.purchase(day, signed, open_before, last)
        step = 1 + (gets < buys_now**_CART_POWER) + (gets < buys_now**_CHECKOUT_POWER) + (gets < buys_now)
        steps[:, day] = np.where(visited, step, NO_VISIT)
        signs_now = visited & ~signed & (signs < sign_up_probability)
        by_intent |= signs_now & (signs < by_intent_probability)
        opened = np.where(steps[:, day] >= CART, steps[:, day] < PURCHASE, open_before)
        signed_up[:, day + 1] = signed | signs_now
        open_cart[:, day + 1] = opened & (forgets >= _CART_FORGOTTEN)
        last_purchase[:, day + 1] = np.where(steps[:, day] == PURCHASE, day, last)
    spent = order_value[:, None] * np.exp(_ORDER_SIGMA * ndtri(daily[:, :, 4]) - _ORDER_SIGMA**2 / 2)
    return {
        **{name: array for name, array in vars(traits).items() if name != "edition"},
        "user_pseudo_id": np.array([_identifier(edition, index) for index in range(first, end)]),
        "kind": kind,
        "steps": steps,
        "values": np.where(steps == PURCHASE, np.maximum(spent.round(2), 1.0), 0.0),
        "signed_up": signed_up,
        "open_cart": open_cart,
        "last_purchase": last_purchase,
        "by_intent": by_intent,
    }


def _draws(edition: CustomerEdition, index: int) -> Floats:
    """The uniform numbers of one user, apart from those of the user's `Dice`."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(edition.seed, spawn_key=(index, 1))))
    return np.clip(generator.random(_TRAITS + _DRAWS_A_DAY * edition.days), 1e-12, None)


def _identifier(edition: CustomerEdition, index: int) -> str:
    return f"{10**9 + (index * 7919 + edition.seed * 104_729) % 10**9}.{index:010d}"


def truth(
    edition: CustomerEdition,
    as_of: date,
    horizons: Sequence[int] = (7, 14, 28),
    *,
    signed_up: bool | None = None,
) -> pd.DataFrame:
    """The exact probability of each customer's actions in the days from ``as_of``, given the state at its midnight.

    The state after each day is a distribution over signed up or not, cart open or not, and (for the revenue of
    regular customers) the day of the last purchase. It is carried forward a day at a time; what has done the
    target's action is taken out, so what is left after h days is 1 - probability.

    Args:
        edition: whose customers.
        as_of: midnight in the property's time zone at which the horizon begins; from the second day of the export to
            the day after its last. The horizon may lie behind the export.
        horizons: in days, ascending.
        signed_up: pretend that all customers have, or have not, signed up before ``as_of``; None: as it was. The
            difference of the two is the true effect of the sign-up.

    Returns:
        One row a customer with a visit before ``as_of``, target and horizon: ``user_pseudo_id``, ``target`` (one of
        `TARGETS`), ``horizon``, ``probability`` of at least one such event in [as_of, as_of + horizon), and
        ``expected_revenue`` (EUR) of that time on rows of the target purchase, null on others.

    Raises:
        ValueError: ``as_of`` lies outside, or a horizon is not positive.
    """
    day = (as_of - edition.start).days
    if not 1 <= day <= edition.days:
        last = edition.start + timedelta(days=edition.days)
        raise ValueError(f"as_of is {as_of}: choose a day after {edition.start}, up to {last}")
    if not horizons or min(horizons) < 1:
        raise ValueError("horizons must be positive numbers of days")
    everyone = customers(edition)
    seen = np.flatnonzero(everyone.first_day < day)
    probability = np.empty((len(TARGETS), len(horizons), len(seen)))
    revenue = np.empty((len(horizons), len(seen)))
    for is_regular in (False, True):
        group = np.flatnonzero(np.isfinite(everyone.interval[seen]) == is_regular)
        forward = _Forward(everyone, seen[group], day, max(horizons), signed_up, follow_purchases=is_regular)
        for place, target in enumerate(TARGETS):
            done, _ = forward.run(stop_at=STEP_OF[target])
            probability[place][:, group] = done[np.array(horizons) - 1]
        _, bought = forward.run(stop_at=None)
        revenue[:, group] = bought[np.array(horizons) - 1] * everyone.order_value[seen[group]]
    size = (len(TARGETS), len(horizons), len(seen))
    targets, spans, users = (index.ravel() for index in np.indices(size))
    is_purchase = targets == TARGETS.index("purchase")
    return pd.DataFrame(
        {
            "user_pseudo_id": everyone.user_pseudo_id[seen][users],
            "target": np.array(TARGETS)[targets],
            "horizon": np.array(horizons)[spans],
            "probability": probability.ravel(),
            "expected_revenue": np.where(is_purchase, revenue[spans, users], np.nan),
        }
    )


class _Forward:
    """Carries the distribution over states of some customers forward from a day.

    The mass has the axes [signed up, cart open, last purchase, users]. Along the third axis 0 is the last purchase
    before the first day, j a purchase on the j-th day since; it has length 1 where the last purchase does not matter.
    """

    def __init__(
        self,
        everyone: Customers,
        users: Numbers,
        day: int,
        days: int,
        signed_up: bool | None,
        *,
        follow_purchases: bool,
    ) -> None:
        self._traits = everyone.of(users)
        self._day, self._days, self._follow = day, days, follow_purchases
        self._signed = everyone.signed_up[users, day] if signed_up is None else np.full(len(users), signed_up)
        self._open = everyone.open_cart[users, day]
        self._last = everyone.last_purchase[users, day]

    def run(self, stop_at: int | None) -> tuple[Floats, Floats]:
        """Probability that a visit has got to ``stop_at``, and expected purchases, by the end of each day.

        Both are [days, users].
        With ``stop_at`` customers who got there are taken out; with None all go on.
        """
        users = len(self._signed)
        places = self._days + 1 if self._follow and stop_at is None else 1
        last = np.repeat(self._last[None].astype(np.int64), places, axis=0)
        last[1:] = (self._day + np.arange(places - 1))[:, None]
        mass = np.zeros((2, 2, places, users))
        mass[self._signed.astype(int), self._open.astype(int), 0, np.arange(users)] = 1.0
        signed, opened = np.arange(2)[:, None, None, None], np.arange(2)[:, None, None]
        done, bought = np.empty((self._days, users)), np.zeros((self._days, users))
        for step in range(self._days):
            day = self._day + step
            chance = self._traits.visit(day, opened, last)
            buys = self._traits.purchase(day, signed, opened, last)
            came = mass * chance
            reached = {
                BROWSE: came,
                CART: came * buys**_CART_POWER,
                CHECKOUT: came * buys**_CHECKOUT_POWER,
                PURCHASE: came * buys,
            }
            buying = self._after_visit(reached[PURCHASE])
            bought[step] = (bought[step - 1] if step else 0.0) + buying.sum(axis=(0, 1, 2))
            end = PURCHASE if stop_at is None else stop_at
            mass = mass - came
            if end > BROWSE:
                mass += self._after_visit(reached[BROWSE] - reached[CART])
            if end > CART:
                mass[:, 1] += self._after_visit(reached[CART] - reached[end]).sum(axis=1)
            if stop_at is None:
                mass[:, 0, step + 1 if places > 1 else 0] += buying.sum(axis=(1, 2))
            forgotten = mass[:, 1] * _CART_FORGOTTEN
            mass[:, 0] += forgotten
            mass[:, 1] -= forgotten
            done[step] = 1 - mass.sum(axis=(0, 1, 2))
        return done, bought

    def _after_visit(self, mass: Floats) -> Floats:
        """The mass after a visit, at which some sign up."""
        signing = mass[0] * self._traits.sign_up_probability
        return np.stack([mass[0] - signing, mass[1] + signing])
