"""K-Means to identical bits: scikit-learn's, on one thread; by mini-batches where there are very many points."""

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

MINIBATCH_ABOVE = 200_000
_BATCH_ROWS = 4_096
_CHUNK_ROWS = 65_536


def kmeans(
    points: NDArray[np.float32],
    k: int,
    *,
    seed: int,
    starts: int = 4,
    begin: NDArray[np.float32] | None = None,
    minibatch_above: int = MINIBATCH_ABOVE,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Centroids [k, dim], largest cluster first, and each point's row among them [n].

    It begins ``starts`` times by k-means++ and takes the best, or once from the centroids ``begin`` [k, dim].
    Above ``minibatch_above`` points the centroids are found by mini-batches (Sculley 2010, Web-scale k-means
    clustering); each point is in the cluster of its nearest centroid either way.
    Fewer than k centroids come back where the points have fewer than k distinct values.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    # several threads add their partial sums in the order they finish, which changes the last bits of the centroids
    with _libraries().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few distinct points: seen in the result
        start: dict[str, Any] = {"n_init": starts} if begin is None else {"init": begin, "n_init": 1}
        if len(points) > minibatch_above:
            fitted = MiniBatchKMeans(k, **start, random_state=seed, batch_size=_BATCH_ROWS, compute_labels=False).fit(
                points
            )
            labels = nearest(points, fitted.cluster_centers_)
            if len(np.unique(labels)) < k:  # unlike K-Means, mini-batches can leave a centroid without points
                fitted = KMeans(k, init=fitted.cluster_centers_, n_init=1).fit(points)
                labels = fitted.labels_
        else:
            fitted = KMeans(k, **start, random_state=seed).fit(points)
            labels = fitted.labels_
    used, labels, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    centroids = np.asarray(fitted.cluster_centers_, dtype=np.float32)[used]
    # ties by the centroid's own numbers, not by K-Means' arbitrary order
    order = np.lexsort((*centroids.T[::-1], -sizes))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return centroids[order], rank[labels]


@cache
def _libraries() -> "ThreadpoolController":
    """The libraries with threads of their own, once: to look for them takes as long as a small fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def nearest(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int64]:
    """The row of the nearest centroid of each point [n]."""
    rows = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        rows[chunk] = ((centroids**2).sum(axis=1)[None, :] - 2.0 * points[chunk] @ centroids.T).argmin(axis=1)
    return rows
