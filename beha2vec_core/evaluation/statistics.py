"""Paired intervals: what may be said of the difference between two methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

COVERAGE = 0.95
# of judged to fitted users in the repeated splits
_JUDGED_TO_FITTED = 0.3 / 0.7
_RESAMPLES = 1000
_BLOCK_CELLS = 4_000_000

# mean of the scores; area under the ROC curve of scores against labels; a figure about the whole, not made of users
Statistic = Literal["mean", "auroc", "whole"]


@dataclass(frozen=True)
class Outcome:
    """One figure of one method on one split.

    ``users``, ``score`` and ``label`` are what it was computed from, one entry a unit (a user may own several), so
    that two methods can be compared on the same users; empty for a figure about the whole. ``n`` counts the units.
    """

    task: str
    metric: str
    value: float
    n: int
    statistic: Statistic = "whole"
    users: npt.NDArray[np.object_] | None = None
    score: npt.NDArray[np.float64] | None = None
    label: npt.NDArray[np.float64] | None = None


class Interval(NamedTuple):
    """A difference between two methods with the ends of its 95% interval."""

    difference: float
    low: float
    high: float


def auroc(score: npt.ArrayLike, label: npt.ArrayLike) -> float:
    """The share of pairs of a positive and a negative in which the positive scores higher; a tie counts half.

    NaN where either kind is missing.
    """
    labels = np.asarray(label, dtype=float)
    return float(weighted_aurocs(np.asarray(score, dtype=float), labels, np.ones((1, len(labels))))[0])


def weighted_aurocs(score: FloatArray, label: FloatArray, weights: FloatArray) -> FloatArray:
    """The AUROC under each row of ``weights`` [resamples, units], as if each unit were there that many times."""
    if score.size == 0:
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # of each run of equal scores
    weights = weights[:, order]
    positive = np.add.reduceat(weights * label[order], first, axis=1)
    negative = np.add.reduceat(weights, first, axis=1) - positive
    below = negative.cumsum(axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((positive * below).sum(axis=1) / pairs)


def paired_bootstrap(a: Sequence[Outcome], b: Sequence[Outcome]) -> Interval:
    """The mean over repeats of ``a`` less ``b``, with a 95% interval.

    Where outcomes are made of users, users are drawn again with replacement, the same for both methods and for all
    repeats: users drawn twice count twice wherever judged, so users who stand in many repeats, or own several
    units, do not pass for many. A whole figure has no users: its interval is the t interval of the repeats'
    differences, widened because repeats share their users (Nadeau and Bengio 2003); a single repeat says nothing,
    and its interval is infinite.

    Args:
        a: one outcome a repeat.
        b: the other method's, of the same repeats in the same order.

    Raises:
        ValueError: the two were not judged on the same repeats and units.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"{len(a)} and {len(b)} repeats cannot be paired")
    differences = np.array([one.value - other.value for one, other in zip(a, b, strict=True)])
    if a[0].statistic == "whole":
        return _corrected_t(differences)
    for one, other in zip(a, b, strict=True):
        if one.statistic != other.statistic or not np.array_equal(_users(one), _users(other)):
            raise ValueError(f"{one.task}, {one.metric}: the two were not judged on the same users")
    drawn = _resampled(a, b)
    low, high = np.nanquantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(float(differences.mean()), float(low), float(high))


def _corrected_t(differences: FloatArray) -> Interval:
    from scipy.stats import t

    center = float(differences.mean())
    repeats = len(differences)
    if repeats == 1:
        return Interval(center, float("-inf"), float("inf"))
    error = float(differences.std(ddof=1) * np.sqrt(1 / repeats + _JUDGED_TO_FITTED))
    reach = float(t.ppf((1 + COVERAGE) / 2, repeats - 1)) * error
    return Interval(center, center - reach, center + reach)


def _resampled(a: Sequence[Outcome], b: Sequence[Outcome]) -> FloatArray:
    """The mean difference under each resample of all repeats' users."""
    users, index = np.unique(np.concatenate([_users(outcome) for outcome in a]), return_inverse=True)
    owners = np.split(index, np.cumsum([outcome.n for outcome in a])[:-1])
    rng = np.random.default_rng(0)
    block = max(1, _BLOCK_CELLS // len(users))
    results = []
    for start in range(0, _RESAMPLES, block):
        rows = min(block, _RESAMPLES - start)
        counts = np.stack(
            [np.bincount(rng.integers(0, len(users), len(users)), minlength=len(users)) for _ in range(rows)]
        )
        repeats = [
            _statistic(one, counts[:, owner]) - _statistic(other, counts[:, owner])
            for one, other, owner in zip(a, b, owners, strict=True)
        ]
        present = ~np.isnan(repeats)
        with np.errstate(invalid="ignore"):
            results.append(np.where(present, repeats, 0).sum(axis=0) / present.sum(axis=0))
    return np.concatenate(results)


def _users(outcome: Outcome) -> npt.NDArray[np.object_]:
    assert outcome.users is not None, "only whole figures have no users"
    return outcome.users


def _statistic(outcome: Outcome, weights: npt.NDArray[Any]) -> FloatArray:
    assert outcome.score is not None
    if outcome.statistic == "auroc":
        assert outcome.label is not None
        return weighted_aurocs(outcome.score, outcome.label, weights.astype(float))
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ outcome.score / weights.sum(axis=1))
