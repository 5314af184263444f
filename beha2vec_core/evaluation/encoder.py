"""A trained encoder as a method: its behavior vectors and what it says comes next, its identity vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.data import inputs
from beha2vec_core.evaluation.methods import Target
from beha2vec_core.store.vectors import as_matrix

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

NO_PAGE = ""
Vector = Literal["behavior", "identity"]


@dataclass(frozen=True)
class Vectors:
    """One kind of vector of a fitted encoder."""

    encoder: BehaviorEncoder
    kind: Vector

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """The vectors of each user in sorted order."""
        return self.encode_as_of(events, None)

    def encode_as_of(self, events: pd.DataFrame, moment: int | None) -> npt.NDArray[np.float32]:
        """The same as of a moment; None: each user's last event."""
        return as_matrix(self.encoder.encode(encoder_input(events), moment)[self.kind])


@dataclass(frozen=True)
class VectorsAndNext(Vectors):
    """The same, and what comes next."""

    def rank_next(self, events: pd.DataFrame, target: Target, k: int) -> list[list[str]]:
        """What `predict_next` gives, but for pages that are not known."""
        table = self.encoder.predict_next(encoder_input(events), k + 1, target)
        found: dict[str, list[str]] = {user: [] for user in table["user_key"].to_pylist()}
        for user, value in zip(table["user_key"].to_pylist(), table[target].to_pylist(), strict=True):
            if value != NO_PAGE:
                found[user].append(value)
        return [values[:k] for values in found.values()]


def behavior_of(encoder: BehaviorEncoder) -> Vectors:
    """The behavior vector, and what comes next where the encoder was trained on that."""
    return (VectorsAndNext if encoder.next_steps else Vectors)(encoder, "behavior")


def encoder_input(events: pd.DataFrame) -> pd.DataFrame:
    """The encoder's columns; it wants a page of every event."""
    kept = inputs(events)
    return kept.assign(page=kept["page"].fillna(NO_PAGE))
