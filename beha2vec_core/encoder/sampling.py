"""Sampled softmax: the probability of a value among many, at a cost that does not depend on their number.

The true values of a row count in full. The others are estimated from a sample, each weighted by 1 over its probability
of being drawn (log-Q correction). A sample of all values gives the exact softmax.
Source: Bengio & Senecal 2008, Adaptive importance sampling to accelerate training of a neural probabilistic language
model; Yi et al. 2019, Sampling-bias-corrected neural modeling for large corpus item recommendations.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from beha2vec_core.encoder.vocabulary import FIRST_BUCKET


@dataclass(frozen=True)
class Candidates:
    """The values of a field that a training step compares: those of its batch and a random sample of all others.

    ids: ascending [C].
    sampled: the places of the sample among them, ascending [S].
    log_weight: minus the log probability of each sampled value to be drawn [S].
    """

    ids: Tensor
    sampled: Tensor
    log_weight: Tensor


class Sampler:
    """Draws values of a field, frequent ones more often."""

    def __init__(self, column: int, counts: npt.NDArray[np.int64], draws: int) -> None:
        """Draw ``draws`` ids with replacement, by their frequency ``counts`` [ids]; padding and null never.

        column: where :attr:`Tokens.kinds` holds the field.
        """
        self.column = column
        weights = counts + 1.0
        weights[:FIRST_BUCKET] = 0.0
        self.draws = draws
        self.probability = weights / weights.sum()
        self.cumulative = np.cumsum(self.probability)

    def draw(self, values: npt.NDArray[np.int32], rng: np.random.Generator, device: torch.device) -> Candidates:
        """The distinct values drawn, and the ``values`` of the batch."""
        places = np.searchsorted(self.cumulative, rng.random(self.draws) * self.cumulative[-1], side="right")
        drawn = np.unique(places)
        ids = np.union1d(drawn, values).astype(np.int64)
        missed = self.draws * np.log1p(-self.probability[drawn])
        arrays = ids, np.searchsorted(ids, drawn), -np.log(-np.expm1(missed)).astype(np.float32)
        return Candidates(*(torch.from_numpy(array).to(device) for array in arrays))


def log_probability(vectors: Tensor, weight: Tensor, bias: Tensor, candidates: Candidates, ids: Tensor) -> Tensor:
    """The log softmax of one value a row, estimated from the sample [n].

    vectors: [n, D]. weight, bias: of the candidates [C, D] and [C]. ids: of the value of each row [n], a candidate.
    """
    place = torch.searchsorted(candidates.ids, ids)
    own = (vectors * weight.index_select(0, place)).sum(-1) + bias.index_select(0, place)
    sample = candidates.sampled
    logits = vectors @ weight.index_select(0, sample).T + bias.index_select(0, sample)
    correction = candidates.log_weight.repeat(len(ids), 1)
    drawn = torch.searchsorted(sample, place).clamp(max=len(sample) - 1).unsqueeze(-1)
    is_own = sample[drawn] == place.unsqueeze(-1)
    correction.scatter_(1, drawn, correction.gather(1, drawn).masked_fill(is_own, float("-inf")))
    return torch.cat((logits + correction, own.unsqueeze(-1)), dim=-1).log_softmax(-1)[:, -1]


def log_probabilities(logits: Tensor, candidates: Candidates, row: Tensor, ids: Tensor) -> Tensor:
    """The log softmax of several values a row, estimated from the sample [m].

    logits: of the candidates [n, C]. row, ids: the row and the id of each value, a candidate, both [m].
    """
    place = torch.searchsorted(candidates.ids, ids)
    correction = torch.full_like(candidates.ids, float("-inf"), dtype=torch.float32)
    correction = correction.index_copy(0, candidates.sampled, candidates.log_weight).repeat(len(logits), 1)
    correction[row, place] = 0.0
    return (logits + correction).log_softmax(-1)[row, place]


def rows_of(weight: Tensor, ids: Tensor) -> Tensor:
    """Rows of a matrix, or elements of a vector, with a sparse gradient."""
    return F.embedding(ids, weight, sparse=True) if weight.ndim > 1 else weight.gather(0, ids, sparse_grad=True)
