"""Invented users with their own rates, as rows of ``ga4.ml_ga4__user_features`` on weekly dates, with true chances."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FIRST = date(2026, 1, 5)
_WINDOWS = (1, 3, 7, 14, 28)
_HORIZONS = (7, 14, 28)
_LATE = 3
_LAST_DAYS = 40  # of the season, beyond the export


@cache
def world(users: int = 1200, weeks: int = 22, seed: int = 0, drop_after: int | None = None) -> pd.DataFrame:
    """Rows of all Mondays from the third on; from day ``drop_after`` on people come a quarter as often.

    Columns ``true_return_7``, ``true_purchase_28`` ... hold the probability given each user's own rates.
    """
    shop = _shop(users, weeks, seed, drop_after)
    days = weeks * 7
    return pd.concat([_rows(shop, day, days) for day in range(14, days + 1, 7)], ignore_index=True)


def events(users: int = 1200, weeks: int = 22, seed: int = 0) -> pd.DataFrame:
    """The events behind `world`, as ``ga4.int_ga4__sequence_events``: what users view shows how readily they buy."""
    shop = _shop(users, weeks, seed, None)
    rng = np.random.default_rng(seed + 1)
    user, day = np.repeat(np.stack(np.nonzero(shop["visits"])), 3, axis=1)
    place = np.tile(np.arange(3), len(user) // 3)
    section = np.argsort(np.argsort(shop["buys"])) * 5 // len(shop["buys"])
    own = rng.random(len(user)) < 0.95
    viewed = np.where(own, section[user], rng.integers(0, 5, len(user)))
    at = pd.Timestamp(FIRST) + pd.to_timedelta(day, "D") + pd.to_timedelta(10 * 3600 + 60 * place, "s")
    keys = [f"user{i:05d}" for i in user]
    return pd.DataFrame(
        {
            "property_id": "p",
            "client_key": keys,
            "event_date": (pd.Timestamp(FIRST) + pd.to_timedelta(day, "D")).date,
            "event_timestamp": at.as_unit("us").astype("int64"),
            "event_index": 1,
            "event_name": "page_view",
            "page_key": [f"shop.example/{s}/{n}" for s, n in zip(viewed, rng.integers(0, 4, len(user)), strict=True)],
            "page_title": None,
            "session_key": [f"{key}-{on}" for key, on in zip(keys, day, strict=True)],
            "is_page_view": True,
        }
    )


@cache
def _shop(users: int, weeks: int, seed: int, drop_after: int | None) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(seed)
    days = weeks * 7
    kind = rng.integers(0, 3, users)
    rate = rng.gamma(1.2, np.array([0.02, 0.06, 0.15])[kind] / 1.2)
    buys = 1 / (1 + np.exp(-(np.array([-3.0, -2.0, -1.3])[kind] + rng.normal(0, 0.6, users))))
    start = np.where(rng.random(users) < 0.5, 0, rng.integers(0, days, users))
    spend = np.exp(rng.normal(3.5, 0.5, users))
    season = np.ones(days + _LAST_DAYS)
    if drop_after is not None:
        season[drop_after:] = 0.25
    chance = np.clip(rate[:, None] * season[None, :], 0, 0.95)
    visits = (rng.random((users, days)) < chance[:, :days]) & (np.arange(days) >= start[:, None])
    visits[np.arange(users), start] = True
    purchases = visits & (rng.random((users, days)) < buys[:, None])
    carts = visits & ~purchases & (rng.random((users, days)) < 1.5 * buys[:, None])
    steps = np.where(purchases, 6, np.where(carts, 2, np.where(visits, rng.integers(0, 2, (users, days)), 0)))
    paid = np.where(purchases, spend[:, None] * np.exp(rng.normal(0, 0.3, (users, days))), 0.0)
    shop = {"visits": visits, "purchases": purchases, "steps": steps, "paid": paid, "kind": kind}
    return shop | {"chance": chance, "buys": buys}


def end(weeks: int = 22) -> date:
    """The day after the last exported one."""
    return FIRST + timedelta(days=weeks * 7)


def _rows(shop: dict[str, npt.NDArray[Any]], day: int, days: int) -> pd.DataFrame:
    first = max(0, day - 90)
    chance, buys = shop["chance"], shop["buys"]
    seen = np.flatnonzero(shop["visits"][:, first:day].any(axis=1))
    visits, steps = shop["visits"][seen, first:day], shop["steps"][seen, first:day]
    bought, paid = shop["purchases"][seen, :day], shop["paid"][seen, :day]
    recent = bought[:, first:].sum(axis=1)
    any_purchase = bought.any(axis=1)
    columns: dict[str, Any] = {
        "property_id": "p",
        "user_key": [f"user{i:05d}" for i in seen],
        "as_of": FIRST + timedelta(days=day),
        "sampling_weight": 1,
        "days_since_last_session": visits[:, ::-1].argmax(axis=1) + 1,
        "tenure_days": visits.shape[1] - visits.argmax(axis=1),
        "sessions": visits.sum(axis=1),
        "active_days": visits.sum(axis=1),
        "events": 4 * visits.sum(axis=1),
        "page_views": 3 * visits.sum(axis=1),
        "purchases_ever": bought.sum(axis=1),
        "purchase_days_ever": bought.sum(axis=1),
        "revenue_ever": paid.sum(axis=1),
        "average_order_value": np.where(recent > 0, paid[:, first:].sum(axis=1) / np.maximum(recent, 1), np.nan),
        "days_since_last_purchase": np.where(any_purchase, bought[:, ::-1].argmax(axis=1) + 1, np.nan),
        "days_since_first_purchase": np.where(any_purchase, day - bought.argmax(axis=1), np.nan),
        "engagement_time_msec": 1000,
        "page_views_per_session": 3.0,
        "engaged_session_share": 1.0,
        "error_page_views": 0,
        "weekend_day_share": 0.3,
        "deepest_funnel_step": steps.max(axis=1),
        "cart_sessions": (steps >= 2).sum(axis=1),
        "checkout_sessions": (steps >= 6).sum(axis=1),
        "abandoned_cart_sessions": (steps == 2).sum(axis=1),
        "devices": 1,
        "first_channel": np.array(["Direct", "Email", "Paid Search"])[shop["kind"][seen]],
        "device_category": "desktop",
        "browser": "Firefox",
        "country": "Austria",
    }
    columns["last_channel"] = columns["first_channel"]
    for window in _WINDOWS:
        columns[f"active_days_{window}d"] = visits[:, -window:].sum(axis=1)
        columns[f"page_views_{window}d"] = 3 * visits[:, -window:].sum(axis=1)
        columns[f"purchases_{window}d"] = bought[:, -window:].sum(axis=1)
        columns[f"funnel_step_{window}d"] = steps[:, -window:].max(axis=1)
    for horizon in _HORIZONS:
        known = day + horizon + _LATE <= days
        ahead = slice(day, day + horizon)
        unknown = [None] * len(seen)
        actions = [
            ",".join(name for name, did in (("add_to_cart", cart), ("begin_checkout", checkout)) if did)
            for cart, checkout in zip(
                (shop["steps"][seen, ahead] >= 2).any(axis=1),
                (shop["steps"][seen, ahead] >= 6).any(axis=1),
                strict=True,
            )
        ]
        columns |= {
            f"will_return_{horizon}d": pd.array(
                shop["visits"][seen, ahead].any(axis=1) if known else unknown, dtype="boolean"
            ),
            f"will_purchase_{horizon}d": pd.array(
                shop["purchases"][seen, ahead].any(axis=1) if known else unknown, dtype="boolean"
            ),
            f"revenue_{horizon}d": shop["paid"][seen, ahead].sum(axis=1) if known else np.nan,
            f"next_actions_{horizon}d": pd.array(actions if known else unknown, dtype="string"),
            f"true_return_{horizon}": 1 - np.prod(1 - chance[seen, ahead], axis=1),
            f"true_purchase_{horizon}": 1 - np.prod(1 - chance[seen, ahead] * buys[seen, None], axis=1),
        }
    return pd.DataFrame(columns)
