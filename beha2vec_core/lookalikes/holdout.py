"""How well a list of look-alikes can be relied on: seeds that were hidden, and where they rank among the candidates.

Only some of those who are like the seeds are known; the candidates are a mixture of the others of that kind and of
everyone else (learning from positive and unlabelled data). Taken as a random sample of their kind (Elkan and Noto
2008), the seeds say which share of the kind a list finds, and so how much better than chance it is, whatever share of
the candidates is of the kind. For the precision that share is needed. It is estimated as in Best Bin Estimation (Garg
et al. 2021): as far as the top of the ranking is pure, the kind is there ``1 / share`` times as dense as everyone.
Where not even the top is pure, share and precision come out too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from beha2vec_core.lookalikes.ranking import (
    METHODS,
    MOST_COMPARED,
    NEAREST,
    Method,
    Vectors,
    count_seeds,
    sample_vectors,
    seed_vectors,
    seeds_joined,
)
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.words import counted, number

LEAST_SEEDS = 10  # with fewer an estimate says nothing
_SAMPLE = 10_000  # candidates that hidden seeds are ranked among
_FOLDS = 5
_REPEATS = 5
_THRESHOLDS = np.geomspace(1e-4, 1.0, 400)  # how far down the ranking, as a share of the candidates
_CAUTION = 2.5  # standard errors; fewer take a lucky run of seeds for a dense top, and the share comes out too low
_RESAMPLES = 200
_NOT_CHANCE = 1.645  # one-sided 5%
_NEARLY_ALL = 0.8  # of their kind: fewer of it are left to find than a fourth of the seeds

Ranks = NDArray[np.float64]  # [seeds, repeats]: share of the candidates that is above the seed while it is hidden


@dataclass(frozen=True)
class Estimate:
    """What a list of the best ``users`` candidates would be worth; intervals of 95%.

    Attributes:
        users: length of the list.
        found: share of the hidden seeds that it has: of all candidates of the kind, the share that is in it.
        lift: ``found`` over what a random list of that length would have.
        precision: share of the list that is of the kind.
    """

    users: int
    found: float
    found_low: float
    found_high: float
    lift: float
    lift_low: float
    lift_high: float
    precision: float
    precision_low: float
    precision_high: float


@dataclass(frozen=True)
class HoldoutEstimate:
    """What the hidden seeds say.

    Attributes:
        method: the one that ranks hidden seeds higher; the centroid where they do equally well.
        seeds: that were hidden, each several times.
        given: seeds in all; of many only a sample is hidden.
        candidates: that may be in a list.
        better_than_chance: whether hidden seeds rank higher than candidates at all; else the other figures say nothing.
        share: of the candidates that is of the kind, with its interval.
        estimates: of lists of growing length.
    """

    method: Method
    seeds: int
    given: int
    candidates: int
    better_than_chance: bool
    share: float
    share_low: float
    share_high: float
    estimates: tuple[Estimate, ...]

    @property
    def left(self) -> float:
        """How many of the candidates are of the kind, as estimated."""
        return self.share * self.candidates

    @property
    def covered(self) -> float:
        """The share of the whole kind, seeds and candidates, that the seeds are; near 1 hardly any are left to find."""
        return self.given / (self.given + self.left)

    def in_words(self, estimate: Estimate) -> str:
        """What the precision of a list means, beside that of a list drawn by chance; for people who see the figures."""
        users = counted(estimate.users, "user")
        text = (
            f"{_about(estimate.precision * estimate.users).capitalize()} of the {users} in the list "
            f"({number(estimate.precision, 'share')}) would be similar to yours; of {users} drawn at random, "
            f"{_about(self.share * estimate.users)} ({number(self.share, 'share')})."
        )
        if self.covered >= _NEARLY_ALL:
            text += (
                f" Your {counted(self.given, 'user')} seem to be nearly all users of their kind: "
                f"{_about(self.left)} of the {counted(self.candidates, 'other')} are similar. So any list holds mostly "
                "other users; “Better than chance” shows how good the ranking is."
            )
        return text


def _about(users: float) -> str:
    """A number of users as far as it is known: about 38, fewer than 1."""
    return f"about {users:,.0f}" if users >= 0.95 else "fewer than 1"


def estimate_holdout(
    connection: duckdb.DuckDBPyConnection,
    user_keys: Sequence[str],
    lengths: Sequence[int] = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
    seed: int = 0,
    *,
    without_converters: bool = False,
) -> HoldoutEstimate:
    """Hide a fifth of the seeds, rank them among the candidates by the others; each seed five times, in other company.

    Args:
        user_keys: the seeds that have a vector to rely on; of more than 500 a sample is used.
        lengths: of the lists; those longer than there are candidates, of whom a sample of 10,000 is ranked, are left
            out.
        seed: same seed, same answer.
        without_converters: leave out users with a conversion.

    Raises:
        ValueError: fewer than ten seeds have a vector to rely on, or there are no candidates.
    """
    with seeds_joined(connection, user_keys):
        seeds, given = seed_vectors(connection)[:MOST_COMPARED], count_seeds(connection)
        sample, total = sample_vectors(connection, _SAMPLE, without_converters=without_converters)
    if len(seeds) < LEAST_SEEDS:
        raise ValueError(f"{len(seeds)} seeds have a vector; an estimate needs {LEAST_SEEDS}")
    if not total:
        raise ValueError("there are no other users to rank: take fewer seeds, or exclude fewer users")
    ranks = hidden_ranks(seeds, sample, seed)
    auc = {method: 1.0 - float(ranks[method].mean()) for method in METHODS}
    method = max(METHODS, key=lambda one: round(auc[one], 3))
    return _judge(
        ranks[method], method, auc[method], given, total, [n for n in sorted(set(lengths)) if 0 < n <= total], seed
    )


def hidden_ranks(seeds: Vectors, sample: Vectors, seed: int = 0) -> dict[Method, Ranks]:
    """Where each seed ranks among the sample while it is hidden, by each method; ties count half."""
    rng = np.random.default_rng(seed)
    ranks: dict[Method, Ranks] = {method: np.empty((len(seeds), _REPEATS)) for method in METHODS}
    # each candidate's nearest seeds: enough that ten are left when a fifth is hidden
    near_sample, near_seeds = (_nearest(vectors, seeds, 3 * NEAREST) for vectors in (sample, seeds))
    for repeat in range(_REPEATS):
        folds = rng.permutation(len(seeds)) % _FOLDS
        for fold in range(_FOLDS):
            hidden = folds == fold
            mean = seeds[~hidden].mean(axis=0)
            ranks["centroid"][hidden, repeat] = _above(sample @ mean, seeds[hidden] @ mean)
            ranks["nearest"][hidden, repeat] = _above(
                _mean_of_kept(*near_sample, ~hidden), _mean_of_kept(*near_seeds, ~hidden)[hidden]
            )
    return ranks


def _nearest(vectors: Vectors, seeds: Vectors, count: int) -> tuple[NDArray[np.intp], Vectors]:
    """The nearest seeds of each vector, the nearest first, and their cosines: [n, count] each."""
    cosines = vectors @ seeds.T
    count = min(count, len(seeds))
    chosen = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(cosines, chosen, axis=1)
    order = np.argsort(-values, axis=1)
    return np.take_along_axis(chosen, order, axis=1), np.take_along_axis(values, order, axis=1)


def _mean_of_kept(chosen: NDArray[np.intp], cosines: Vectors, kept: NDArray[np.bool_]) -> Vectors:
    """Mean cosine with the ten nearest seeds that are not hidden, float32 [n]."""
    counts = kept[chosen]
    counts &= np.cumsum(counts, axis=1) <= NEAREST
    total = np.where(counts, cosines, np.float32(0)).sum(axis=1)
    return np.asarray(total / np.maximum(counts.sum(axis=1), 1), dtype=np.float32)


def _above(candidates: Vectors, hidden: Vectors) -> NDArray[np.float64]:
    """The share of the candidates with a higher score than each hidden seed."""
    ordered = np.sort(candidates)
    below = (np.searchsorted(ordered, hidden, "left") + np.searchsorted(ordered, hidden, "right")) / 2
    return 1.0 - below / len(ordered)


def _judge(
    ranks: Ranks, method: Method, auc: float, given: int, total: int, lengths: Sequence[int], seed: int
) -> HoldoutEstimate:
    seeds = len(ranks)
    hits = (ranks[:, :, None] <= _THRESHOLDS).mean(axis=1)  # of each seed, how often it is above each threshold
    drawn = np.random.default_rng(seed).multinomial(seeds, np.full(seeds, 1 / seeds), size=_RESAMPLES) / seeds
    share, pure = _share(hits.mean(axis=0), seeds)
    resampled = [(found, *_share(found, seeds)) for found in drawn @ hits]
    share_low, share_high = np.quantile([one for _, one, _ in resampled], [0.025, 0.975])
    estimates = []
    for users in lengths:
        part = users / total
        found = float((ranks <= part).mean())
        found_low, found_high = (float(limit) for limit in wilson_interval(found * seeds, seeds))
        precision = _precision(part, hits.mean(axis=0), share, pure)
        low, high = np.quantile([_precision(part, *one) for one in resampled], [0.025, 0.975])
        estimates.append(
            Estimate(
                users=users,
                found=found,
                found_low=found_low,
                found_high=found_high,
                lift=found / part,
                lift_low=found_low / part,
                lift_high=found_high / part,
                precision=precision,
                precision_low=min(float(low), precision),
                precision_high=max(float(high), precision),
            )
        )
    # the mean rank of seeds that are like anyone has variance 1 / 12 n
    far = (auc - 0.5) * float(np.sqrt(12 * seeds))
    return HoldoutEstimate(
        method=method,
        seeds=seeds,
        given=given,
        candidates=total,
        better_than_chance=far > _NOT_CHANCE,
        share=share,
        share_low=min(float(share_low), share),
        share_high=max(float(share_high), share),
        estimates=tuple(estimates),
    )


def _share(found: NDArray[np.float64], seeds: int) -> tuple[float, float]:
    """The share of the candidates that is of the kind, and down to which threshold the top is taken for pure.

    The threshold where the share is least, allowing for what chance does to so few seeds.
    """
    sure = found - _CAUTION * np.sqrt(np.clip(found * (1 - found), 0, None) / seeds)
    bounds = np.where(sure > 0, _THRESHOLDS / np.maximum(sure, 1e-12), np.inf)
    best = int(bounds.argmin())
    return min(1.0, float(_THRESHOLDS[best] / found[best])), float(_THRESHOLDS[best])


def _precision(part: float, found: NDArray[np.float64], share: float, pure: float) -> float:
    """Share of the first ``part`` of the ranking that is of the kind; where the top is taken for pure, all of it."""
    if part <= pure:
        return 1.0
    return min(1.0, float(np.interp(part, _THRESHOLDS, found)) * share / part)
