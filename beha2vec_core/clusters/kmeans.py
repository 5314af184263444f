"""K-Means to identical bits: scikit-learn's, on one thread; by mini-batches of shards where points are very many."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.clusters.unit import UnitVectors, chunks
from beha2vec_core.compute import Compute, LocalCompute, Prepare

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

R = TypeVar("R")
Points = NDArray[np.float32] | UnitVectors

MINIBATCH_ABOVE = 200_000
# of a mini-batch: the most workers that can be busy at once
_BATCH_SHARDS = 16
# mini-batches begin where K-Means ends on a sample of this many
_SAMPLE_ROWS = 50_000
_MOST_PASSES = 20
# a pass that moves no centroid further is the last one; points of the unit sphere are up to 2 apart
_STILL = 1e-3


def kmeans(
    points: Points,
    k: int,
    *,
    seed: int,
    starts: int = 4,
    begin: NDArray[np.float32] | None = None,
    minibatch_above: int = MINIBATCH_ABOVE,
    compute: Compute | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Centroids [k, dim], largest cluster first, and each point's row among them [n].

    It begins ``starts`` times by k-means++ and takes the best, or once from the centroids ``begin`` [k, dim].
    Above ``minibatch_above`` points it begins from K-Means of a sample, unless there is ``begin``, and goes on by
    `minibatches`, on ``compute`` (None: in this process). Each point is in the cluster of its nearest centroid.
    Fewer than k centroids come back only where the points have fewer than k distinct values.
    """
    if len(points) > minibatch_above:
        if begin is None:
            sample = np.sort(np.random.default_rng(seed).permutation(len(points))[:_SAMPLE_ROWS])
            begin, _ = _exact(points[sample], k, seed, {"n_init": starts})
        centroids, labels = minibatches(points, begin, seed=seed, compute=compute or LocalCompute("cpu"))
    else:
        start: dict[str, Any] = {"n_init": starts} if begin is None else {"init": begin, "n_init": 1}
        centroids, labels = _exact(points[:], k, seed, start)
    used, rows, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    centroids = centroids[used]
    # ties by the centroid's own numbers, not by K-Means' arbitrary order
    order = np.lexsort((*centroids.T[::-1], -sizes))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return centroids[order], rank[rows]


