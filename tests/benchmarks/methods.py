"""Methods as the benchmarks run them: how long they take, and which of them share a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from beha2vec_core.evaluation.methods import Method


@dataclass(frozen=True)
class TimedMethod(Method):
    """A method, and what its times depend on."""

    # whether fitting or asking it takes long, so that fewer repeats are run unless all are asked for
    costly: bool = False
    epochs: int = 1  # how often a fit goes through the users; 0 where it makes a network and does not train it
    shares_fit_with: str | None = None  # the method whose fit this one reuses, if it comes after it in the same process
    # whether such a fit exists, from this method or another, so that its time says nothing
    has_fit: Callable[[pd.DataFrame, int], bool] = lambda events, seed: False
