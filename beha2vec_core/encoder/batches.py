"""Training batches: users of like length, two random cuts of each, and who is no negative of whom."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import IdArray, pad, slice_hashes
from beha2vec_core.encoder.objectives.batch import Batch
from beha2vec_core.sequences import Sequences

IntArray = npt.NDArray[np.int64]


def plan_batches(
    sequences: Sequences, users: IntArray, config: TrainConfig, rng: np.random.Generator
) -> list[IntArray]:
    """Split users into batches, in random order, of users of like length.

    Like lengths keep padding low, and the length tells nothing about who is whose negative.
    """
    lengths = sequences.n_events[users]
    jittered = lengths * rng.uniform(1.0, 1.25, size=len(users)) + rng.uniform(0.0, 0.5, size=len(users))
    order = np.argsort(jittered, kind="stable")
    batches = split_by_tokens(lengths[order], config.batch_tokens, config.batch_users)
    return [users[order[batches[i]]] for i in rng.permutation(len(batches))]


def split_by_tokens(lengths: IntArray, batch_tokens: int, batch_users: int) -> list[slice]:
    """Consecutive slices with at most ``batch_users`` sequences and ``batch_tokens`` tokens, padding counted."""
    slices = []
    start = 0
    while start < len(lengths):
        longest = np.maximum.accumulate(lengths[start : start + batch_users])
        fits = int(np.searchsorted(longest * np.arange(1, len(longest) + 1), batch_tokens, side="right"))
        slices.append(slice(start, start + max(fits, 1)))
        start = slices[-1].stop
    return slices


def random_cuts(
    starts: IntArray, lengths: IntArray, rng: np.random.Generator
) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """Two disjoint slices of each sequence as (starts, lengths), each short or long by chance, in random order.

    Lengths are log-uniform, so that a cut of one event is as usual as one of many and no length tells the user.
    Sequences must have two events or more.
    """

    def log_uniform(most: IntArray) -> IntArray:
        drawn: IntArray = np.exp(rng.random(len(most)) * np.log(most + 1.0)).astype(np.int64)
        return np.minimum(drawn, most)

    first = log_uniform(lengths - 1)
    second = log_uniform(lengths - first)
    slack = lengths - first - second
    before = rng.integers(0, slack + 1)
    between = rng.integers(0, slack - before + 1)
    swap = rng.random(len(lengths)) < 0.5
    one, two = (starts + before, first), (starts + before + first + between, second)
    a = (np.where(swap, two[0], one[0]), np.where(swap, two[1], one[1]))
    b = (np.where(swap, one[0], two[0]), np.where(swap, one[1], two[1]))
    return a, b


def make_batch(
    ids: IdArray, sequences: Sequences, users: IntArray, rng: np.random.Generator, device: torch.device
) -> Batch:
    """The tensors of these users, with fresh cuts."""
    starts, lengths = sequences.offsets[users], sequences.n_events[users]
    a, b = random_cuts(starts, lengths, rng)
    content = ids[:, :-1]  # the time gap, last, does not make two slices differ
    hash_a, hash_b = _one_column(slice_hashes(content, *a)), _one_column(slice_hashes(content, *b))
    same = (
        (hash_a[:, None] == hash_a)
        | (hash_b[:, None] == hash_b)
        | (hash_a[:, None] == hash_b)
        | (hash_b[:, None] == hash_a)
    )
    np.fill_diagonal(same, False)

    def tensor(array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    return Batch(
        whole=tensor(pad(ids, starts, lengths).astype(np.int64)),
        cut_a=tensor(pad(ids, *a).astype(np.int64)),
        cut_b=tensor(pad(ids, *b).astype(np.int64)),
        same=tensor(same),
    )


def _one_column(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
    """128 bits as one comparable value."""
    return np.ascontiguousarray(hashes).view("V16").ravel()