def _exact(
    points: NDArray[np.float32], k: int, seed: int, start: dict[str, Any]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    # several threads add their partial sums in the order they finish, which changes the last bits of the centroids
    with _libraries().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few distinct points: seen in the result
        fitted = KMeans(k, **start, random_state=seed).fit(points)
    return np.asarray(fitted.cluster_centers_, dtype=np.float32), fitted.labels_


@cache
def _libraries() -> "ThreadpoolController":
    """The libraries with threads of their own, once: to look for them takes as long as a small fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def minibatches(
    points: Points, centroids: NDArray[np.float32], *, seed: int, compute: Compute
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Mini-batch K-Means: centroids [k, dim], and the row of the nearest one of each point [n].

    A mini-batch is up to 16 shards of 65,536 points, on which workers work at the same time (Sculley 2010, Web-scale
    k-means clustering). After each one, a centroid is the mean of the points that were nearest to it in this pass so
    far. If all shards are one mini-batch, a pass is a step of Lloyd's K-Means. Passes go on until the centroids stay.
    A centroid that ends a pass without points moves to the point that is farthest from all centroids, so each has
    points at the end, unless all points are within 0.001 of fewer centroids. The result does not depend on where it is
    made, nor on the number of workers.

    Args:
        points: unit vectors [n, dim]; of those of a file, workers read their shards.
        centroids: where to begin [k, dim].
        seed: of the order of the shards.
        compute: where shards are worked on.
    """
    shards = chunks(len(points))
    order, sums_of = np.random.default_rng(seed), partial(sums_by_label, k=len(centroids))
    for _ in range(_MOST_PASSES):
        before, total = centroids, Sums.of_none(*centroids.shape)
        drawn = [shards[number] for number in order.permutation(len(shards))]
        for start in range(0, len(drawn), _BATCH_SHARDS):
            batch = drawn[start : start + _BATCH_SHARDS]
            for part in compute.map(_of_shards(points, centroids, sums_of), batch):
                total += part
            centroids = total.means(otherwise=centroids)
        centroids = _refilled(points, centroids, total.counts, compute)
        if np.linalg.norm(centroids - before, axis=1).max() < _STILL:
            break
    while True:  # at most k times: a centroid that was moved to a point keeps it
        labels = np.concatenate(list(compute.map(_of_shards(points, centroids, _labels), shards)))
        refilled = _refilled(points, centroids, np.bincount(labels, minlength=len(centroids)), compute)
        if refilled is centroids:
            return centroids, labels
        centroids = refilled


def _refilled(
    points: Points, centroids: NDArray[np.float32], counts: NDArray[np.int64], compute: Compute
) -> NDArray[np.float32]:
    """The centroids, each one without points at the point that is farthest from all; the same where none moves."""
    for row in np.flatnonzero(counts == 0):
        work = _of_shards(points, centroids, partial(_farthest, centroids=centroids))
        distance, point = max(compute.map(work, chunks(len(points))), key=itemgetter(0))
        if distance < _STILL:
            break
        centroids = centroids.copy()
        centroids[row] = point
    return centroids


def _of_shards(
    points: Points, centroids: NDArray[np.float32], result: Callable[[NDArray[np.float32], NDArray[np.int32]], R]
) -> Prepare[slice, R]:
    """What is worked out of the points of a shard and the rows of their nearest centroids."""

    def work(shard: slice) -> R:
        chunk = points[shard]
        with _libraries().limit(limits=1):
            return result(chunk, nearest(chunk, centroids))

    return lambda _: work


def _labels(_: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.int32]:
    return labels


def _farthest(
    points: NDArray[np.float32], labels: NDArray[np.int32], centroids: NDArray[np.float32]
) -> tuple[float, NDArray[np.float32]]:
    """The distance of the point that is farthest from its centroid, and the point."""
    distances = np.linalg.norm(points - centroids[labels], axis=1)
    row = int(distances.argmax())
    return float(distances[row]), points[row]


@dataclass(frozen=True)
class Sums:
    """The sum of the points of each label [k, dim], and how many they are [k]."""

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of_none(cls, k: int, dim: int) -> "Sums":
        """Those of no points."""
        return cls(np.zeros((k, dim)), np.zeros(k, dtype=np.int64))

    def __add__(self, other: "Sums") -> "Sums":
        """Those of both."""
        return Sums(self.sums + other.sums, self.counts + other.counts)

    def means(self, otherwise: NDArray[np.float32] | float = 0.0) -> NDArray[np.float32]:
        """The mean of each label; ``otherwise`` where it has no points."""
        counts = self.counts[:, None]
        return np.where(counts > 0, self.sums / np.maximum(counts, 1), otherwise).astype(np.float32)


def sums_by_label(points: NDArray[np.float32], labels: NDArray[np.int32], k: int) -> Sums:
    """The sums of the points of labels 0 to k - 1; others are left out."""
    of_label = [points[labels == label] for label in range(k)]
    return Sums(
        np.stack([one.sum(axis=0, dtype=np.float64) for one in of_label]), np.array([len(one) for one in of_label])
    )


def nearest(points: Points, centroids: NDArray[np.float32]) -> NDArray[np.int32]:
    """The row of the nearest centroid of each point [n]."""
    rows = np.empty(len(points), dtype=np.int32)
    for chunk in chunks(len(points)):
        rows[chunk] = ((centroids**2).sum(axis=1)[None, :] - 2.0 * points[chunk] @ centroids.T).argmin(axis=1)
    return rows
