"""The curve that k is chosen by: how stable the clusters and the least stable one are at each k, and their sizes."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beha2vec_core.clusters.kmeans import kmeans, nearest
from beha2vec_core.clusters.separation import epsilon_squared
from beha2vec_core.compute import Compute, LocalCompute
from beha2vec_core.progress import with_progress

CURVE_COLUMNS = (
    "k", "stability_ari", "least_jaccard", "silhouette", "largest_share", "smallest_share", "outcome_epsilon2",
    "inertia", "chosen",
)  # fmt: skip
# what a valid, stable cluster should have (Hennig, manual of R's fpc::clusterboot)
_STABLE = 0.75
# if no k reaches that: smaller differences from the best k are within the noise of the resamples
_TOLERANCE = 0.05
# a k with a smaller or a larger cluster, as shares of the users, is chosen only where no other is better
_MIN_SHARE, _MAX_SHARE = 0.01, 0.5
_SILHOUETTE_USERS = 2_000  # it needs all pairs of users, so it is taken on a sample


class Choice(NamedTuple):
    """The k to use, and why in one sentence."""

    k: int
    why: str


def stability_curve(
    points: NDArray[np.float32],
    ks: Iterable[int],
    *,
    seed: int,
    outcome: ArrayLike | None = None,
    resamples: int = 12,
    progress: bool = True,
    compute: Compute | None = None,
) -> pd.DataFrame:
    """One row a k, in ascending order, ``chosen`` still false.

    stability_ari: mean adjusted Rand index between the clusters of all points and those found from a bootstrap
    resample and assigned to all points; 1 = resampling changes nothing. least_jaccard: of the least stable cluster, the
    Jaccard index with the cluster of a resample most like it, mean over the resamples (Hennig 2007, Cluster-wise
    assessment of cluster stability). silhouette: mean over a sample of users. outcome_epsilon2: how much of the
    outcome's variance the clusters explain beyond chance (``separation.epsilon_squared``), NaN without one. inertia:
    mean squared distance to the centroid. A k for which the points do not have enough distinct values is left out.

    Args:
        points: unit vectors, float32 [n, dim].
        ks: the numbers of clusters to try.
        seed: of the fits, the resamples and the sample.
        outcome: a number a point [n], such as whether the user bought.
        resamples: bootstrap resamples a k.
        compute: where the numbers are tried, each by itself; None: in this process.
    """
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    def row_of(k: int) -> dict[str, float | bool] | None:
        centroids, labels = kmeans(points, k, seed=seed)
        if len(centroids) < k:
            return None
        agreements, recovered = [], []
        for resample in range(resamples):
            rng = np.random.default_rng([seed, k, resample])
            drawn = points[rng.integers(0, len(points), len(points))]
            again, _ = kmeans(drawn, k, seed=seed + resample + 1)
            found = nearest(points, again)
            agreements.append(adjusted_rand_score(labels, found))
            recovered.append(_jaccard(labels, found, k))
        sizes = np.bincount(labels, minlength=k) / len(points)
        sample = np.random.default_rng(seed).permutation(len(points))[:_SILHOUETTE_USERS]
        in_sample = np.unique(labels[sample]).size
        return {
            "k": k,
            "stability_ari": float(np.mean(agreements)),
            "least_jaccard": float(np.mean(recovered, axis=0).min()),
            "silhouette": float(silhouette_score(points[sample], labels[sample]))
            if 1 < in_sample < len(sample)
            else 0.0,
            "largest_share": float(sizes.max()),
            "smallest_share": float(sizes.min()),
            "outcome_epsilon2": float("nan") if outcome is None else epsilon_squared(labels, outcome),
            "inertia": float(np.square(points - centroids[labels]).sum(axis=1).mean()),
            "chosen": False,
        }

    numbers = with_progress(sorted(set(ks)), title="choosing k", unit="k", shown=progress)
    rows = [row for row in (compute or LocalCompute("cpu")).map(lambda _: row_of, numbers) if row]
    kinds = dict.fromkeys(CURVE_COLUMNS, "float64") | {"k": "int64", "chosen": "bool"}
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS)).astype(kinds)  # also where it is empty


def choose_k(curve: pd.DataFrame, earlier_k: int | None = None) -> Choice:
    """The k of the curve to use: within the size limits the k there was, else the largest, if all clusters are stable.

    Only the k whose clusters break the size limits least are considered (those that break none, where there are any).
    Of those, the ones whose least stable cluster has a mean Jaccard index of 0.75 (Hennig's limit of a stable one);
    where there is none, those as stable as the best within a tolerance. Of those ``earlier_k``, so that people keep
    their clusters, else the largest, as with prediction strength (Tibshirani and Walther 2005): where groups are in
    groups, fewer clusters are as stable, and say less.
    """
    breach = (curve["largest_share"] - _MAX_SHARE).clip(lower=0) + (_MIN_SHARE - curve["smallest_share"]).clip(lower=0)
    fitting = curve[breach <= breach.min() + 1e-9]
    best = fitting["least_jaccard"].max()
    stable = fitting[fitting["least_jaccard"] >= (_STABLE if best >= _STABLE else best - _TOLERANCE)]
    stays = earlier_k is not None and earlier_k in set(stable["k"])
    row = stable[stable["k"] == (earlier_k if stays else stable["k"].max())].iloc[0]

    why = "as many as before, and" if stays else "the most for which"
    why += " all clusters are stable" if best >= _STABLE else " clusters are as stable as the best"
    why += f" (least Jaccard index {row['least_jaccard']:.2f})"
    limits = f"a cluster below {_MIN_SHARE:.0%} or above {_MAX_SHARE:.0%} of the users"
    if breach.min() > 0:
        why += f"; every k has {limits}, this one breaks that least"
    elif len(fitting) < len(curve):
        why += f"; left out for {limits}: {', '.join(map(str, curve.loc[breach > 1e-9, 'k']))}"
    return Choice(int(row["k"]), f"k = {int(row['k'])}: {why}")


def _jaccard(labels: NDArray[np.int32], others: NDArray[np.int32], k: int) -> NDArray[np.float64]:
    """The Jaccard index of each cluster of ``labels`` with the cluster of ``others`` most like it [k]."""
    shared = np.zeros((k, k))
    np.add.at(shared, (labels, others), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    return np.asarray((shared / np.maximum(either, 1)).max(axis=1))
