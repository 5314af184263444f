"""What tasks hand to a method, and what they take back from it."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.data import inputs
from beha2vec_core.evaluation.methods import Encodes, EncodesAsOf, Fitted, Method

Vectors = npt.NDArray[np.float32]

# a journey shorter than this has no halves
PAGES = 6


def users_of(events: pd.DataFrame) -> npt.NDArray[np.object_]:
    """The distinct users in sorted order: the rows of their vectors."""
    return np.array(sorted(events["user_key"].unique()), dtype=object)


def fit(method: Method, events: pd.DataFrame, seed: int) -> Fitted:
    """The method fitted on the columns it may read."""
    return method.fit(inputs(events).reset_index(drop=True), seed)


def encode(fitted: Encodes, events: pd.DataFrame, as_of: int | None = None) -> Vectors:
    """The users' vectors, from the columns a method may read; as of a moment, of methods that can tell the difference.

    Raises:
        ValueError: not one row a user, of one finite number or more.
    """
    given = inputs(events).reset_index(drop=True)
    if as_of is not None and isinstance(fitted, EncodesAsOf):
        vectors = np.asarray(fitted.encode_as_of(given, as_of), dtype=np.float32)
    else:
        vectors = np.asarray(fitted.encode(given), dtype=np.float32)
    users = events["user_key"].nunique()
    if vectors.ndim != 2 or len(vectors) != users or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise ValueError(f"{users} users became vectors of shape {vectors.shape}, or of numbers that are not finite")
    return vectors


def halves(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first and the second half of the events of users with six page views or more, cut at the middle page view.

    Events of the very instant of the cut belong to the second half. Time restarts in each half, at one moment for
    all users: a calendar date must not reveal that two halves belong together.
    """
    users = events["user_key"]
    seen = events.groupby("user_key")["is_page_view"].cumsum()
    views = events.groupby("user_key")["is_page_view"].transform("sum")
    cut = events[events["is_page_view"] & (seen == views // 2 + 1) & (views >= PAGES)]
    moment = users.map(cut.set_index("user_key")["event_timestamp"])
    first, second = events[events["event_timestamp"] < moment], events[events["event_timestamp"] >= moment]
    both = set(first["user_key"]) & set(second["user_key"])
    return _restarted(first, both), _restarted(second, both)


def _restarted(half: pd.DataFrame, users: set[str]) -> pd.DataFrame:
    half = half[half["user_key"].isin(users)]
    started = half.groupby("user_key")["event_timestamp"].transform("min")
    origin = half["event_timestamp"].min()
    return half.assign(event_timestamp=half["event_timestamp"] - started + origin)
