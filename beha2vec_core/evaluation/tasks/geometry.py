"""Geometry: do the vectors use their space?

Population: judged users (2,000 at most, evenly taken). All figures on rows of unit length. Effective dimension: the
participation ratio of the covariance's eigenvalues, (sum)^2 / sum of squares, and its share of the dimensions; 0 when
all vectors are equal, which is collapse, as is a mean pairwise cosine near 1. Uniformity and alignment after Wang and
Isola (2020, "Understanding contrastive representation learning through alignment and uniformity on the hypersphere"):
log of the mean over pairs of exp(-2 d^2), the lower the more evenly spread, 0 at collapse; mean squared distance d^2
between the halves of a user with six page views or more, the lower the better, also 0 at collapse.

Traps: each figure alone is easily had (collapse aligns perfectly, noise is perfectly uniform), so read them together;
users of one same page are rightly in one place, so data of many one-page users cap uniformity.
"""

import numpy as np
import numpy.typing as npt

from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial, user_mean
from beha2vec_core.evaluation.tasks.inputs import encode, halves, users_of

FloatArray = npt.NDArray[np.float64]

USERS = 2_000
# below this total variance differences are rounding
NOTHING = 1e-10


def effective_dimension(points: FloatArray) -> float:
    """In how many directions the points spread alike: 1 on a line, dim in a ball, 0 where all are equal."""
    centered = points - points.mean(axis=0)
    spread = np.square(centered).sum()  # the eigenvalues' sum; that of their squares is the squared norm of the matrix
    if spread / len(points) < NOTHING:
        return 0.0
    return float(spread**2 / np.square(centered.T @ centered).sum())


def mean_cosine(points: FloatArray) -> float:
    """Mean cosine of all pairs of different unit vectors."""
    n = len(points)
    return float((np.square(points.sum(axis=0)).sum() - np.square(points).sum()) / (n * (n - 1)))


def uniformity(points: FloatArray) -> float:
    """Log of the mean over pairs of exp(-2 d^2)."""
    pairs = np.triu_indices(len(points), 1)
    length = np.square(points).sum(axis=1)
    squared = (length[:, None] + length[None, :] - 2 * points @ points.T)[pairs]
    return float(np.log(np.exp(-2 * np.maximum(squared, 0)).mean()))


def run(trial: Trial) -> list[Outcome]:
    """The figures of the whole, and alignment where users have halves."""
    vectors = encode(trial.fitted, trial.split.judged)
    if len(vectors) < 2:
        return []
    points = normalise(vectors[:: -(-len(vectors) // USERS)]).astype(np.float64)
    dimension = effective_dimension(points)
    figures = {
        "effective dimension": dimension,
        "effective share of dimensions": dimension / points.shape[1],
        "mean cosine": mean_cosine(points),
        "uniformity": uniformity(points),
    }
    outcomes = [Outcome("geometry", metric, value, len(points)) for metric, value in figures.items()]
    first, second = halves(trial.split.judged)
    if not first.empty:
        apart = normalise(encode(trial.fitted, first)) - normalise(encode(trial.fitted, second))
        outcomes.append(user_mean("geometry", "alignment", users_of(first), np.square(apart).sum(axis=1)))
    return outcomes


TASK = Task("geometry", "users", "encode", run)
