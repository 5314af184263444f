"""The published Beha2Vec prototype as a baseline, its faults included, so that what replaces it can be compared.

Its design and settings: pages viewed, as ids by hash in 1,000 buckets, of which 0 is also the padding; the first 512 of
a user; embeddings of 128 with sinusoidal positions added; two post-norm transformer layers of 4 heads, feed-forward
2,048, dropout 0.1, no padding mask; the mean over all places, padding included; a linear layer. Learned in 5 epochs by
the triplet margin loss (margin 1, Adam, 1e-4): a user's first half against the second (of one view: against itself) and
all of another user, drawn by chance, in batches of 2. Users are encoded one by one, as there.

Two things differ: the hash is the same in every process, and a user without page view, whom the prototype leaves out,
is one place of padding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.vocabulary import stable_hash
from beha2vec_core.evaluation.floors.histories import histories

BUCKETS = 1000
PADDING = 0
LENGTH = 512
DIM = 128
HEADS = 4
LAYERS = 2
EPOCHS = 5
BATCH = 2
RATE = 1e-4
MARGIN = 1.0


class PrototypeNetwork(nn.Module):
    """Page ids [B, T] -> vectors [B, DIM]."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(BUCKETS, DIM)
        layer = nn.TransformerEncoderLayer(DIM, HEADS, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.out = nn.Linear(DIM, DIM)
        angle = torch.outer(torch.arange(LENGTH), torch.exp(torch.arange(0, DIM, 2) * (-math.log(10_000) / DIM)))
        self.register_buffer("positions", torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1))  # [LENGTH, DIM]

    def forward(self, ids: Tensor) -> Tensor:
        """Nothing tells padding from pages."""
        states = self.encoder(self.embed(ids) + self.positions[: ids.shape[1]])
        vectors: Tensor = self.out(states.mean(1))
        return vectors


@dataclass(frozen=True)
class Prototype:
    """A network to encode with."""

    network: PrototypeNetwork

    @torch.no_grad()
    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Vectors of users in sorted order."""
        vectors = [self.network(torch.tensor([ids]))[0] for ids in _page_ids(events)]
        found: npt.NDArray[np.float32] = torch.stack(vectors).numpy()
        return found


def fit_untrained(events: pd.DataFrame, seed: int) -> Prototype:
    """The network as it begins."""
    return _fit(events, seed, epochs=0)


def fit(events: pd.DataFrame, seed: int) -> Prototype:
    """The network after its five epochs."""
    return _fit(events, seed, epochs=EPOCHS)


def _fit(events: pd.DataFrame, seed: int, epochs: int) -> Prototype:
    sequences = _page_ids(events)
    rng = np.random.default_rng(seed)
    with seeded(seed, torch.device("cpu")):
        network = PrototypeNetwork()
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
        for _ in range(epochs):
            for users in np.array_split(rng.permutation(len(sequences)), -(-len(sequences) // BATCH)):
                anchor, positive = zip(*(_halves(sequences[user]) for user in users), strict=True)
                negative = [sequences[_other(user, len(sequences), rng)] for user in users]
                a, p, n = (network(_padded(list(part))) for part in (anchor, positive, negative))
                loss = nn.functional.triplet_margin_loss(a, p, n, margin=MARGIN)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return Prototype(network.eval())


def _page_ids(events: pd.DataFrame) -> list[list[int]]:
    past = histories(events, "page").values()
    return [[stable_hash(page) % BUCKETS for page in pages][:LENGTH] or [PADDING] for pages in past]


def _halves(ids: list[int]) -> tuple[list[int], list[int]]:
    middle = len(ids) // 2
    return (ids[:middle], ids[middle:]) if middle else (ids, ids)


def _other(user: int, users: int, rng: np.random.Generator) -> int:
    """Another user by chance; the same one where there is no other."""
    return int(user + rng.integers(1, max(users, 2))) % users


def _padded(sequences: list[list[int]]) -> Tensor:
    tensors = [torch.tensor(ids) for ids in sequences]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=PADDING)
