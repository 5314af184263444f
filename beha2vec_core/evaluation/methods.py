"""What every method looks like to the protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

# what can be ranked: the next page viewed, the next event
Target = Literal["page", "event_name"]
Group = Literal["floor", "peer", "ours"]


@runtime_checkable
class Encodes(Protocol):
    """Turns users into vectors."""

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Float32 [users, dim], a row for each distinct ``user_key`` in sorted order; finite numbers only."""
        ...


@runtime_checkable
class EncodesAsOf(Encodes, Protocol):
    """Vectors that know how long ago things happened."""

    def encode_as_of(self, events: pd.DataFrame, moment: int) -> npt.NDArray[np.float32]:
        """The same as of a moment (microseconds UTC) after all events, instead of each user's last event."""
        ...


@runtime_checkable
class RanksNext(Protocol):
    """Says what comes next."""

    def rank_next(self, events: pd.DataFrame, target: Target, k: int) -> list[list[str]]:
        """Up to k most likely next values of ``target``, best first, for each distinct ``user_key``, sorted.

        ``page``: the page of the user's next page view. ``event_name``: the name of the next event of any kind.
        """
        ...


Fitted = Any  # Encodes, RanksNext or both: the protocol asks by isinstance


@dataclass(frozen=True)
class Method:
    """A method by name."""

    name: str
    group: Group  # ``floor`` (what any learned method must beat), ``peer`` (others' systems) or ``ours``
    fit: Callable[[pd.DataFrame, int], Fitted]  # takes events of `data.inputs` (others must not be read) and a seed
