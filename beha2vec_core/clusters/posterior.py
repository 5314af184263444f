"""Likely clusters: the probability of each cluster for users with too few events to be assigned to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beha2vec_core.clusters.unit import normalise

FOLDS = 5
FEWEST_USERS = 200  # too few to measure calibration on below that
NAMED_FROM = 0.5  # share of correct guesses from which a cluster is named
BINS = 10
FEWEST_IN_BIN = 20
_TEMPERATURES = np.geomspace(0.25, 8, 101)
_LEAST = 1e-12

FloatArray = NDArray[np.float64]


class Bin(NamedTuple):
    """Vectors whose most likely cluster has a probability in one tenth of 0 to 1.

    predicted: the mean probability. observed: the share of users whose later cluster it was. parts: number of vectors.
    """

    predicted: float
    observed: float
    parts: int


@dataclass(frozen=True)
class ClusterPosterior:
    """Multinomial logistic regression on the behavior vector of a user's first events, calibrated.

    Make one with :func:`fit_posterior`. weights: [k, dim]; bias: [k]. threshold: the lowest probability with which a
    cluster is named. reliability: of users left out of the fit.
    """

    weights: FloatArray
    bias: FloatArray
    threshold: float
    reliability: tuple[Bin, ...]

    def probabilities(self, vectors: NDArray[np.float32]) -> FloatArray:
        """The probability of each cluster [n, k], from behavior vectors [n, dim]."""
        return _softmax(normalise(vectors) @ self.weights.T + self.bias)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays, as :meth:`from_arrays` reads them."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "threshold": np.asarray(self.threshold),
            "reliability": np.array(self.reliability, dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ClusterPosterior:
        """What :meth:`to_arrays` described."""
        return cls(
            weights=arrays["weights"],
            bias=arrays["bias"],
            threshold=float(arrays["threshold"]),
            reliability=tuple(Bin(float(p), float(o), int(n)) for p, o, n in arrays["reliability"]),
        )


def fit_posterior(
    vectors: NDArray[np.float32], cluster: NDArray[np.integer[Any]], user: ArrayLike, k: int, *, seed: int = 0
) -> ClusterPosterior | None:
    """Learn to predict users' later clusters from their first events, by cross-validation over users.

    The regression is calibrated by one temperature (Guo et al. 2017, arXiv:1706.04599), fitted on held-out users. The
    reliability is that of users held out of both.

    Args:
        vectors: behavior vectors of first events, float32 [n, dim]; a user may have several.
        cluster: the later cluster of each vector's user, 0 to k - 1 [n].
        user: the user of each vector, whose vectors are held out together [n].

    Returns:
        None if there is one cluster or fewer than `FEWEST_USERS` users.
    """
    users, row = np.unique(user, return_inverse=True)
    if k < 2 or len(users) < FEWEST_USERS:
        return None
    points = normalise(vectors)
    fold = np.random.default_rng(seed).permutation(len(users))[row] % FOLDS
    scores = np.empty((len(points), k))
    for this in range(FOLDS):
        weights, bias = _regression(points[fold != this], cluster[fold != this], k)
        scores[fold == this] = points[fold == this] @ weights.T + bias
    calibrated = np.empty_like(scores)
    for this in range(FOLDS):
        temperature = _temperature(scores[fold != this], cluster[fold != this])
        calibrated[fold == this] = _softmax(scores[fold == this] / temperature)
    temperature = _temperature(scores, cluster)
    weights, bias = _regression(points, cluster, k)
    return ClusterPosterior(
        weights=weights / temperature,
        bias=bias / temperature,
        threshold=_threshold(calibrated, cluster),
        reliability=reliability_of(calibrated, cluster),
    )


def reliability_of(probabilities: FloatArray, truth: NDArray[np.integer[Any]]) -> tuple[Bin, ...]:
    """How often the most likely class was right, by its probability, in tenths; empty tenths are left out."""
    predicted, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    tenth = np.minimum((predicted * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(float(predicted[tenth == t].mean()), float(right[tenth == t].mean()), int((tenth == t).sum()))
        for t in np.unique(tenth)
    )


def calibration_error(reliability: tuple[Bin, ...]) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of predicted and observed, by parts."""
    parts = sum(one.parts for one in reliability)
    return sum(abs(one.predicted - one.observed) * one.parts for one in reliability) / max(parts, 1)


def _threshold(probabilities: FloatArray, cluster: NDArray[np.integer[Any]]) -> float:
    """The lowest tenth above which all tenths with enough vectors were right at least half of the time; else 1."""
    threshold = np.inf
    predicted, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == cluster
    for tenth in range(BINS - 1, -1, -1):
        inside = (predicted >= tenth / BINS) & (predicted < threshold)
        if inside.sum() >= FEWEST_IN_BIN:
            if right[inside].mean() < NAMED_FROM:
                break
            threshold = tenth / BINS
    return min(threshold, 1.0)


def _regression(
    points: NDArray[np.float32], cluster: NDArray[np.integer[Any]], k: int
) -> tuple[FloatArray, FloatArray]:
    """Weights [k, dim] and bias [k]; a cluster that no user is in has a probability of about 0."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    weights, bias = np.zeros((k, points.shape[1])), np.full(k, np.log(_LEAST))
    found = np.unique(cluster)
    if len(found) == 1:
        bias[found] = 0.0
        return weights, bias
    with threadpool_limits(1):
        model = LogisticRegression(max_iter=500).fit(points.astype(np.float64), cluster)
    if len(found) == 2:  # one row of weights, of the second
        half = np.array([-0.5, 0.5])
        weights[found], bias[found] = np.outer(half, model.coef_[0]), half * model.intercept_[0]
    else:
        weights[found], bias[found] = model.coef_, model.intercept_
    return weights, bias


def _temperature(scores: FloatArray, cluster: NDArray[np.integer[Any]]) -> float:
    """The divisor of the scores with the lowest log loss."""
    rows = np.arange(len(scores))
    losses = [-np.log(_softmax(scores / t)[rows, cluster].clip(min=_LEAST)).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares
