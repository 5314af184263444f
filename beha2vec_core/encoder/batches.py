"""Training batches: each user cut in two at random, what comes after each event, and who is no negative of whom.

Plans follow from (seed, epoch) and cuts from (seed, epoch, batch), so a batch is the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from beha2vec_core.compute.workers import Workers
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields, IdArray, IntArray, Tokens, gap_buckets, slice_hashes
from beha2vec_core.encoder.objectives import Batch
from beha2vec_core.encoder.packing import pack
from beha2vec_core.encoder.sampling import Sampler
from beha2vec_core.events.sequences import Sequences, ragged_range

DAY = 86_400


@dataclass(frozen=True)
class TrainingSet:
    """The tokens of all users, with what comes after each event [m]; ids are 0 where nothing does.

    next_page: of the next page view (or screen view), over other events; next_event_name, next_gap: of the next event.
    seconds: since the first event of all [m]. last: the last event of the same user [m].
    actions: places of the values of each kind of event among the ``n_actions`` known values of its event name, theme,
        page type and extra categories; ``n_actions`` where it has none [K, fields].
    """

    tokens: Tokens
    next_page: IdArray
    next_event_name: IdArray
    next_gap: IdArray
    seconds: IntArray
    last: IntArray
    actions: IdArray
    n_actions: int

    @classmethod
    def of(cls, fields: Fields, sequences: Sequences) -> TrainingSet:
        """Look up everything once."""
        tokens = fields.tokens(sequences)
        events = np.arange(len(tokens.kind))
        last = np.repeat(tokens.offsets[1:] - 1, tokens.lengths)
        page, event_name = (tokens.kinds[tokens.kind, fields.columns.index(name)] for name in ("page", "event_name"))
        next_view = np.append(np.where(sequences.is_page_view, events, len(events))[1:], len(events))
        next_view = np.minimum.accumulate(next_view[::-1])[::-1]
        next_page = np.append(page, 0)[next_view]

        def after(values: IdArray) -> IdArray:
            return np.where(events == last, 0, np.append(values[1:], 0)).astype(np.int32)

        actions, n_actions = _actions(fields, tokens)
        return cls(
            tokens=tokens,
            next_page=np.where(next_view <= last, next_page, 0).astype(np.int32),
            next_event_name=after(event_name),
            next_gap=after(tokens.gap),
            seconds=(sequences.event_timestamp - sequences.event_timestamp.min()) // 1_000_000,
            last=last,
            actions=actions,
            n_actions=n_actions,
        )


def _actions(fields: Fields, tokens: Tokens) -> tuple[IdArray, int]:
    columns, total = [], 0
    for name in fields.action_columns:
        ids, vocabulary = tokens.kinds[:, fields.columns.index(name)], fields.vocabularies[name]
        columns.append(np.where(ids >= vocabulary.first_known, total + ids - vocabulary.first_known, -1))
        total += len(vocabulary.values)
    found = np.stack(columns, axis=1)
    return np.where(found < 0, total, found).astype(np.int32), total


class UserBatches:
    """The batches of every epoch, of the users of two events or more."""

    def __init__(
        self,
        fields: Fields,
        sequences: Sequences,
        config: TrainConfig,
        device: torch.device,
        samplers: Mapping[str, Sampler] | None = None,
    ) -> None:
        """Look up the ids of all events once.

        samplers: those of the training batches, so that held-out losses are comparable; None: from these events.
        """
        self.data = TrainingSet.of(fields, sequences)
        self.samplers = value_samplers(fields, self.data.tokens, config) if samplers is None else samplers
        self.config, self.device = config, device
        self.lengths = sequences.n_events
        self.users = np.flatnonzero(self.lengths > 1)

    def plan(self, epoch: int) -> list[IntArray]:
        """The users of each batch of an epoch: a random part of them if ``max_updates`` allows no more."""
        rng = np.random.default_rng((self.config.seed, epoch))
        plan = plan_batches(self.lengths, self.users, self.config, rng)
        return plan[: self.config.max_updates // self.config.epochs]

    def of_epoch(self, epoch: int, skip: int = 0, every: int = 1) -> Iterator[tuple[Batch, IntArray]]:
        """Batches of an epoch and how many events each of their users has, [B]: the one after ``skip``, the
        ``every``-th after that, and so on.
        """
        plan = self.plan(epoch)
        for place in range(skip, len(plan), every):
            rng = np.random.default_rng((self.config.seed, epoch, place + 1))
            yield self._batch(plan[place], rng), self.lengths[plan[place]]

    def shares(self, epoch: int, workers: Workers, skip: int = 0) -> Iterator[tuple[Batch | None, IntArray]]:
        """One worker's share of each batch of an epoch but the first ``skip``; None where it has no user."""
        if workers.size == 1:
            yield from self.of_epoch(epoch, skip)
            return
        for place, whole in enumerate(self.plan(epoch)[skip:], start=skip + 1):
            users = workers.share(whole)
            rng = np.random.default_rng((self.config.seed, epoch, place, workers.rank))
            yield self._batch(users, rng) if len(users) else None, self.lengths[users]

    def _batch(self, users: IntArray, rng: np.random.Generator) -> Batch:
        return make_batch(self.data, users, self.config, rng, self.device, self.samplers)


def plan_batches(lengths: IntArray, users: IntArray, config: TrainConfig, rng: np.random.Generator) -> list[IntArray]:
    """Split users into batches, in random order, of users of like length, so that length does not reveal a negative."""
    jittered = lengths[users] * rng.uniform(1.0, 1.25, size=len(users)) + rng.uniform(0.0, 0.5, size=len(users))
    order = np.argsort(jittered, kind="stable")
    batches = split_by_tokens(lengths[users][order], config.batch_tokens, config.batch_users)
    return [users[order[batches[i]]] for i in rng.permutation(len(batches))]


