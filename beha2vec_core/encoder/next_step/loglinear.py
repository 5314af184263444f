"""A log-linear model of a choice among values: scores are weighted sums of features, probabilities their softmax."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csc_array, csr_array

from beha2vec_core.encoder.next_step.moments import IntArray

FloatArray = npt.NDArray[np.float64]
# rows, values and amounts of what is not 0, each (row, value) at most once
Sparse = tuple[IntArray, IntArray, FloatArray]
# of n moments and V values: sparse, or an array that broadcasts to [n, V]
Feature = Sparse | FloatArray

ITERATIONS = 100


def log_probabilities(features: Sequence[Feature], weights: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """``log softmax_v(sum_f weights[f] features[f][i, v])`` [n, V]."""
    scores = np.zeros(shape)
    for feature, weight in zip(features, weights, strict=True):
        if isinstance(feature, tuple):
            scores.reshape(-1)[_cells(feature, shape[1])] += weight * feature[2]
        else:
            scores += weight * feature
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


def _cells(feature: Sparse, size: int) -> IntArray:
    """Its places in an array [n * V], which are found several times as fast as rows and values."""
    rows, values, _ = feature
    return rows * size + values


@dataclass(frozen=True)
class Choices:
    """What was chosen: features of n moments and V values, the value that came [n] and how much each counts [n]."""

    features: Sequence[Feature]
    truth: IntArray
    importance: FloatArray
    size: int

    @cached_property
    def _sparse(self) -> tuple[IntArray, csc_array, csr_array]:
        """The numbers of the sparse features, these as one matrix [n * V, features], and its transpose.

        Products with it take a quarter of the time of NumPy's indexing, and no threads that wait for each other.
        """
        listed = {number: feature for number, feature in enumerate(self.features) if isinstance(feature, tuple)}
        amounts = np.concatenate([np.zeros(0), *(feature[2] for feature in listed.values())])
        cells = np.concatenate([np.zeros(0, dtype=np.int64), *(_cells(f, self.size) for f in listed.values())])
        ends = np.cumsum([0, *(len(feature[2]) for feature in listed.values())])
        matrix = csc_array((amounts, cells, ends), shape=(len(self.truth) * self.size, len(listed)))
        return np.array([*listed], dtype=np.int64), matrix, matrix.T

    def log_likelihood(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """``sum_i importance[i] log p(truth[i])`` and its gradient by the weights [F]."""
        sparse, matrix, transposed = self._sparse
        arrays = {number: feature for number, feature in enumerate(self.features) if not isinstance(feature, tuple)}
        scores = (matrix @ weights[sparse]).reshape(len(self.truth), self.size)
        for number, feature in arrays.items():
            scores += weights[number] * feature
        scores -= scores.max(axis=1, keepdims=True)
        chosen = np.arange(len(self.truth)), self.truth
        residual = np.exp(scores)
        total = residual.sum(axis=1)
        residual *= (-self.importance / total)[:, None]
        residual[chosen] += self.importance
        gradient = np.zeros(len(weights))
        gradient[sparse] = transposed @ residual.reshape(-1)
        for number, feature in arrays.items():
            gradient[number] = np.einsum("nv,nv->", residual, np.broadcast_to(feature, residual.shape))
        return float(self.importance @ (scores[chosen] - np.log(total))), gradient


def fit_weights(blocks: Sequence[Choices], prior: FloatArray) -> FloatArray:
    """The weights [F] that make ``log likelihood - |weights - prior|^2`` the greatest; the prior if nothing was chosen.

    The problem is concave: the answer does not hang on where the search begins.
    Source: McFadden 1974, Conditional logit analysis of qualitative choice behavior; Liu & Nocedal 1989 (L-BFGS).
    """
    moments = sum(len(block.truth) for block in blocks)
    if not moments:
        return prior
    weights = torch.from_numpy(prior.copy()).requires_grad_()
    search = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> float:
        away = weights.detach().numpy() - prior
        found = [block.log_likelihood(prior + away) for block in blocks]
        weights.grad = torch.from_numpy((2 * away - sum(gradient for _, gradient in found)) / moments)
        return (float(away @ away) - sum(value for value, _ in found)) / moments

    search.step(loss)  # type: ignore[no-untyped-call]
    fitted: FloatArray = weights.detach().numpy()
    return fitted
