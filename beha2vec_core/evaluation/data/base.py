"""What every data set looks like to tasks and methods."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from beha2vec_core.evaluation.splits import reaches_back, user_hash
from beha2vec_core.events.sequences import OPTIONAL_INPUTS

SESSION_GAP = 30 * 60 * 1_000_000  # microseconds without event that end a session
# what a method may read: the encoder's input
INPUT_COLUMNS = ("user_key", "event_timestamp", "event_name", "page", "theme", "page_type")
# what only tasks read: labels are made of them
TASK_COLUMNS = ("session", "section", "is_page_view", "is_conversion", "is_purchase")


def inputs(events: pd.DataFrame) -> pd.DataFrame:
    """The columns that a method may read; with the encoder's optional inputs where the data have all of them."""
    optional = OPTIONAL_INPUTS if set(OPTIONAL_INPUTS) <= set(events) else ()
    return events[[name for name in (*INPUT_COLUMNS, *optional) if name in events]]


@dataclass(frozen=True)
class EvaluationData:
    """A log of events with what is known about its users.

    Attributes:
        name: what the table calls it.
        about: one sentence: origin, sizes, what it can and cannot tell.
        events: one row an event, in order of ``user_key``, then time. Columns: ``user_key`` (str), ``event_timestamp``
            (int64, microseconds UTC), ``event_name`` (str), ``page`` (str or None), ``theme`` and ``page_type`` (str),
            ``session`` (str), ``section`` (str: the page's first path level), ``is_page_view``, ``is_conversion``
            (cart, checkout or purchase) and ``is_purchase`` (bool); from a warehouse also ``event_index`` (int) and
            ``session_key`` (str).
        personas: the planted persona by user_key, where there is one.
        oracle: the persona that the true generator, seeing only the user's events, holds likeliest, by user_key. What
            it gets wrong no method can know.
        temporal: whether users come back, so that a split in time can be judged.
    """

    name: str
    about: str
    events: pd.DataFrame = field(repr=False)
    personas: pd.Series | None = field(default=None, repr=False)
    oracle: pd.Series | None = field(default=None, repr=False)
    temporal: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError where columns are missing or rows lie out of order."""
        missing = [name for name in (*INPUT_COLUMNS, *TASK_COLUMNS) if name not in self.events]
        if missing:
            raise ValueError(f"{self.name}: the events lack {missing}")
        in_order = self.events.sort_values(["user_key", "event_timestamp"], kind="stable").index
        if not in_order.equals(self.events.index):
            raise ValueError(f"{self.name}: events must be in order of user_key, then event_timestamp")

    def sample(self, users: int) -> EvaluationData:
        """The same with that many users at most, chosen by hash: the same ones every time."""
        everyone = sorted(self.events["user_key"].unique(), key=lambda user: user_hash(user, "sample"))
        events = self.events[self.events["user_key"].isin(everyone[:users])].reset_index(drop=True)
        return replace(self, events=events, temporal=self.temporal and reaches_back(events))
