"""Likely clusters: the probability of each cluster for users of whom too little is known to be in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from beha2vec_core.clusters.unit import normalise
from beha2vec_core.store.vectors import as_matrix

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

FOLDS = 5
# fewer users cannot show how often a probability holds
FEWEST_USERS = 200
# from which share of right guesses on a cluster is named
NAMED_FROM = 0.5
BINS = 10
FEWEST_IN_BIN = 20
_TEMPERATURES = np.geomspace(0.25, 8, 101)
_LEAST = 1e-12

FloatArray = NDArray[np.float64]


class Bin(NamedTuple):
    """Held-out users whose most likely cluster has a probability in one tenth of 0 to 1.

    stated: the mean probability. observed: the share whose later cluster it was.
    """

    stated: float
    observed: float
    users: int


@dataclass(frozen=True)
class ClusterPosterior:
    """Multinomial logistic regression on the behavior vector of a user's first events, calibrated.

    Make one with :func:`fit_posterior`. weights: [k, dim]; bias: [k]. threshold: the lowest probability with which a
    cluster is named. reliability: bins of parts of held-out users. calibration_error: the expected calibration error
    on these. parts: how many they are.
    """

    weights: FloatArray
    bias: FloatArray
    threshold: float
    reliability: tuple[Bin, ...]
    calibration_error: float
    parts: int

    def probabilities(self, vectors: NDArray[np.float32]) -> FloatArray:
        """The probability of each cluster [n, k], from behavior vectors [n, dim]."""
        return _softmax(normalise(vectors) @ self.weights.T + self.bias)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays, as :meth:`from_arrays` reads them."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "threshold": np.asarray(self.threshold),
            "reliability": np.array(self.reliability, dtype=np.float64).reshape(-1, 3),
            "calibration_error": np.asarray(self.calibration_error),
            "parts": np.asarray(self.parts),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ClusterPosterior:
        """What :meth:`to_arrays` described."""
        return cls(
            weights=arrays["weights"],
            bias=arrays["bias"],
            threshold=float(arrays["threshold"]),
            reliability=tuple(Bin(float(s), float(o), int(n)) for s, o, n in arrays["reliability"]),
            calibration_error=float(arrays["calibration_error"]),
            parts=int(arrays["parts"]),
        )


def fit_posterior(
    vectors: NDArray[np.float32], cluster: NDArray[np.int64], user: NDArray[np.int64], k: int, *, seed: int = 0
) -> ClusterPosterior | None:
    """Learn from early parts of users which cluster they are in later.

    The regression is calibrated by one temperature (Guo et al. 2017, arXiv:1706.04599), found on users in turn left out
    of it. Reliability and expected calibration error (Naeini et al. 2015) are those of users left out of both.

    Args:
        vectors: behavior vectors of early parts, float32 [n, dim].
        cluster: the later cluster of each part's user, 0 to k - 1 [n].
        user: whose part each is; parts of one user are learned from or left out together [n].
        k: the number of clusters.
        seed: of the folds.

    Returns:
        None where there is one cluster or fewer than `FEWEST_USERS` users: then nothing can be said.
    """
    users, user = np.unique(user, return_inverse=True)
    if k < 2 or len(users) < FEWEST_USERS:
        return None
    points = normalise(vectors)
    fold = np.random.default_rng(seed).permutation(len(users))[user] % FOLDS
    scores = np.empty((len(points), k))
    for this in range(FOLDS):
        weights, bias = _regression(points[fold != this], cluster[fold != this], k)
        scores[fold == this] = points[fold == this] @ weights.T + bias
    calibrated = np.empty_like(scores)
    for this in range(FOLDS):
        temperature = _temperature(scores[fold != this], cluster[fold != this])
        calibrated[fold == this] = _softmax(scores[fold == this] / temperature)
    reliability = reliability_of(calibrated, cluster)
    temperature = _temperature(scores, cluster)
    weights, bias = _regression(points, cluster, k)
    return ClusterPosterior(
        weights=weights / temperature,
        bias=bias / temperature,
        threshold=_threshold(calibrated, cluster),
        reliability=reliability,
        calibration_error=calibration_error(reliability),
        parts=len(points),
    )


def early_parts(
    encoder: BehaviorEncoder, sequences: pa.Table, lengths: range
) -> Iterator[tuple[int, pa.Array, NDArray[np.float32]]]:
    """Users' first events, as the encoder saw them then: how many, user_key [n] and behavior vectors [n, dim].

    Args:
        encoder: makes the vectors.
        sequences: one row a user, events in list columns; users of as many events or fewer are left out.
        lengths: numbers of first events.
    """
    lists = [name for name in sequences.column_names if pa.types.is_list(sequences.schema.field(name).type)]
    events = pc.list_value_length(sequences["event_timestamp"])
    for length in lengths:
        part = sequences.filter(pc.greater(events, length))
        for name in lists:
            first = pc.list_slice(part[name], 0, length, return_fixed_size_list=False)
            part = part.set_column(part.column_names.index(name), name, first)
        encoded = encoder.encode(part)
        yield length, encoded["user_key"], as_matrix(encoded["behavior"])


def reliability_of(probabilities: FloatArray, cluster: NDArray[np.int64]) -> tuple[Bin, ...]:
    """How often the most likely cluster was right, by its probability, in tenths; empty tenths are left out."""
    stated, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == cluster
    tenth = np.minimum((stated * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(float(stated[tenth == t].mean()), float(right[tenth == t].mean()), int((tenth == t).sum()))
        for t in np.unique(tenth)
    )


def calibration_error(reliability: tuple[Bin, ...]) -> float:
    """Expected calibration error: the mean distance of stated and observed share, weighed by users."""
    users = sum(one.users for one in reliability)
    return sum(abs(one.stated - one.observed) * one.users for one in reliability) / max(users, 1)


def _threshold(probabilities: FloatArray, cluster: NDArray[np.int64]) -> float:
    """The lowest tenth from which on each tenth of enough users was right at least half of the time; 1 if none was."""
    threshold = 1.0
    stated, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == cluster
    for tenth in range(BINS - 1, -1, -1):
        inside = (stated >= tenth / BINS) & (stated < threshold)
        if inside.sum() >= FEWEST_IN_BIN:
            if right[inside].mean() < NAMED_FROM:
                break
            threshold = tenth / BINS
    return threshold


def _regression(points: NDArray[np.float32], cluster: NDArray[np.int64], k: int) -> tuple[FloatArray, FloatArray]:
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


def _temperature(scores: FloatArray, cluster: NDArray[np.int64]) -> float:
    """What to divide the scores by, so that the later clusters are the most likely."""
    rows = np.arange(len(scores))
    losses = [-np.log(_softmax(scores / t)[rows, cluster].clip(min=_LEAST)).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares
