"""Counts of what followed which state, as sorted arrays; and how surprising they are beside what is popular."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from beha2vec_core.encoder.next_step.loglinear import FloatArray, Sparse
from beha2vec_core.encoder.next_step.moments import IntArray
from beha2vec_core.events.sequences import ragged_range

# a state's counts weigh as much as those of popularity once it was seen so often
PRIOR = 20.0


@dataclass(frozen=True)
class Lists:
    """Values listed by state: moment i has those at the places ``starts[i]:starts[i] + lengths[i]`` of ``values``.

    Moments with one start are in one state and share a list. ``amounts`` gives those of places.
    """

    starts: IntArray
    lengths: IntArray
    values: IntArray
    amounts: Callable[[IntArray], FloatArray]

    def select(self, moments: IntArray | slice) -> Lists:
        """The lists of these moments, in this order."""
        return replace(self, starts=self.starts[moments], lengths=self.lengths[moments])

    def written_out(self) -> Sparse:
        """Each moment's values and their amounts."""
        places = ragged_range(self.starts, self.lengths)
        rows = np.repeat(np.arange(len(self.starts)), self.lengths)
        return rows, self.values[places], self.amounts(places)


@dataclass(frozen=True)
class Followers:
    """What followed each state: ``values[starts[i]:starts[i + 1]]`` followed ``states[i]``, ``counts`` times each."""

    states: IntArray
    starts: IntArray
    values: IntArray
    counts: IntArray

    @classmethod
    def count(cls, states: IntArray, truth: IntArray) -> Followers:
        """Count the values that came, by the state they came in."""
        order = np.lexsort((truth, states))
        states, truth = states[order], truth[order]
        new_state = np.diff(states, prepend=states[:1] - 1) != 0
        new_pair = new_state | (np.diff(truth, prepend=-1) != 0)
        pairs = np.flatnonzero(new_pair)
        return cls(
            states=states[new_state],
            starts=np.append(np.flatnonzero(new_state[pairs]), len(pairs)).astype(np.int64),
            values=truth[pairs],
            counts=np.diff(np.append(pairs, len(states))).astype(np.int64),
        )

    def lift(self, states: IntArray, popularity: FloatArray) -> Lists:
        """How much each state raises each value: ``log(1 + count / (PRIOR * popularity))``.

        But for a constant of the state this is the log of the share of the value after the state, smoothed by
        popularity (MacKay & Peto 1995, Natural Language Engineering 1(3): Dirichlet prior), less the log of the latter.
        """
        place = np.searchsorted(self.states, states)
        known = place < len(self.states)
        known[known] = self.states[place[known]] == states[known]
        place[~known] = 0
        lengths = np.where(known, np.diff(self.starts)[place] if len(self.states) else 0, 0)

        def amounts(places: IntArray) -> FloatArray:
            lifted: FloatArray = np.log1p(self.counts[places] / (PRIOR * popularity[self.values[places]]))
            return lifted

        return Lists(self.starts[place], lengths, self.values, amounts)


def popularity(truth: IntArray, size: int) -> FloatArray:
    """The share of each value, known or other [size + 1], half a count added so that none is 0."""
    counts = np.bincount(truth, minlength=size + 1) + 0.5
    shares: FloatArray = counts / counts.sum()
    return shares
