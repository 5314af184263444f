"""Moments: what was known of a user when something came next, as ragged arrays of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from beha2vec_core.encoder.vocabulary import Vocabulary
from beha2vec_core.events.sequences import Sequences

IntArray = npt.NDArray[np.int64]
# what is predicted: the page of the next page view, the name of the next event
Target = Literal["page", "event_name"]

MONTH = 30 * 86_400_000_000


@dataclass(frozen=True)
class Moments:
    """n moments, each with the values that came before it, oldest first, and the states it is in.

    A value is the position of a page (event name) among the ``size`` known ones; ``size`` itself is any other.
    """

    size: int  # how many values are known
    values: IntArray  # the histories end to end; that of moment i is ``values[starts[i]:ends[i]]``. May be empty
    starts: IntArray
    ends: IntArray
    states: dict[str, IntArray]  # by name of a context, which of its states each moment is in [n]
    event_page: IntArray  # the page of the last event where that is no page view, else ``size`` [n]
    user: IntArray  # the position of the moment's user in the sequences [n]
    row: IntArray  # the row of the last event known, among all events of the sequences [n]
    truth: IntArray  # what came next [n]; empty where that is not known yet

    def __len__(self) -> int:
        """Number of moments."""
        return len(self.starts)

    def back(self, steps: int) -> IntArray:
        """The value a number of steps before each moment, 1 being the last one; ``size`` + 1 where there is none."""
        there = self.ends - self.starts >= steps
        return np.where(there, np.append(self.values, 0)[np.where(there, self.ends - steps, 0)], self.size + 1)

    def select(self, chosen: npt.NDArray[np.generic]) -> Moments:
        """These moments, in this order; the histories are shared."""
        return Moments(
            self.size,
            self.values,
            self.starts[chosen],
            self.ends[chosen],
            {name: state[chosen] for name, state in self.states.items()},
            self.event_page[chosen],
            self.user[chosen],
            self.row[chosen],
            self.truth[chosen] if len(self.truth) else self.truth,
        )


def past_moments(sequences: Sequences, vocabularies: dict[str, Vocabulary], target: Target) -> Moments:
    """Every moment after which a value came: a page view's page, other events looked over, or the next event's name.

    Events of one instant are one moment: all of them are known at its end, and none before it.
    """
    user, first = users_of(sequences), _first_of_instant(sequences)
    came = np.flatnonzero(sequences.is_page_view if target == "page" else first)
    ends = np.flatnonzero(first & (np.diff(user, prepend=-1) == 0))  # each instant but the user's first ends a history
    place = np.searchsorted(came, ends)
    followed = place < len(came)
    followed[followed] = user[came[place[followed]]] == user[ends[followed]]
    ends, came = ends[followed], came[place[followed]]
    truth = _codes(sequences, vocabularies, target)[came]
    return _moments(sequences, vocabularies, target, user[ends], ends, truth)


def last_moments(sequences: Sequences, vocabularies: dict[str, Vocabulary], target: Target) -> Moments:
    """The end of each history, in the order of the users."""
    users = np.arange(len(sequences))
    return _moments(sequences, vocabularies, target, users, sequences.offsets[1:], np.empty(0, dtype=np.int64))


def _moments(
    sequences: Sequences,
    vocabularies: dict[str, Vocabulary],
    target: Target,
    user: IntArray,
    ends: IntArray,
    truth: IntArray,
) -> Moments:
    """The moments before the rows ``ends``."""
    page, name = (_codes(sequences, vocabularies, column) for column in ("page", "event_name"))
    is_view, counted = sequences.is_page_view, is_counted(sequences, target)
    before = np.concatenate(([0], np.cumsum(counted)))  # how many values are before each row
    row = ends - 1
    size = len(vocabularies[target].values)
    pages = len(vocabularies["page"].values)
    moments = Moments(
        size=size,
        values=(page if target == "page" else name)[counted],
        starts=before[sequences.offsets[:-1][user]],
        ends=before[ends],
        states={},
        event_page=np.where(is_view[row], pages, page[row]),
        user=user,
        row=row,
        truth=truth,
    )
    last, second, third = (moments.back(steps) for steps in (1, 2, 3))
    event = (page[row], name[row])
    month = sequences.event_timestamp[row] // MONTH
    moments.states.update(
        {"last": last, "last two": _joint(second, last), "before last": second, "event": _joint(*event), "month": month}
    )
    if target == "page":
        moments.states.update({"event name": name[row], "last and event": _joint(last, *event)})
    else:
        moments.states.update({"last three": _joint(third, second, last), "last and event": _joint(second, *event)})
    return moments


def _joint(*codes: IntArray) -> IntArray:
    """One number for up to three, each below 2^20."""
    joint = np.zeros_like(codes[0])
    for code in codes:
        joint = (joint << 20) + code
    return joint


def users_of(sequences: Sequences) -> IntArray:
    """The position of the user of each event."""
    return np.repeat(np.arange(len(sequences)), sequences.n_events)


def is_counted(sequences: Sequences, target: Target) -> npt.NDArray[np.bool_]:
    """Whether each event has a value: a page view its page, any event its name."""
    return sequences.is_page_view if target == "page" else np.ones(len(sequences.event_timestamp), dtype=bool)


def _first_of_instant(sequences: Sequences) -> npt.NDArray[np.bool_]:
    first: npt.NDArray[np.bool_] = np.diff(sequences.event_timestamp, prepend=-1) != 0
    first[sequences.offsets[:-1]] = True
    return first


def _codes(sequences: Sequences, vocabularies: dict[str, Vocabulary], column: str) -> IntArray:
    """Positions among the known values; what is not known has the number of known ones."""
    vocabulary, text = vocabularies[column], sequences.text[column]
    places = vocabulary.ids(text.values).astype(np.int64) - vocabulary.first_known
    return np.where(places < 0, len(vocabulary.values), places)[text.codes]
