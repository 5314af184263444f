"""A log-linear model of a choice among values: scores are weighted sums of features, probabilities their softmax."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

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
    def _places(self) -> list[IntArray | None]:
        return [_cells(f, self.size) if isinstance(f, tuple) else None for f in self.features]

    def log_likelihood(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """``sum_i importance[i] log p(truth[i])`` and its gradient by the weights [F]."""
        log_p = log_probabilities(self.features, weights, (len(self.truth), self.size))
        residual = -np.exp(log_p) * self.importance[:, None]
        chosen = np.arange(len(self.truth)), self.truth
        residual[chosen] += self.importance
        gradient = [
            float(residual.reshape(-1)[places] @ f[2]) if isinstance(f, tuple) else float((residual * f).sum())
            for f, places in zip(self.features, self._places, strict=True)
        ]
        return float(self.importance @ log_p[chosen]), np.array(gradient)


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
