"""What is predicted: a target's outcome in each interval between horizons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from beha2vec_core.dbt_vars import LATE_EVENT_DAYS
from beha2vec_core.predictions.arrays import BoolArray, FloatArray
from beha2vec_core.store.sql import quote

HORIZONS = (7, 14, 28)
PURCHASE, RETURN = "purchase", "return"
# a target, and another that users who reach it pass in most shops; users who do anything return, in every shop
_PASSED = {PURCHASE: "begin_checkout"}
_LEAST_PASSED = 0.99  # share of the known outcomes; in some exports purchases have no checkout before them
# columns that hold what users did
LABELS = tuple(
    f"{label}_{days}d" for days in HORIZONS for label in ("will_return", "will_purchase", "revenue", "next_actions")
)


@dataclass(frozen=True)
class Outcome:
    """A target's outcome of n users within each horizon."""

    happened: BoolArray  # [n, h] whether it happened within the horizon; false where it is not known
    known: BoolArray  # [n, h] whether that is known


def outcome(frame: pd.DataFrame, target: str, horizons: Sequence[int], standing: date | None = None) -> Outcome:
    """The outcome of a target.

    Args:
        target: ``purchase``, ``return`` or an event of the var predicted_events.
        horizons: days, ascending.
        standing: the day on which it is asked: horizons that had not matured by then are not known. None: as labelled.
    """
    as_of = pd.to_datetime(frame["as_of"])
    happened, known = [], []
    for days in horizons:
        if target in (PURCHASE, RETURN):
            label = frame[f"will_{target}_{days}d"].astype("boolean")
        else:
            names = frame[f"next_actions_{days}d"].astype("string")
            label = (("," + names + ",").str.contains(f",{target},", regex=False)).astype("boolean")
        matured = label.notna().to_numpy(dtype=bool)
        if standing is not None:
            matured = matured & (as_of <= pd.Timestamp(standing - timedelta(days=days + LATE_EVENT_DAYS))).to_numpy()
        known.append(matured)
        happened.append(label.fillna(False).to_numpy(dtype=bool) & matured)
    return Outcome(np.stack(happened, axis=1), np.stack(known, axis=1))


def happened_sql(target: str) -> str:
    """SQL of ``ga4.ml_ga4__user_features``: whether a target's outcome is known to have happened in any horizon."""
    if target in (PURCHASE, RETURN):
        labels = [f"will_{target}_{days}d" for days in HORIZONS]
    else:
        labels = [f"list_contains(string_split(next_actions_{days}d, ','), {quote(target)})" for days in HORIZONS]
    return " or ".join(f"coalesce({label}, false)" for label in labels)


def passed(
    frame: pd.DataFrame,
    targets: Sequence[str],
    horizons: Sequence[int],
    standing: date,
    weight: FloatArray,
) -> tuple[tuple[str, str], ...]:
    """Pairs of targets in which 99% of the known outcomes that reach the first one also reach the second one.

    Without such outcomes, as in an export without purchases, nothing is known of a pair.

    Args:
        horizons: days, ascending.
        weight: how many rows each row stands for [n].
    """
    found = []
    for target, other in _PASSED.items():
        if target in targets and other in targets:
            reached, on_the_way = (
                outcome(frame, name, horizons, standing).happened * weight[:, None] for name in (target, other)
            )
            if reached.any() and np.minimum(reached, on_the_way).sum() >= _LEAST_PASSED * reached.sum():
                found.append((target, other))
    return tuple(found)


def last_matured(dates: Sequence[date], standing: date, days: int) -> date | None:
    """The last date of which a horizon had matured on a day; None: there is none."""
    fit = [one for one in dates if one + timedelta(days=days + LATE_EVENT_DAYS) <= standing]
    return max(fit, default=None)
