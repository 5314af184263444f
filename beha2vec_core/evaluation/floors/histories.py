"""What methods read of a log: users in order, their page views, their sessions. Only input columns, never labels."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.dbt_vars import PAGE_VIEW_EVENTS
from beha2vec_core.evaluation.data import SESSION_GAP, inputs
from beha2vec_core.evaluation.methods import Target

IntArray = npt.NDArray[np.int64]


def ordered(events: pd.DataFrame) -> pd.DataFrame:
    """The input columns in order of user, then time; events of one moment stay in their order."""
    return inputs(events).sort_values(["user_key", "event_timestamp"], kind="stable", ignore_index=True)


def page_views(events: pd.DataFrame) -> pd.DataFrame:
    """The views of a known page, in order."""
    return ordered(events[are_views(events) & events["page"].notna()])


def are_views(events: pd.DataFrame) -> pd.Series:
    """Whether each event views a page or a screen: as dbt marks it where the data have all optional inputs."""
    known = inputs(events)
    return known["is_page_view"] if "is_page_view" in known else known["event_name"].isin(PAGE_VIEW_EVENTS)


def sessions(events: pd.DataFrame) -> IntArray:
    """The number, from 0, of each event's session among all of an ordered log.

    Another ``session_key`` than the event before begins one; without this column a pause of 30 minutes does.
    """
    time, user = events["event_timestamp"].to_numpy(), events["user_key"].to_numpy()
    starts = np.ones(len(events), dtype=bool)
    key = events["session_key"].to_numpy() if "session_key" in events else None
    starts[1:] = (user[1:] != user[:-1]) | (np.diff(time) > SESSION_GAP if key is None else key[1:] != key[:-1])
    numbers: IntArray = np.cumsum(starts) - 1
    return numbers


def histories(events: pd.DataFrame, target: Target) -> dict[str, list[str]]:
    """What each user did, oldest first, by user in sorted order: pages viewed, or names of all events."""
    rows = page_views(events) if target == "page" else ordered(events)
    found: dict[str, list[str]] = {user: [] for user in sorted(events["user_key"].unique())}
    for user, value in zip(rows["user_key"].tolist(), rows[target].tolist(), strict=True):
        found[user].append(value)
    return found
