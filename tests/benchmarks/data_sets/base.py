"""What every data set looks like to tasks and methods, and how a log of GA4 becomes one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pandas as pd

from beha2vec_core.evaluation.data import INPUT_COLUMNS, SESSION_GAP, TASK_COLUMNS, Log, clean, describe
from beha2vec_core.evaluation.splits import DAY, user_hash
from beha2vec_core.pages import classify_pages, parse_steps
from tests.benchmarks.splits import reaches_back

# of the rows that `as_log` reads
COLUMNS = ("user_key", "event_timestamp", "event_name", "page", "page_title", "session")


class DataNotFoundError(FileNotFoundError):
    """A data set is not on this machine and cannot be fetched; the message names what is missing and the remedy."""


@dataclass(frozen=True)
class EvaluationData:
    """A log of events with what is known about its users.

    Attributes:
        name: what the table calls it.
        about: one sentence: origin, sizes, what it can and cannot tell.
        events: one row an event, in order of ``user_key``, then time. Columns: ``user_key`` (str), ``event_timestamp``
            (int64, microseconds UTC), ``event_name`` (str), ``page`` (str or None), ``theme`` and ``page_type`` (str),
            ``session`` (str), ``section`` (str: the page's first path level), ``is_page_view``, ``is_conversion``
            (cart, checkout or purchase) and ``is_purchase`` (bool).
        personas: the planted persona by user_key, where there is one.
        oracle: the persona that the true generator, seeing only the user's events, finds most likely, by user_key. No
            method can do better than it.
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


def as_log(rows: pd.DataFrame, *, below: Collection[str] = ()) -> Log:
    """Rows of `COLUMNS` as production prepares them, with theme and page type by the bundled rules.

    No model is asked, so that labels are the same on every machine.

    Raises:
        NoEventsError: no event is left.
    """
    log = clean(rows)
    return log._replace(events=describe(log.events.merge(_labels(log.events), on="page", how="left"), below))


def comes_back(events: pd.DataFrame) -> bool:
    """Whether a split in time can tell: the log is long enough, and one user in ten is seen on two days or more."""
    days = (events["event_timestamp"] // DAY).groupby(events["user_key"]).nunique()
    return reaches_back(events) and bool((days > 1).mean() >= 0.1)


def number_of_pauses(events: pd.DataFrame) -> pd.Series:
    """How many pauses of more than 30 minutes a user (rows in order) had made before each event: a session's number."""
    users = events["user_key"]
    pauses: pd.Series = events["event_timestamp"].groupby(users).diff() > SESSION_GAP
    return pauses.groupby(users).cumsum()


def _labels(log: pd.DataFrame) -> pd.DataFrame:
    """``page``, ``theme`` and ``page_type`` of each page, by the bundled rules."""
    views = log.groupby(["page", "page_title"], dropna=False, as_index=False).size()
    host, _, path = (views["page"].str.partition("/")[part] for part in range(3))
    pages = pd.DataFrame(
        {
            "page_key": views["page"],
            "page_title": views["page_title"],
            "page_path": "/" + path,
            "hostname": host,
            "page_views": views["size"],
        }
    )
    pages.loc[pages["page_key"].str.startswith("screen:"), ["page_path", "hostname"]] = None
    labelled = classify_pages(pages, steps=parse_steps("rules"), progress=False).pages
    return labelled[["page_key", "theme", "page_type"]].rename(columns={"page_key": "page"})
