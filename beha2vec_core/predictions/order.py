"""Probabilities that do not contradict each other: buying takes coming back, and 14 days take in the first 7.

Each target is calibrated by itself, so a user's probability to buy may come out above that to come back. Isotonic
regression over all targets and horizons of the user puts that right (Robertson, Wright and Dykstra 1988): it averages
what contradicts itself, and leaves the rest. Where a user's outcomes keep the same order, the Brier score and the log
loss, summed over their targets and horizons, can only fall.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from beha2vec_core.predictions.arrays import FloatArray
from beha2vec_core.predictions.targets import RETURN

Cell = tuple[str, int]  # a target and a horizon in days
_MOST_ROUNDS, _SETTLED = 500, 1e-9


def ordered_pairs(horizons: Mapping[str, Sequence[int]], passed: Iterable[tuple[str, str]]) -> list[tuple[Cell, Cell]]:
    """Pairs of which the first can never be more likely than the second.

    Args:
        horizons: days of each target, ascending.
        passed: pairs of targets, from `targets.passed`; users who do anything return.
    """
    below = [*passed, *((name, RETURN) for name in horizons if name != RETURN)]
    return [
        ((target, days), (other, days))
        for target, other in below
        for days in horizons.get(target, ())
        if days in horizons.get(other, ())
    ] + [
        ((target, shorter), (target, longer))
        for target, days in horizons.items()
        for shorter, longer in itertools.pairwise(days)
    ]


def in_order(found: FloatArray, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    """The nearest numbers [cell, n] in which no row of a pair's first cell is above that of its second (Hildreth 1957).

    Args:
        found: [cell, n].
        pairs: of cells.
    """
    found = found.copy()
    wrong = np.zeros(found.shape[1], dtype=bool)
    for low, high in pairs:
        wrong |= found[low] > found[high]
    x = found[:, wrong]
    pushed = np.zeros((len(pairs), x.shape[1]))
    for _ in range(_MOST_ROUNDS):
        largest = 0.0
        for at, (low, high) in enumerate(pairs):
            step = np.maximum((x[low] - x[high]) / 2, -pushed[at])
            x[low] -= step
            x[high] += step
            pushed[at] += step
            largest = max(largest, float(np.abs(step).max(initial=0.0)))
        if largest < _SETTLED:
            break
    for _ in pairs:  # what rounding leaves
        for low, high in pairs:
            x[high] = np.maximum(x[high], x[low])
    found[:, wrong] = x
    return found
