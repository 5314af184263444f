"""What may be learned from as of a day: rows of earlier dates, horizons that have matured, person-interval rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.dbt_vars import LATE_EVENT_DAYS
from beha2vec_core.predictions.arrays import BoolArray, FloatArray, IntArray
from beha2vec_core.predictions.examples import weights_of
from beha2vec_core.predictions.targets import LABELS, Outcome, last_matured, outcome

# later spans in which users are seen again, to learn how much they differ; from `FAR` on, what happened in the first
# one no longer makes it more or less likely (a buyer who has just bought waits)
_SPANS, FAR = 10, 5


class NotEnoughHistoryError(ValueError):
    """Nothing can be predicted from this export; the message says what is missing."""


class PersonIntervals(NamedTuple):
    """A row for each user, date and interval between horizons, while the outcome has not happened and is known."""

    row: IntArray  # of the frame [n]
    interval: IntArray  # its number [n]
    happened: BoolArray  # whether it happened in the interval [n]

    @classmethod
    def of(cls, found: Outcome) -> PersonIntervals:
        """From the outcome within each horizon; in order of interval, then of the frame."""
        before = np.zeros(len(found.known), dtype=bool)
        parts = []
        for j in range(found.known.shape[1]):
            row = np.flatnonzero(found.known[:, j] & ~before)
            parts.append((row, np.full(len(row), j), found.happened[row, j]))
            before = before | found.happened[:, j]
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def part(self, kept: npt.NDArray[Any]) -> PersonIntervals:
        """The rows at these places, or where a mask is true."""
        return PersonIntervals(self.row[kept], self.interval[kept], self.happened[kept])

    def among(self, rows: BoolArray) -> PersonIntervals:
        """Those of the frame's rows where a mask is true."""
        return self.part(rows[self.row])

    def within(self, rows: BoolArray) -> PersonIntervals:
        """The same, as rows of a frame that has only these."""
        part = self.among(rows)
        return part._replace(row=(np.cumsum(rows) - 1)[part.row])

    def users(self, user: IntArray) -> int:
        """Users for whom it happened: weekly dates multiply rows, not people. ``user``: of each row of the frame."""
        return len(np.unique(user[self.row[self.happened]]))

    def at_most(self, rows: int, own: FloatArray) -> tuple[PersonIntervals, FloatArray]:
        """So many of either outcome at most, evenly spaced, and the weight of each row: how many it stands for.

        ``own``: the weight of each row of the frame by itself.
        """
        taken, weight = [], []
        for outcome_rows in (np.flatnonzero(self.happened), np.flatnonzero(~self.happened)):
            kept = outcome_rows
            if len(kept) > rows:
                kept = kept[np.linspace(0, len(kept) - 1, rows).astype(np.int64)]
            taken.append(kept)
            weight.append(np.full(len(kept), len(outcome_rows) / max(len(kept), 1)))
        places = np.concatenate(taken)
        order = np.argsort(places)
        part = self.part(places[order])
        return part, np.concatenate(weight)[order] * own[part.row]


class History(NamedTuple):
    """Rows of users on dates before a day."""

    frame: pd.DataFrame  # the rows of the population
    day: IntArray  # the date of each row, as a proleptic ordinal [n]
    user: IntArray  # a number for the user of each row [n]
    weight: FloatArray  # how many rows each row stands for [n]
    dates: list[date]
    everyone: pd.DataFrame  # user, date and labels of all rows, also outside the population

    @classmethod
    def of(cls, frame: pd.DataFrame, standing: date, population_days: int) -> History:
        """The rows of dates before ``standing``."""
        places = pd.RangeIndex(len(frame))
        keys = frame[["as_of", "user_key"]].set_axis(places)[_days(frame) < standing.toordinal()]
        order = keys.sort_values(["as_of", "user_key"], kind="stable").index.to_numpy()
        lately = frame["days_since_last_session"].to_numpy()[order] <= population_days
        inside = frame.iloc[order[lately]].reset_index(drop=True)
        everyone = frame[["user_key", "as_of", *(name for name in LABELS if name in frame)]].iloc[order]
        day = _days(inside)
        return cls(
            inside,
            day,
            pd.factorize(inside["user_key"])[0].astype(np.int64),
            weights_of(inside),
            [date.fromordinal(int(one)) for one in np.unique(day)],
            everyone.reset_index(drop=True),
        )

    def part(self, rows: BoolArray) -> History:
        """Only the rows of the population where a mask is true; the dates are those of all."""
        return self._replace(
            frame=self.frame[rows].reset_index(drop=True),
            day=self.day[rows],
            user=self.user[rows],
            weight=self.weight[rows],
        )

    def happens_again(self, target: str, plan: Plan) -> npt.NDArray[np.int8]:
        """Whether it happens in each of the spans that follow the first, as long as the shortest horizon.

        Returns:
            1 or 0 for each row and span [n, `_SPANS`]; -1: not known.
        """
        days = plan.horizons[0]
        found = outcome(self.everyone, target, (days,), plan.standing)
        later = pd.Series(
            np.where(found.known[:, 0], found.happened[:, 0].astype(np.int8), -1),
            index=pd.MultiIndex.from_arrays([self.everyone["user_key"], _days(self.everyone)]),
        )
        spans = [
            later.reindex(pd.MultiIndex.from_arrays([self.frame["user_key"], self.day + span * days])).fillna(-1)
            for span in range(1, _SPANS + 1)
        ]
        return np.stack([np.asarray(span, dtype=np.int8) for span in spans], axis=1)


def _days(frame: pd.DataFrame) -> IntArray:
    epoch = pd.Timestamp(1970, 1, 1)
    return np.asarray((pd.to_datetime(frame["as_of"]) - epoch).dt.days + epoch.toordinal(), dtype=np.int64)


class Plan(NamedTuple):
    """What the history allows."""

    standing: date  # the day as of which a model is fitted
    horizons: tuple[int, ...]  # those that can be learned and calibrated
    calibration: date  # the first date used for calibration; what had matured by then is learned from
    notes: tuple[str, ...]  # which horizons are left out

    @classmethod
    def of(cls, dates: Sequence[date], standing: date, horizons: tuple[int, ...]) -> Plan:
        """The longest horizons of which one date trains and a later one calibrates.

        Raises:
            NotEnoughHistoryError: there are none.
        """
        for kept in range(len(horizons), 0, -1):
            longest = horizons[kept - 1]
            calibration = last_matured(dates, standing, longest)
            if calibration and last_matured(dates, calibration, longest):
                left_out = " and ".join(map(str, horizons[kept:]))
                predicted = " and ".join(map(str, horizons[:kept]))
                note = f"The history is too short for {left_out} days: only {predicted} days are predicted."
                return cls(standing, horizons[:kept], calibration, (note,) if left_out else ())
        needed = 14 + horizons[0] + LATE_EVENT_DAYS
        have = (standing - dates[0]).days if dates else 0
        raise NotEnoughHistoryError(
            f"predictions need {needed} days of exports after the first Monday, and there are {have}. Export more "
            f"days: at least {needed + 7} in all"
        )
