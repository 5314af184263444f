"""Invented visits in which nothing differs but by chance, and users are alike in themselves: what is found is false.

Users differ in how often they come and how likely they buy, so their sessions are not independent; days differ, too.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from beha2vec_core.semantic.highlights.rows import Rows, Segments
from beha2vec_core.semantic.query import Period

LAST = date(2026, 6, 1)
RATES, TOTALS = ("conversion_rate", "engaged_rate"), ("sessions", "revenue")
# of users, of sessions, or of either
_DIMENSIONS = (
    ("device", 3, 1.0),
    ("source", 12, 1.0),
    ("channel", 6, 0.7),
    ("country", 15, 1.0),
    ("campaign", 20, 0.0),
)


def make_rows(
    seed: int,
    *,
    users: int = 1500,
    days: int = 168,
    bought: float = 0.02,
    grows: float = 1.0,
    phones_buy: float = 1.0,
) -> Rows:
    """Rows of sessions.

    Args:
        seed: of all chance.
        users: before those who came before the first day are left out.
        days: of the data.
        bought: share of sessions with an order.
        grows: how many times as many sessions ``source1`` has in the last 28 days: nothing else is planted.
        phones_buy: how many times as often sessions with ``device1`` have an order.
    """
    random = np.random.default_rng(seed)
    weight = random.lognormal(0, 1, users)
    user = np.repeat(np.arange(users), random.poisson(3 * weight / weight.mean()) + 1)
    busy = np.exp(random.normal(0, 0.2, days + 90))
    came = random.choice(days + 90, users, p=busy / busy.sum())
    age = came[user] - random.geometric(0.15, len(user)) + 1
    chosen = {}
    for name, values, of_users in _DIMENSIONS:
        share = [0.5, 0.35, 0.15] if name == "device" else random.dirichlet(np.full(values, 0.7))
        of_user = random.choice(values, users, p=share)[user]
        chosen[name] = np.where(random.random(len(user)) < of_users, of_user, random.choice(values, len(user), p=share))
    if grows > 1:
        more = np.flatnonzero((chosen["source"] == 1) & (age < 28))
        more = np.tile(more, round(grows) - 1)
        user = np.concatenate([user, users + np.arange(len(more))])  # new users
        users += len(more)
        age = np.concatenate([age, age[more]])
        chosen = {name: np.concatenate([values, values[more]]) for name, values in chosen.items()}
    kept = (age >= 0) & (age < days)
    user, age = user[kept].astype(np.int64), age[kept].astype(np.int64)
    chosen = {name: values[kept] for name, values in chosen.items()}
    buys = random.beta(2 * bought, 2 * (1 - bought), users)[user] * np.where(chosen["device"] == 1, phones_buy, 1.0)
    orders = (random.random(len(user)) < buys).astype(np.float64)
    engaged = (random.random(len(user)) < random.beta(1, 1, users)[user]).astype(np.float64)
    one = np.ones(len(user))
    return Rows(
        "sessions",
        Period(LAST - timedelta(days=days - 1), LAST),
        user,
        users,
        age,
        {
            name: Segments(name, [f"{name}{place}" for place in range(values)], chosen[name].astype(np.int64))
            for name, values, _ in _DIMENSIONS
        },
        {
            "conversion_rate": orders,
            "conversion_rate_n": one,
            "engaged_rate": engaged,
            "engaged_rate_n": one,
            "sessions": one,
            "revenue": orders * random.lognormal(4, 1, len(user)),
        },
    )
