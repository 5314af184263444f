"""Training batches: two random cuts of each user, what came after each, and who is no negative of whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields, IdArray, IntArray, Tokens, gap_buckets, slice_hashes
from beha2vec_core.encoder.objectives.batch import Batch
from beha2vec_core.encoder.packing import pack
from beha2vec_core.sequences import Sequences, ragged_range

PAGE_VIEWS = ("page_view", "screen_view")
DAY = 86_400


@dataclass(frozen=True)
class TrainingSet:
    """The tokens of all users, with what comes after each event [m]; ids are 0 where nothing does.

    next_page: of the next page view (or screen view), over other events; next_event_name, next_gap: of the next event.
    seconds: since the first event of all [m]. last: the last event of the same user [m].
    """

    tokens: Tokens
    next_page: IdArray
    next_event_name: IdArray
    next_gap: IdArray
    seconds: IntArray
    last: IntArray
    future_columns: dict[str, int]
    future_sizes: dict[str, int]

    @classmethod
    def of(cls, fields: Fields, sequences: Sequences) -> TrainingSet:
        """Look up everything once."""
        tokens = fields.tokens(sequences)
        events = len(tokens.kind)
        last = np.repeat(tokens.offsets[1:] - 1, tokens.lengths)
        columns = {name: i for i, name in enumerate(fields.columns)}
        name = sequences.text["event_name"]
        views = np.isin(np.array(name.values, dtype=object), PAGE_VIEWS)[name.codes]
        following = np.append(np.where(views, np.arange(events), events)[1:], events)
        following = np.minimum.accumulate(following[::-1])[::-1]
        page, event_name = (tokens.kinds[tokens.kind, columns[field]] for field in ("page", "event_name"))
        is_last = np.arange(events) == last

        def after(values: IdArray) -> IdArray:
            return np.where(is_last, 0, np.append(values[1:], 0)).astype(np.int32)

        return cls(
            tokens=tokens,
            next_page=np.where(following <= last, np.append(page, 0)[np.minimum(following, events)], 0).astype(
                np.int32
            ),
            next_event_name=after(event_name),
            next_gap=after(tokens.gap),
            seconds=(sequences.event_timestamp - sequences.event_timestamp.min()) // 1_000_000,
            last=last,
            future_columns={name: columns[name] for name in ["event_name", *fields.text_columns]},
            future_sizes={name: fields.sizes[name] for name in ["event_name", *fields.text_columns]},
        )


def plan_batches(lengths: IntArray, users: IntArray, config: TrainConfig, rng: np.random.Generator) -> list[IntArray]:
    """Split users into batches, in random order, of users of like length, so that no length tells a negative."""
    jittered = lengths[users] * rng.uniform(1.0, 1.25, size=len(users)) + rng.uniform(0.0, 0.5, size=len(users))
    order = np.argsort(jittered, kind="stable")
    batches = split_by_tokens(lengths[users][order], config.batch_tokens, config.batch_users)
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
    data: TrainingSet, users: IntArray, config: TrainConfig, rng: np.random.Generator, device: torch.device
) -> Batch:
    """The tensors of these users, with fresh cuts."""
    offsets = data.tokens.offsets
    (start_a, length_a), (start_b, length_b) = random_cuts(offsets[users], data.tokens.lengths[users], rng)
    starts, lengths = np.concatenate((start_a, start_b)), np.concatenate((length_a, length_b))
    ends = starts + lengths - 1
    waited = _waited(data, ends, rng)
    packed = pack(data.tokens, starts, lengths, device, recency=gap_buckets(waited))

    rows = ragged_range(starts, lengths)
    places = np.arange(len(rows)) + np.repeat(np.arange(len(lengths)), lengths)  # a recency token ends each

    def targets(values: IdArray) -> torch.Tensor:
        spread = np.zeros(len(rows) + len(lengths), dtype=np.int64)
        spread[places] = values[rows]
        return torch.from_numpy(spread).to(device)

    future, known = _future(data, ends, waited, config)
    return Batch(
        packed=packed,
        same=torch.from_numpy(_same(data.tokens, starts, lengths)).to(device),
        next_page=targets(data.next_page),
        next_event_name=targets(data.next_event_name),
        next_gap=targets(data.next_gap),
        future={name: torch.from_numpy(values).to(device) for name, values in future.items()},
        future_known=torch.from_numpy(known).to(device),
    )


def _waited(data: TrainingSet, ends: IntArray, rng: np.random.Generator) -> IntArray:
    """Seconds from each of these events to a moment before the next one (or the end of the data), log-uniform."""
    following = np.minimum(ends + 1, len(data.seconds) - 1)
    until = np.where(ends < data.last[ends], data.seconds[following], data.seconds.max()) - data.seconds[ends]
    waited: IntArray = (np.exp(rng.random(len(ends)) * np.log(until + 1.0)) - 1).astype(np.int64)
    return waited


def _future(
    data: TrainingSet, ends: IntArray, waited: IntArray, config: TrainConfig
) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.bool_]]:
    """What each user does in the horizon after the moment, [n, ids] of 0 and 1 by field, and whether all is known."""
    until = data.seconds[ends] + waited + int(config.horizon_days * DAY)
    stop = np.array(
        [
            end + np.searchsorted(data.seconds[end : last + 1], moment, side="right")
            for end, last, moment in zip(ends, data.last[ends], until, strict=True)
        ]
    )
    count = np.maximum(stop - ends - 1, 0)
    rows, owner = ragged_range(ends + 1, count), np.repeat(np.arange(len(ends)), count)
    kinds = data.tokens.kinds[data.tokens.kind[rows]]
    found = {}
    for name, column in data.future_columns.items():
        happens = np.zeros((len(ends), data.future_sizes[name]), dtype=np.float32)
        happens[owner, kinds[:, column]] = 1
        found[name] = happens
    return found, until <= data.seconds.max()


def _same(tokens: Tokens, starts: IntArray, lengths: IntArray) -> npt.NDArray[np.bool_]:
    """Pairs of users who share a slice: the same kinds of event in the same order, whenever they came."""
    hashes = slice_hashes(tokens.kind[:, None], starts, lengths)
    a, b = hashes[: len(starts) // 2], hashes[len(starts) // 2 :]
    same: npt.NDArray[np.bool_] = (a[:, None] == a) | (b[:, None] == b) | (a[:, None] == b) | (b[:, None] == a)
    np.fill_diagonal(same, False)
    return same
