"""The splits of the benchmarks: fixed by hash of the user, the same in any process and for every method."""

from __future__ import annotations

import numpy as np
import pandas as pd

from beha2vec_core.evaluation.splits import DAY, Split, user_hash

REPEATS = 20
FIT_SHARE = 0.7
HORIZONS = (7, 14, 28)


def is_locked(users: pd.Series) -> pd.Series:
    """Whether each user belongs to the locked fifth, which nobody tunes on."""
    return users.map({user: user_hash(user) % 5 == 0 for user in users.unique()}).astype(bool)


def repeated_splits(events: pd.DataFrame, repeats: int = REPEATS) -> list[Split]:
    """Seventy to thirty splits of the users that are not locked."""
    tuning = events[~is_locked(events["user_key"])]
    users = tuning["user_key"].unique()
    splits = []
    for repeat in range(repeats):
        fitted = {user for user in users if user_hash(user, f"repeat {repeat}") % 1000 < FIT_SHARE * 1000}
        chosen = tuning["user_key"].isin(fitted)
        splits.append(Split("tuning", repeat, tuning[chosen], tuning[~chosen]))
    return splits


def locked_split(events: pd.DataFrame, repeat: int = 0) -> Split:
    """Fit on all that are not locked, judge the locked fifth: for the final table only."""
    locked = is_locked(events["user_key"])
    return Split("locked", repeat, events[~locked], events[locked])


def reaches_back(events: pd.DataFrame) -> bool:
    """Whether the events span twice the longest horizon, as a split in time needs."""
    moments = events["event_timestamp"]
    return int(moments.max()) + 1 - int(moments.min()) >= 2 * max(HORIZONS) * DAY


def temporal_split(events: pd.DataFrame, *, locked: bool = False, repeat: int = 0) -> Split:
    """Fit on what happened before T, the longest horizon before the end; judge users of the tuning part or the locked.

    Raises ValueError where the events do not reach back twice the longest horizon.
    """
    end = int(events["event_timestamp"].max()) + 1
    cut = end - max(HORIZONS) * DAY
    if not reaches_back(events):
        raise ValueError(f"a temporal split needs {2 * max(HORIZONS)} days of events")
    held = is_locked(events["user_key"])
    before = events["event_timestamp"].to_numpy() < cut
    seen = events.loc[before, "user_key"].unique()
    judged = events[(held if locked else ~held) & events["user_key"].isin(seen)]
    return Split(
        "temporal, locked" if locked else "temporal", repeat, events[np.logical_and(~held, before)], judged, cut
    )
