"""Parts of the encoder that were tried and left out: each takes the place of the product's for as long as it lasts.

A part is a context manager: it is given a data set, and gives the data set to be judged.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.demo_shop.catalogue import northfold
from beha2vec_core.demo_shop.dice import Dice
from beha2vec_core.demo_shop.journeys import simulate
from beha2vec_core.encoder import batches, encode, features, network, objectives
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.features import (
    GAP_BUCKETS,
    SESSION_GAP_BUCKET,
    SESSION_SECONDS,
    SHORTEST_GAP,
    Fields,
    IntArray,
)
from beha2vec_core.encoder.objectives import Step
from beha2vec_core.encoder.packing import Packed
from beha2vec_core.evaluation import data as evaluation_data
from tests.benchmarks.data_sets import data_folder, demo
from tests.benchmarks.data_sets.base import EvaluationData
from tests.benchmarks.data_sets.export import STORE

Part = Callable[[EvaluationData], AbstractContextManager[EvaluationData]]
Array = npt.NDArray[np.float64]

HORIZONS = (1, 3, 7, 14, 28)  # days
NARROW = 16  # columns of the factorized page table
PROFILE = ("device", "country", "channel")


class GruBlock(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) with its norm in front, in place of attention."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim)
        self.gru = nn.GRU(config.dim, config.dim, batch_first=True)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, packed: Packed, turn: object, mask: object) -> Tensor:
        y, _ = self.gru(packed.pad(self.norm(x)))
        out: Tensor = x + self.drop(packed.unpad(y))
        return out


class HashedTable(nn.Embedding):
    """Each page is the sum of two of few rows (Svenstrup et al. 2017, arXiv:1709.03933), a quarter as many as pages."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__(max(64, size // 4), dim)
        nn.init.normal_(self.weight, std=0.35)

    def forward(self, ids: Tensor) -> Tensor:
        rows = [(ids * factor >> 7) % self.num_embeddings for factor in (2_654_435_761, 2_246_822_519)]
        return (super().forward(rows[0]) + super().forward(rows[1])) * (ids > 1).unsqueeze(-1)


class FactorizedTable(nn.Embedding):
    """A narrow table, and a matrix that widens it (Lan et al. 2020, arXiv:1909.11942)."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__(size, NARROW, padding_idx=0)
        nn.init.normal_(self.weight, std=0.5)
        nn.init.zeros_(self.weight[:2])
        self.wide = nn.Linear(NARROW, dim, bias=False)
        nn.init.orthogonal_(self.wide.weight, gain=(dim / NARROW) ** 0.5)

    def forward(self, ids: Tensor) -> Tensor:
        wide: Tensor = self.wide(super().forward(ids))
        return wide


class Hazards(nn.Module):
    """The probability of each action in each stretch of time, given that it has not come before.

    Stretches end after 1, 3, 7, 14 and 28 days (Shchur et al. 2020, arXiv:1909.12127, in discrete time).
    """

    def __init__(self, behavior: network.BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        super().__init__()
        known = [len(fields.vocabularies[name].values) for name in fields.action_columns]
        self.heads = nn.ModuleList(nn.Linear(behavior.config.dim, size * len(HORIZONS)) for size in known if size)

    def forward(self, step: Step) -> Tensor | None:
        known = step.batch.future_known  # [N, horizons]
        if not len(self.heads) or not known.any():
            return None
        shape = len(known), len(HORIZONS), -1
        logits = torch.cat([head(step.states).view(shape) for head in self.heads], dim=-1)
        happens = step.batch.future.view(shape)
        before = F.pad(happens, (0, 0, 1, 0))[:, :-1]
        losses = F.binary_cross_entropy_with_logits(logits, happens, reduction="none")
        at_risk = known.unsqueeze(-1) * (1 - before)
        return (losses * at_risk).sum() / known[:, 0].sum() / len(self.heads)


@contextmanager
def gru_trunk(data: EvaluationData) -> Iterator[EvaluationData]:
    with patch.object(network, "Block", GruBlock):
        yield data


def hashed_pages(data: EvaluationData) -> AbstractContextManager[EvaluationData]:
    return _page_table(data, HashedTable)


def factorized_pages(data: EvaluationData) -> AbstractContextManager[EvaluationData]:
    return _page_table(data, FactorizedTable)


@contextmanager
def _page_table(data: EvaluationData, table: Callable[[int, int], nn.Embedding]) -> Iterator[EvaluationData]:
    class Embedding(network.TokenEmbedding):
        def __init__(self, fields: Fields, config: EncoderConfig) -> None:
            super().__init__(fields, config)
            self.tables[f"{network.FIELD_PREFIX}page"] = table(fields.sizes["page"], config.dim)

    with patch.object(network, "TokenEmbedding", Embedding):
        yield data


@contextmanager
def percentile_gaps(data: EvaluationData) -> Iterator[EvaluationData]:
    """As many buckets for the time since the event before, with as many events each on either side of half an hour."""
    gaps = (data.events.groupby("user_key")["event_timestamp"].diff().dropna() / 1_000_000).to_numpy()
    sides = gaps[gaps < SESSION_SECONDS], gaps[gaps >= SESSION_SECONDS]
    counts = SESSION_GAP_BUCKET - SHORTEST_GAP, GAP_BUCKETS - SESSION_GAP_BUCKET
    short, long = (np.quantile(of, np.arange(1, n) / n) for of, n in zip(sides, counts, strict=True))
    borders = np.concatenate([short, [SESSION_SECONDS], long])

    def gap_buckets(seconds: Array) -> npt.NDArray[np.int32]:
        return (SHORTEST_GAP + np.searchsorted(borders, seconds, side="right")).astype(np.int32)

    with ExitStack() as stack:
        for module in (features, batches, encode):
            stack.enter_context(patch.object(module, "gap_buckets", gap_buckets))
        yield data


@contextmanager
def hazards(data: EvaluationData) -> Iterator[EvaluationData]:
    one = batches._future

    def several(data: batches.TrainingSet, rows: IntArray, since: IntArray, _: float) -> object:
        happens, known = zip(*(one(data, rows, since, days) for days in HORIZONS), strict=True)
        return np.concatenate(happens, axis=1), np.stack(known, axis=1)

    with patch.object(batches, "_future", several), patch.dict(objectives.OBJECTIVES, future=Hazards):
        yield data


@contextmanager
def profile_fields(data: EvaluationData) -> Iterator[EvaluationData]:
    """The user's first device, country and channel on each of their events; `PROFILE` must be extra fields."""
    profiles = pd.DataFrame.from_dict(_PROFILES[data.name](), orient="index", columns=list(PROFILE))
    events = data.events.join(profiles.astype(object), on="user_key")
    with patch.object(evaluation_data, "INPUT_COLUMNS", (*evaluation_data.INPUT_COLUMNS, *PROFILE)):
        yield replace(data, events=events)


def _of_store() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((data_folder() / STORE).glob("*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for event in map(json.loads, lines):
                values = event["device"]["category"], event["geo"]["country"], event["traffic_source"]["medium"]
                found.setdefault(event["user_pseudo_id"], tuple(value or "" for value in values))
    return found


def _of_demo() -> dict[str, tuple[str, ...]]:
    edition, shop = demo.PERSONAS_EDITION, northfold()
    calendar = demo._calendar(edition)
    people = [simulate(shop, calendar, Dice(edition.seed, index), index) for index in range(edition.users)]
    return {one.user_pseudo_id: (one.device.category, one.place.country, one.acquired_by.medium) for one in people}


_PROFILES = {"merch_store": _of_store, "demo_personas": _of_demo}
