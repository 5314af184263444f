"""K-Means to identical bits: scikit-learn's, on one thread."""

import warnings

import numpy as np
from numpy.typing import NDArray


def kmeans(
    points: NDArray[np.float32],
    k: int,
    *,
    seed: int,
    starts: int = 4,
    begin: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Centroids [k, dim], largest cluster first, and each point's row among them [n].

    It begins ``starts`` times by k-means++ and takes the best, or once from the centroids ``begin`` [k, dim].
    Fewer than k centroids come back where the points have fewer than k distinct values.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # several threads add their partial sums in the order they finish, which changes the last bits of the centroids
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few distinct points: seen in the result
        if begin is None:
            fitted = KMeans(k, n_init=starts, random_state=seed).fit(points)
        else:
            fitted = KMeans(k, init=begin, n_init=1).fit(points)
    used, labels, sizes = np.unique(fitted.labels_, return_inverse=True, return_counts=True)
    centroids = np.asarray(fitted.cluster_centers_, dtype=np.float32)[used]
    # ties by the centroid's own numbers, not by K-Means' arbitrary order
    order = np.lexsort((*centroids.T[::-1], -sizes))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return centroids[order], rank[labels]


def nearest(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int64]:
    """The row of the nearest centroid of each point [n]."""
    scores = (centroids**2).sum(axis=1)[None, :] - 2.0 * points @ centroids.T
    return np.asarray(scores.argmin(axis=1), dtype=np.int64)
