"""What a training step is fed: the batches of every epoch, in order, each made when its turn comes.

Plans follow from (seed, epoch) and cuts from (seed, epoch, batch), so a batch is the same whenever it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from beha2vec_core.encoder.batches import TrainingSet, make_batch, plan_batches
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields, IntArray
from beha2vec_core.events.sequences import Sequences


class PlannedBatch(NamedTuple):
    """Which users a batch holds, and the epoch (from 1) and place in it (from 1) that seed its cuts."""

    epoch: int
    place: int
    users: IntArray


class UserBatches(Dataset[dict[str, Any]]):
    """Batches of the users of two events or more."""

    def __init__(self, fields: Fields, sequences: Sequences, config: TrainConfig, device: torch.device) -> None:
        """Look up the ids of all events once."""
        self.data = TrainingSet.of(fields, sequences)
        self.config, self.device = config, device
        self.lengths = sequences.n_events
        self.users = np.flatnonzero(self.lengths > 1)

    def plan(self, epoch: int) -> list[PlannedBatch]:
        """The batches of an epoch."""
        rng = np.random.default_rng((self.config.seed, epoch))
        plan = plan_batches(self.lengths, self.users, self.config, rng)
        return [PlannedBatch(epoch, place, users) for place, users in enumerate(plan, start=1)]

    def __getitems__(self, planned: PlannedBatch) -> dict[str, Any]:
        """The ``batch``, its number of ``sequences`` and of ``tokens`` (events, without padding)."""
        rng = np.random.default_rng((self.config.seed, planned.epoch, planned.place))
        return {
            "batch": make_batch(self.data, planned.users, self.config, rng, self.device),
            "sequences": len(planned.users),
            "tokens": int(self.lengths[planned.users].sum()),
        }


class TrainingPlan(Sampler[PlannedBatch]):
    """The batches of all epochs end to end; epochs may differ in how many they have.

    ends: after how many steps each epoch ends.
    """

    def __init__(self, batches: UserBatches, epochs: int) -> None:
        """Plan every epoch once to count its batches; plans are made again in their turn, not kept."""
        self.batches = batches
        self.ends: list[int] = np.cumsum([len(batches.plan(epoch)) for epoch in range(1, epochs + 1)]).tolist()

    def __len__(self) -> int:
        """Steps in all."""
        return self.ends[-1]

    def __iter__(self) -> Iterator[PlannedBatch]:
        """From the first epoch to the last."""
        for epoch in range(1, len(self.ends) + 1):
            yield from self.batches.plan(epoch)


def training_loader(plan: TrainingPlan) -> DataLoader[dict[str, Any]]:
    """The batches of the plan, made in this process: one takes less time than handing it over would."""
    return DataLoader(plan.batches, batch_sampler=plan, collate_fn=_as_it_is)  # type: ignore[arg-type]


def _as_it_is(batch: dict[str, Any]) -> dict[str, Any]:
    return batch
