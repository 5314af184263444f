"""Our encoder as methods: behaviour vectors and next values, identity vectors, both beside counts, untrained.

Methods of one configuration share their fits: the last ones are kept by configuration, seed and content of the events,
so that judging vectors of one kind, then of another, trains once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.evaluation.data.base import inputs
from beha2vec_core.evaluation.methods.base import Encodes, Method, Target
from beha2vec_core.store.vectors import as_matrix

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

KEPT_FITS = 16
NO_PAGE = ""
Vector = Literal["behavior", "identity"]

_fits: OrderedDict[str, BehaviorEncoder] = OrderedDict()


@dataclass(frozen=True)
class Vectors:
    """One kind of vector of a fitted encoder."""

    encoder: BehaviorEncoder
    kind: Vector

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """The vectors of each user in sorted order."""
        return as_matrix(self.encoder.encode(_input(events))[self.kind])

    def warm_start(self, events: pd.DataFrame, seed: int) -> Vectors:
        """Trained on, more gently than from scratch."""
        from beha2vec_core.encoder.encoder import BehaviorEncoder

        train = replace(self.encoder.train_config.gently(), seed=seed)
        return replace(self, encoder=BehaviorEncoder.fit(_input(events), None, train, warm_start=self.encoder))


@dataclass(frozen=True)
class VectorsAndNext(Vectors):
    """The same, and what comes next."""

    def rank_next(self, events: pd.DataFrame, target: Target, k: int) -> list[list[str]]:
        """What `predict_next` gives, but for pages that are not known."""
        table = self.encoder.predict_next(_input(events), k + 1, target)
        found: dict[str, list[str]] = {user: [] for user in table["user_key"].to_pylist()}
        for user, value in zip(table["user_key"].to_pylist(), table[target].to_pylist(), strict=True):
            if value != NO_PAGE:
                found[user].append(value)
        return [values[:k] for values in found.values()]


def behavior_of(encoder: BehaviorEncoder) -> Vectors:
    """The behaviour vector, and what comes next where the encoder was trained on that."""
    return (VectorsAndNext if encoder.next_steps else Vectors)(encoder, "behavior")


@dataclass(frozen=True)
class SideBySide:
    """Two methods' vectors, each column scaled to mean 0 and deviation 1, each block to the same weight."""

    parts: tuple[Encodes, Encodes]
    scales: tuple[Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], ...]

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """The blocks one after the other."""
        tables = [part.encode(events).astype(np.float64) for part in self.parts]
        blocks = [scale(t) / np.sqrt(t.shape[1]) for scale, t in zip(self.scales, tables, strict=True)]
        return np.concatenate(blocks, axis=1).astype(np.float32)


def ours(
    config: EncoderConfig | None = None, train_config: TrainConfig | None = None, name: str = "ours"
) -> dict[str, Method]:
    """The methods of a configuration: ``name``, ``name, identity`` and ``[name ‖ rich counts]``.

    The seed of the train config gives way to that of each fit.
    """
    config, train = config or EncoderConfig(), replace(train_config or TrainConfig(), progress=False)

    def encoder(events: pd.DataFrame, seed: int) -> BehaviorEncoder:
        return _fitted(_input(events), config, replace(train, seed=seed))

    def has_fit(events: pd.DataFrame, seed: int) -> bool:
        return _name(_input(events), config, replace(train, seed=seed)) in _fits

    def behavior(events: pd.DataFrame, seed: int) -> Vectors:
        return behavior_of(encoder(events, seed))

    def identity(events: pd.DataFrame, seed: int) -> Vectors:
        return Vectors(encoder(events, seed), "identity")

    def beside_counts(events: pd.DataFrame, seed: int) -> SideBySide:
        from beha2vec_core.evaluation.methods.counts import Scale, fit_rich_counts

        parts = (behavior(events, seed), fit_rich_counts(events, seed))
        return SideBySide(parts, tuple(Scale.fit(part.encode(events).astype(np.float64)) for part in parts))

    about = "Our encoder's behaviour vector; its next page and next event."
    first = Method(name, "ours", about, behavior, costly=True, epochs=train.epochs, has_fit=has_fit)
    second = replace(
        first,
        shares_fit_with=name,
        name=f"{name}, identity",
        fit=identity,
        about="Our encoder's identity vector, made for look-alikes.",
    )
    third = replace(
        second,
        name=f"[{name} ‖ rich counts]",
        fit=beside_counts,
        about="Our behaviour vector beside rich counts, scaled.",
    )
    return {method.name: method for method in (first, second, third)}


def untrained(config: EncoderConfig | None = None, name: str = "ours, untrained") -> Method:
    """The encoder as it begins: one epoch, since it trains at least one, at a learning rate that changes no figure."""
    still = TrainConfig(epochs=1, learning_rate=1e-12, objectives={"content": 1.0})
    behavior = ours(config, still)["ours"]
    return replace(behavior, name=name, about="Our encoder's vector before any training.", costly=False, epochs=0)


def _input(events: pd.DataFrame) -> pd.DataFrame:
    """The encoder's columns; it wants a page of every event."""
    kept = inputs(events)
    return kept.assign(page=kept["page"].fillna(NO_PAGE))


def _fitted(events: pd.DataFrame, config: EncoderConfig, train: TrainConfig) -> BehaviorEncoder:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

    name = _name(events, config, train)
    if name not in _fits:
        _fits[name] = BehaviorEncoder.fit(events, config, train)
    _fits.move_to_end(name)
    while len(_fits) > KEPT_FITS:
        _fits.popitem(last=False)
    return _fits[name]


def _name(events: pd.DataFrame, config: EncoderConfig, train: TrainConfig) -> str:
    """What a fit is kept under: the same events, configuration and seed give the same one."""
    key = sha256(f"{config} {train} {list(events)}".encode())
    key.update(pd.util.hash_pandas_object(events, index=False).to_numpy().tobytes())
    return key.hexdigest()