def split_by_tokens(
    lengths: IntArray, batch_tokens: int, batch_users: int, padding: float = float("inf")
) -> list[slice]:
    """Consecutive slices with at most ``batch_users`` sequences and ``batch_tokens`` tokens, padding counted.

    ``padding``: how much of it a slice has at most, as a share of its tokens; lengths should then ascend.
    """
    slices = []
    start = 0
    while start < len(lengths):
        these = lengths[start : start + batch_users]
        padded = np.maximum.accumulate(these) * np.arange(1, len(these) + 1)
        fits = padded <= np.minimum(batch_tokens, (1 + padding) * np.cumsum(these))
        slices.append(slice(start, start + max(int(np.argmin(np.append(fits, False))), 1)))
        start = slices[-1].stop
    return slices


def random_split(lengths: IntArray, rng: np.random.Generator) -> IntArray:
    """How many events of each sequence, of two or more, make the first of two parts: any number but none and all.

    Together the parts are the whole; each is equally likely to be short, so that length does not reveal the user.
    """
    first: IntArray = rng.integers(1, lengths)
    return first


def value_samplers(fields: Fields, tokens: Tokens, config: TrainConfig) -> dict[str, Sampler]:
    """A sampler for each field with many values, by the frequency of the values."""
    samplers = {}
    for column, name in enumerate(fields.columns):
        if name in fields.larger_than(config.full_softmax):
            counts = np.bincount(tokens.kinds[tokens.kind, column], minlength=fields.sizes[name])
            samplers[name] = Sampler(column, counts, config.softmax_sample)
    return samplers


def make_batch(
    data: TrainingSet,
    users: IntArray,
    config: TrainConfig,
    rng: np.random.Generator,
    device: torch.device,
    samplers: Mapping[str, Sampler] | None = None,
) -> Batch:
    """The tensors of these users, freshly cut in two, with candidates drawn by the samplers."""
    start, length = data.tokens.offsets[users], data.tokens.lengths[users]
    first = random_split(length, rng)
    starts, lengths = np.concatenate((start, start + first)), np.concatenate((first, length - first))
    ends = starts + lengths - 1
    waited = _waited(data, ends, rng)
    packed = pack(data.tokens, starts, lengths, device, recency=gap_buckets(waited))
    rows = ragged_range(starts, lengths + 1)  # of the event each token is, or that a recency token comes after
    is_recency = np.zeros(len(rows), dtype=bool)
    is_recency[np.cumsum(lengths + 1) - 1] = True
    rows[is_recency] = ends
    since = np.zeros(len(rows), dtype=np.int64)
    since[is_recency] = waited
    future, known = _future(data, rows, since, config.horizon_days)
    kinds = data.tokens.kinds[np.unique(data.tokens.kind[rows])]
    candidates = {
        name: sampler.draw(kinds[:, sampler.column], rng, device) for name, sampler in (samplers or {}).items()
    }

    def tensor(array: npt.NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    def target(values: IdArray) -> torch.Tensor:
        return tensor(np.where(is_recency, 0, values[rows]).astype(np.int64))

    return Batch(
        packed=packed,
        same=tensor(_same(data.tokens, starts, lengths)),
        next_page=target(data.next_page),
        next_event_name=target(data.next_event_name),
        next_gap=target(data.next_gap),
        future=tensor(future),
        future_known=tensor(known),
        candidates=candidates,
    )


def _waited(data: TrainingSet, ends: IntArray, rng: np.random.Generator) -> IntArray:
    """Seconds from each of these events to a moment before the next one (or the end of the data), log-uniform."""
    following = np.minimum(ends + 1, len(data.seconds) - 1)
    until = np.where(ends < data.last[ends], data.seconds[following], data.seconds.max()) - data.seconds[ends]
    waited: IntArray = (np.exp(rng.random(len(ends)) * np.log(until + 1.0)) - 1).astype(np.int64)
    return waited


def _future(
    data: TrainingSet, rows: IntArray, since: IntArray, horizon_days: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """What users do in the horizon after these moments, these seconds after the events ``rows``, before the next.

    [n, n_actions] of 0 and 1, and whether the data reach to the end of the horizon [n].
    """
    last = data.last[rows]
    ends = np.unique(last)
    sizes = data.tokens.lengths[np.searchsorted(data.tokens.offsets, ends, side="right") - 1]
    events = ragged_range(ends - sizes + 1, sizes)  # all of these users, ascending
    actions = data.actions[data.tokens.kind[events]]
    coming = np.full((len(events) + 1, data.n_actions + 1), len(events))  # the next event with each action
    coming[np.arange(len(events))[:, None], actions] = np.arange(len(events))[:, None]
    coming = np.minimum.accumulate(coming[::-1], axis=0)[::-1][1:, :-1]
    coming = coming[np.searchsorted(events, rows)]
    seconds = np.append(data.seconds[events], 0)
    until = data.seconds[rows] + since + int(horizon_days * DAY)
    happens = (coming <= np.searchsorted(events, last)[:, None]) & (seconds[coming] <= until[:, None])
    return happens.astype(np.float32), until <= data.seconds.max()


def _same(tokens: Tokens, starts: IntArray, lengths: IntArray) -> npt.NDArray[np.bool_]:
    """Pairs of users who share a part: the same kinds of event in the same order, whenever they came."""
    hashes = slice_hashes(tokens.kind[:, None], starts, lengths)
    a, b = hashes[: len(starts) // 2], hashes[len(starts) // 2 :]
    same: npt.NDArray[np.bool_] = (a[:, None] == a) | (b[:, None] == b) | (a[:, None] == b) | (b[:, None] == a)
    np.fill_diagonal(same, False)
    return same
