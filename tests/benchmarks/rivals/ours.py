"""Our encoder as methods: behavior vectors and next values, identity vectors, beside counts, fine-tuned, untrained.

Methods of one configuration share their fits: the last ones are kept by configuration, seed and content of the events,
so that judging vectors of one kind, then of another, trains once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.evaluation.encoder import Vectors, behavior_of, encoder_input
from beha2vec_core.evaluation.methods import EncodesAsOf
from tests.benchmarks.methods import TimedMethod

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

KEPT_FITS = 16

_fits: OrderedDict[str, BehaviorEncoder] = OrderedDict()


@dataclass(frozen=True)
class SideBySide:
    """Several methods' vectors, each column scaled to mean 0 and deviation 1, each block to the same weight."""

    parts: Sequence[EncodesAsOf]
    scales: Sequence[Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """The blocks one after the other."""
        return self._joined([part.encode(events) for part in self.parts])

    def encode_as_of(self, events: pd.DataFrame, moment: int) -> npt.NDArray[np.float32]:
        """The same as of a moment."""
        return self._joined([part.encode_as_of(events, moment) for part in self.parts])

    def _joined(self, tables: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        blocks = [
            scale(t.astype(np.float64)) / np.sqrt(t.shape[1]) for scale, t in zip(self.scales, tables, strict=True)
        ]
        return np.concatenate(blocks, axis=1).astype(np.float32)


@dataclass(frozen=True)
class CountsFirst(SideBySide):
    """The same; probes use what stands behind the first ``counts`` columns only if it helps."""

    counts: int


def ours(
    config: EncoderConfig | None = None, train_config: TrainConfig | None = None, name: str = "ours"
) -> dict[str, TimedMethod]:
    """The methods of a configuration: ``name``, ``name, identity``, ``[name ‖ rich counts]``, ``RFM, then name``,
    ``RFM, then name, fine-tuned``.

    The seed of the train config gives way to that of each fit.
    """
    config, train = config or EncoderConfig(), replace(train_config or TrainConfig(), progress=False)

    def encoder(events: pd.DataFrame, seed: int) -> BehaviorEncoder:
        return _fitted(encoder_input(events), config, replace(train, seed=seed))

    def has_fit(events: pd.DataFrame, seed: int) -> bool:
        return _name(encoder_input(events), config, replace(train, seed=seed)) in _fits

    def behavior(events: pd.DataFrame, seed: int) -> Vectors:
        return behavior_of(encoder(events, seed))

    def identity(events: pd.DataFrame, seed: int) -> Vectors:
        return Vectors(encoder(events, seed), "identity")

    def beside_counts(events: pd.DataFrame, seed: int) -> SideBySide:
        from beha2vec_core.evaluation.floors.counts import fit_rich_counts

        return SideBySide(*_scaled(events, behavior(events, seed), fit_rich_counts(events, seed)))

    def after_counts(events: pd.DataFrame, seed: int) -> CountsFirst:
        from beha2vec_core.evaluation.floors.counts import fit_rfm

        counts = fit_rfm(events, seed)
        width = counts.encode(events).shape[1]
        return CountsFirst(*_scaled(events, counts, behavior(events, seed)), width)

    def fine_tuned(events: pd.DataFrame, seed: int) -> CountsFirst:
        from beha2vec_core.evaluation.floors.counts import fit_rfm
        from tests.benchmarks.rivals.fine_tuned import fine_tune

        counts = fit_rfm(events, seed)
        width = counts.encode(events).shape[1]
        return CountsFirst(*_scaled(events, counts, fine_tune(encoder(events, seed), counts, events, seed)), width)

    first = TimedMethod(name, "ours", behavior, costly=True, epochs=train.epochs, has_fit=has_fit)
    second = replace(first, shares_fit_with=name, name=f"{name}, identity", fit=identity)
    third = replace(second, name=f"[{name} ‖ rich counts]", fit=beside_counts)
    fourth = replace(second, name=f"RFM, then {name}", fit=after_counts)
    fifth = replace(second, name=f"RFM, then {name}, fine-tuned", fit=fine_tuned)
    return {method.name: method for method in (first, second, third, fourth, fifth)}


def _scaled(events: pd.DataFrame, *parts: EncodesAsOf) -> tuple[Sequence[EncodesAsOf], Sequence[Callable[..., Any]]]:
    """Methods, and the scales of their vectors of these users."""
    from sklearn.preprocessing import StandardScaler

    return parts, [StandardScaler().fit(part.encode(events).astype(np.float64)).transform for part in parts]


def untrained(config: EncoderConfig | None = None, name: str = "ours, untrained") -> TimedMethod:
    """The encoder as it begins: one epoch, since it trains at least one, at a learning rate that changes no figure."""
    still = TrainConfig(epochs=1, learning_rate=1e-12, objectives={"content": 1.0})
    behavior = ours(config, still)["ours"]
    return replace(behavior, name=name, costly=False, epochs=0)


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
