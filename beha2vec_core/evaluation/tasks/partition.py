"""Clusters as tasks make them: K-Means on rows brought to unit length, as `clusters` does with the product's users.

One rule for all methods. The length of a vector is lost, so a method whose columns have scales of their own must bring
them to one itself, and a single positive number says nothing: it wants a place on a circle.
"""

import numpy as np
import numpy.typing as npt

from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.tasks.inputs import Vectors

Labels = npt.NDArray[np.int32]

# of the tasks that know no true number
CLUSTERS = 6


def clusters(vectors: Vectors, k: int, *, seed: int) -> Labels:
    """The cluster of each user; fewer than k where the vectors have fewer distinct directions."""
    return kmeans(normalise(vectors), k, seed=seed)[1]


def agreement(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Adjusted Rand index; 0 where either side is a single lump, which agrees with anything and means nothing."""
    from sklearn.metrics import adjusted_rand_score

    if min(len(np.unique(one)), len(np.unique(other))) < 2:
        return 0.0
    return float(adjusted_rand_score(one, other))
