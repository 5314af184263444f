"""Counts that know nothing of order: length; recency, frequency, monetary; rich counts.

All but length are scaled to mean 0 and deviation 1 over the users fitted on, so that no column outweighs another by its
unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.encoder.features import path_prefix
from beha2vec_core.evaluation.floors.histories import are_views, ordered, sessions
from beha2vec_core.evaluation.splits import DAY

FloatArray = npt.NDArray[np.float64]

MAX_VALUES = 50
# page views of a user as long as any other
LONG = 1000
SECOND = 1_000_000
HOUR = 3600 * SECOND


@dataclass(frozen=True)
class Features:
    """Columns computed from the events, and their scale."""

    columns: Callable[[pd.DataFrame, int | None], FloatArray]
    scale: Callable[[FloatArray], FloatArray]

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """The columns of each user in sorted order."""
        return self.encode_as_of(events, None)

    def encode_as_of(self, events: pd.DataFrame, moment: int | None) -> npt.NDArray[np.float32]:
        """The same as of a moment; what is not known (NaN) stands at the mean."""
        return np.nan_to_num(self.scale(self.columns(events, moment))).astype(np.float32)


def fit_length(events: pd.DataFrame, seed: int) -> Features:
    """Nothing is learned."""
    return Features(length, lambda table: table)


def fit_rfm(events: pd.DataFrame, seed: int) -> Features:
    """Learn when the log ends, and the scale."""
    return _scaled(RecencyFrequencyMonetary(int(events["event_timestamp"].max())), events)


def fit_rich_counts(events: pd.DataFrame, seed: int) -> Features:
    """Learn the most frequent values of each field, and the scale."""
    return _scaled(RichCounts.fit(events), events)


def length(events: pd.DataFrame, moment: int | None = None) -> FloatArray:
    """The log number of page views as an angle, up to half a circle at `LONG`: rows of one length keep it apart."""
    views = are_views(events).groupby(events["user_key"], sort=True).sum().to_numpy(dtype=np.float64)
    angle = np.pi * np.minimum(np.log1p(views) / np.log1p(LONG), 1)
    return np.stack((np.cos(angle), np.sin(angle)), axis=1)


@dataclass(frozen=True)
class RecencyFrequencyMonetary:
    """Log days from the user's last event to the moment or the end of the log fitted on (0 where later), sessions,
    purchases.

    Purchases are counted, since no input column holds money.
    """

    end: int

    def __call__(self, events: pd.DataFrame, moment: int | None = None) -> FloatArray:
        """The three columns."""
        log = ordered(events)
        log["session"] = sessions(log)
        by_user = log.assign(bought=log["event_name"] == "purchase").groupby("user_key", sort=True)
        columns = (
            _recency(by_user, self.end if moment is None else moment),
            by_user["session"].nunique().to_numpy(),
            by_user["bought"].sum().to_numpy(),
        )
        return np.log1p(np.stack(columns, axis=1).astype(np.float64))


@dataclass(frozen=True)
class RichCounts:
    """What an analyst would count: log counts of each field's frequent values, sessions, distinct pages, days, times,
    and the log days from the last event to the moment, NaN without one.

    ``values`` are the counted ones: event names, page types, themes, sections (first path level of the page). Times are
    log seconds of the whole span and of the middle gap between events; hours count events in quarters of the UTC day.
    """

    values: dict[str, list[str]]

    @classmethod
    def fit(cls, events: pd.DataFrame) -> RichCounts:
        """The most frequent values of each field, equal ones in order of the text."""
        log = _with_section(ordered(events))
        values = {}
        for name in ("event_name", "page_type", "theme", "section"):
            counts = log[name].dropna().value_counts() if name in log else pd.Series(dtype=int)
            values[name] = [v for _, v in sorted(zip((-counts).tolist(), counts.index, strict=True))[:MAX_VALUES]]
        return cls(values)

    def __call__(self, events: pd.DataFrame, moment: int | None = None) -> FloatArray:
        """All columns."""
        log = _with_section(ordered(events))
        time = log["event_timestamp"]
        log["session"], log["day"], log["quarter"] = sessions(log), time // DAY, time % DAY // (6 * HOUR)
        log["gap"] = log.groupby("user_key")["event_timestamp"].diff() / SECOND
        by_user = log.groupby("user_key", sort=True)
        numbers = by_user[["session", "page", "day"]].nunique()
        numbers["events"] = by_user.size()
        numbers["span"] = (by_user["event_timestamp"].max() - by_user["event_timestamp"].min()) / SECOND
        numbers["gap"] = by_user["gap"].median().fillna(0)
        numbers["recency"] = np.nan if moment is None else _recency(by_user, moment)
        counted = {name: values for name, values in self.values.items() if values} | {"quarter": list(range(4))}
        tables = [
            pd.crosstab(log["user_key"], log[name]).reindex(index=numbers.index, columns=values, fill_value=0)
            for name, values in counted.items()
        ]
        columns: FloatArray = np.log1p(pd.concat([*tables, numbers], axis=1).to_numpy(dtype=np.float64))
        return columns


def _scaled(columns: Callable[[pd.DataFrame, int | None], FloatArray], events: pd.DataFrame) -> Features:
    from sklearn.preprocessing import StandardScaler

    return Features(columns, StandardScaler().fit(columns(events, int(events["event_timestamp"].max()))).transform)


def _recency(by_user: Any, moment: int) -> FloatArray:
    """Days from each user's last event to a moment, 0 where it is later."""
    days: FloatArray = np.maximum(moment - by_user["event_timestamp"].max().to_numpy(), 0) / DAY
    return days


def _with_section(log: pd.DataFrame) -> pd.DataFrame:
    sections = {page: path_prefix(page, 1) for page in log["page"].dropna().unique()}
    return log.assign(section=log["page"].map(sections))
