"""Chance for the demo export: weighted tables and one reproducible stream of random numbers a user."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import exp
from statistics import NormalDist
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")
_NORMAL = NormalDist()
_BLOCK = 128


class Table(Generic[T]):
    """Values with weights (any positive scale), drawn by inverse distribution."""

    def __init__(self, values: Iterable[T], weights: Iterable[float]) -> None:
        """Raises ValueError unless there are values, and as many weights."""
        self.values: Sequence[T] = tuple(values)
        self._cumulated = list(accumulate(weights))
        if not self.values or len(self.values) != len(self._cumulated):
            raise ValueError("a table needs at least one value and as many weights as values")

    @classmethod
    def of(cls, weights: Mapping[T, float]) -> Table[T]:
        """The table of a mapping value -> weight."""
        return cls(weights.keys(), weights.values())

    @classmethod
    def zipf(cls, values: Sequence[T], exponent: float = 0.9) -> Table[T]:
        """Values whose weight falls with their rank: 1 / rank ** exponent."""
        return cls(values, (rank**-exponent for rank in range(1, len(values) + 1)))

    def shares(self) -> dict[T, float]:
        """The probability of each value."""
        weights = np.diff(self._cumulated, prepend=0.0) / self._cumulated[-1]
        return dict(zip(self.values, weights.tolist(), strict=True))

    def at(self, uniform: float) -> T:
        """The value at a point of [0, 1) of the cumulated weights."""
        return self.values[bisect_right(self._cumulated, uniform * self._cumulated[-1])]


class Dice:
    """The random numbers of one user: PCG64 seeded by (seed, user index), so that no other user matters."""

    def __init__(self, seed: int, index: int) -> None:
        """``seed`` and ``index`` are whole numbers from 0."""
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,))))
        self._block: list[float] = []

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if not self._block:
            self._block = self._generator.random(_BLOCK).tolist()
        return self._block.pop()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def between(self, low: float, high: float) -> float:
        """A number in [low, high), evenly."""
        return low + (high - low) * self.uniform()

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high), evenly."""
        return low + int((high - low) * self.uniform())

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive number whose logarithm is normal."""
        return median * exp(sigma * _NORMAL.inv_cdf(max(self.uniform(), 1e-12)))

    def pick(self, table: Table[T]) -> T:
        """A value of the table by its weight."""
        return table.at(self.uniform())
