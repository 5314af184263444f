"""Planted intent: journeys whose order alone says who will buy.

A user's first five page views are a stationary walk over four kinds of page: round the circle article, category,
product, comparison, with a step anywhere else now and then. Half the users saw the walk as it was drawn
(``researcher``: from reading towards comparing), half saw it backwards (``backtracker``). So whatever a set of page
views can say (which pages, how many of each, on which place on average) has the same distribution in both groups,
while each single step tells them apart. Who buys depends on the group and on nothing else.

The first visit goes on for a few pages in the same manner; half the users, of either group alike, come back once within
28 days. Who buys does so at the end of the last visit. So order tells who will buy, after five pages as well as in a
later week; who will return nobody can tell, but by whether and when they were last seen. The pages are a few of the
demo shop's, so that pairs of them recur.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.demo_shop.catalogue import Page, northfold
from beha2vec_core.demo_shop.catalogue import PageKind as K
from beha2vec_core.demo_shop.dice import Dice, Table
from tests.benchmarks.data_sets.base import COLUMNS

CIRCLE = (K.ARTICLE, K.CATEGORY, K.PRODUCT, K.COMPARE)
OPENING = 5  # page views before anything else happens
RESEARCHER, BACKTRACKER = "researcher", "backtracker"
_PAGES_A_KIND = 6
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_RETURN_WITHIN = 28  # days


@dataclass(frozen=True)
class Intent:
    """What is planted: how often a step leaves the circle's way, how likely each group buys, how many come back."""

    stray: float = 0.15
    researchers_buy: float = 0.85
    backtrackers_buy: float = 0.05
    returns: float = 0.5


def simulate_intent(
    users: int, seed: int, start: int, days: int, planted: Intent | None = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Draw the journeys.

    Args:
        users: how many.
        seed: a whole number from 0; user i is the same however many there are.
        start: the first moment, microseconds UTC.
        days: how many days all visits fall into, more than 29.
        planted: see `Intent`.

    Returns:
        Rows as `ga4_log.as_log` takes them, and each user's group by user_key.
    """
    planted = planted or Intent()
    shop = northfold()
    pages = {kind: Table(popular := shop.popular[kind].values[:_PAGES_A_KIND], [1.0] * len(popular)) for kind in CIRCLE}
    pages |= {kind: shop.popular[kind] for kind in (K.CART, K.CHECKOUT, K.CONFIRMATION)}
    rows: list[tuple[str, int, str, str, str, str]] = []
    groups: dict[str, str] = {}
    for index in range(users):
        dice = Dice(seed, index)
        user = f"{dice.integer(10**8, 2**31)}.{index:06d}"
        groups[user] = RESEARCHER if dice.chance(0.5) else BACKTRACKER
        first = start + int(dice.uniform() * (days - _RETURN_WITHIN - 1) * _DAY)
        gap = int(dice.between(1, _RETURN_WITHIN) * _DAY)
        for number, visit in enumerate(_visits(dice, groups[user] == RESEARCHER, planted)):
            clock = first + number * gap
            for name, kind in visit:
                if name == "page_view":
                    clock += int((2.0 + min(dice.lognormal(20.0, 0.9), 600.0)) * _SECOND)
                    page: Page = dice.pick(pages[kind])
                else:
                    clock += _SECOND
                rows.append((user, clock, name, shop.host + page.path, page.title, f"{user}/{number + 1}"))
    return pd.DataFrame(rows, columns=list(COLUMNS)), pd.Series(groups, name="group")


def _visits(dice: Dice, forward: bool, planted: Intent) -> list[list[tuple[str, K]]]:
    """Names of events and kinds of pages, in order, a list a visit."""
    way = 1 if forward else -1
    opening = _walk(dice, dice.integer(0, len(CIRCLE)), OPENING - 1, 1, planted)
    if not forward:
        opening.reverse()
    visits = [opening + _walk(dice, opening[-1], 1 + dice.integer(0, 6), way, planted)[1:]]
    if dice.chance(planted.returns):
        visits.append(_walk(dice, dice.integer(0, len(CIRCLE)), 1 + dice.integer(0, 5), way, planted))
    events = [[("page_view", CIRCLE[place]) for place in visit] for visit in visits]
    if dice.chance(planted.researchers_buy if forward else planted.backtrackers_buy):
        events[-1] += [("add_to_cart", CIRCLE[visits[-1][-1]]), ("page_view", K.CART)]
        events[-1] += [("page_view", K.CHECKOUT), ("begin_checkout", K.CHECKOUT)]
        events[-1] += [("page_view", K.CONFIRMATION), ("purchase", K.CONFIRMATION)]
    return events


def _walk(dice: Dice, place: int, steps: int, way: int, planted: Intent) -> list[int]:
    """Places on the circle, the given one first, then so many steps."""
    walk = [place]
    for _ in range(steps):
        walk.append(_step(dice, walk[-1], way, planted.stray))
    return walk


def _step(dice: Dice, place: int, way: int, stray: float) -> int:
    """The next place on the circle: one on, or, astray, any of the others (the way back among them)."""
    onward = (place + way) % len(CIRCLE)
    if not dice.chance(stray):
        return onward
    others = [other for other in range(len(CIRCLE)) if other not in (place, onward)]
    return others[dice.integer(0, len(others))]


def log_odds(kinds: list[K], planted: Intent | None = None) -> float:
    """What the order of an opening says: log odds of ``researcher``, the most any method can know of who buys."""
    stray = (planted or Intent()).stray
    places = [CIRCLE.index(kind) for kind in kinds]
    ways: npt.NDArray[np.int64] = np.diff(places) % len(CIRCLE)
    onward, astray = log(1 - stray), log(stray / (len(CIRCLE) - 2))
    forward = sum(onward if way == 1 else astray for way in ways)
    backward = sum(onward if way == len(CIRCLE) - 1 else astray for way in ways)
    return forward - backward
