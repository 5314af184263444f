"""The training curve: one row of metrics an epoch, from running sums of the losses."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from beha2vec_core.compute import SharedError
from beha2vec_core.compute.workers import Workers
from beha2vec_core.encoder.features import IntArray

EpochMetrics = dict[str, float]


def best_row(curve: Sequence[EpochMetrics]) -> EpochMetrics:
    """The row of the weights that were kept: where the held-out loss was lowest, else the last one."""
    return min(curve, key=lambda row: row["held_out_loss"]) if "held_out_loss" in curve[0] else curve[-1]


class DivergedError(SharedError):
    """A loss or a weight is no longer a finite number; the message names the remedy."""

    def __init__(self, what: str, learning_rate: float) -> None:
        """``what`` is not finite, after training with this learning rate."""
        super().__init__(
            f"{what} is not a finite number any more, so training was stopped; lower learning_rate "
            f"(now {learning_rate:g}), e.g. to {learning_rate / 3:.1g}, or check extra number fields for extreme values"
        )


@dataclass
class RunningLosses:
    """Means of each loss over the users seen since it was made, and how fast they were seen.

    weights: of each objective in ``loss``.
    """

    weights: Mapping[str, float]
    sums: dict[str, Tensor | float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    sequences: int = 0
    tokens: int = 0
    started: float = field(default_factory=time.perf_counter)

    def add(self, losses: Mapping[str, Tensor], lengths: IntArray) -> None:
        """Count the losses of a batch of users with these event counts, [B]; objectives without any are left out."""
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.detach() * len(lengths)
            self.counts[name] = self.counts.get(name, 0) + len(lengths)
        self.sequences += len(lengths)
        self.tokens += int(lengths.sum())

    def means(self) -> EpochMetrics:
        """``loss``, the weighted sum, and one ``<objective>_loss`` each."""
        means = {name: float(self.sums[name]) / self.counts[name] for name in self.weights if name in self.counts}
        total = math.fsum(self.weights[name] * mean for name, mean in means.items())
        return {"loss": total} | {f"{name}_loss": mean for name, mean in means.items()}

    def of_all(self, workers: Workers) -> RunningLosses:
        """Those of all workers together."""
        if workers.size == 1:
            return self
        whole = RunningLosses(self.weights, started=self.started)
        for part in workers.gather(self.to_json()):
            whole.sequences += part["sequences"]
            whole.tokens += part["tokens"]
            for name, value in part["sums"].items():
                whole.sums[name] = whole.sums.get(name, 0.0) + value
                whole.counts[name] = whole.counts.get(name, 0) + part["counts"][name]
        return whole

    def speed(self) -> EpochMetrics:
        """``seconds`` since the start, ``sequences_per_second``, ``tokens_per_second`` (events, without padding)."""
        seconds = time.perf_counter() - self.started
        return {
            "seconds": seconds,
            "sequences_per_second": self.sequences / seconds,
            "tokens_per_second": self.tokens / seconds,
        }

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "sums": {name: float(value) for name, value in self.sums.items()},
            "counts": self.counts,
            "sequences": self.sequences,
            "tokens": self.tokens,
            "seconds": time.perf_counter() - self.started,
        }

    def restore(self, saved: Mapping[str, Any], device: torch.device) -> None:
        """Go on from what :meth:`to_json` gave."""
        self.sums = {name: torch.tensor(value, device=device) for name, value in saved["sums"].items()}
        self.counts = dict(saved["counts"])
        self.sequences, self.tokens = saved["sequences"], saved["tokens"]
        self.started = time.perf_counter() - saved["seconds"]
