"""Dense groups of users, shown beside the clusters; they are not stored, and no user is assigned to one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.clusters.unit import Vectors, normalise


@dataclass(frozen=True)
class DenseGroups:
    """What HDBSCAN finds in a sample of users.

    ``groups``: a row a group, the largest first: users, cluster_key (that most of them are in), share_in_cluster.
    ``ari``: agreement with the clusters, of the users who are in a group; NaN where there is none.
    """

    users: int
    noise_share: float  # users in no group
    ari: float
    groups: pd.DataFrame


def find_dense_groups(
    vectors: Vectors, clusters: NDArray[np.int32], *, seed: int = 0, max_users: int = 5_000
) -> DenseGroups:
    """HDBSCAN (Campello, Moulavi and Sander 2013) over the unit vectors of a sample.

    K-Means assigns every user to a cluster, however sparse the region; this shows how many groups stand out
    by themselves, and how many users are in none. Same input and seed: same groups.

    Args:
        vectors: behavior vectors, float32 [n, dim].
        clusters: the cluster_key of each [n].
        max_users: of the sample; the time grows with its square.
    """
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    drawn = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:max_users])
    points, keys = normalise(vectors[drawn]), clusters[drawn]
    smallest = max(10, len(points) // 100)
    if len(points) < 2 * smallest:  # too few for two groups
        return DenseGroups(len(points), 1.0, float("nan"), _groups(keys[:0], keys[:0]))
    with threadpool_limits(1):
        labels = np.asarray(HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(points), dtype=np.int32)
    in_group = labels >= 0
    ari = float(adjusted_rand_score(keys[in_group], labels[in_group])) if in_group.any() else float("nan")
    groups = _groups(labels[in_group], keys[in_group])
    return DenseGroups(len(points), float(1 - in_group.mean()), ari, groups)


def _groups(labels: NDArray[np.int32], keys: NDArray[np.int32]) -> pd.DataFrame:
    rows: list[tuple[int, int, float]] = []
    for label in np.unique(labels):
        within, counts = np.unique(keys[labels == label], return_counts=True)
        rows.append((int(counts.sum()), int(within[counts.argmax()]), float(counts.max() / counts.sum())))
    rows.sort(key=lambda row: (-row[0], row[1]))
    return pd.DataFrame(rows, columns=["users", "cluster_key", "share_in_cluster"])
