"""The curve k is chosen by: how stable, how separate and how even the clusters are at each k."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from beha2vec_core.clusters.kmeans import kmeans, nearest

CURVE_COLUMNS = ("k", "stability_ari", "silhouette", "largest_share", "smallest_share", "inertia", "chosen")
# stabilities nearer than this are called equal: with a handful of resamples they cannot be told apart
_STABILITY_TOLERANCE = 0.05


def stability_curve(
    points: NDArray[np.float32],
    ks: Iterable[int],
    *,
    seed: int,
    resamples: int = 6,
    silhouette_users: int = 2_000,
    progress: bool = True,
) -> pd.DataFrame:
    """One row a k, in ascending order, ``chosen`` still false.

    stability_ari: mean adjusted Rand index between the clusters of all points and those found from a bootstrap
    resample and assigned to all points (Hennig 2007, with ARI for Jaccard); 1 = resampling changes nothing.
    silhouette: mean over a sample of users. inertia: mean squared distance to the centroid. A k for which the points
    do not have enough distinct values is left out.

    Args:
        points: unit vectors, float32 [n, dim].
        ks: the numbers of clusters to try.
        seed: of the fits, the resamples and the sample.
        resamples: bootstrap resamples a k.
        silhouette_users: silhouette needs all pairs of users, so it is taken on a sample.
        progress: show a progress bar.
    """
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rows = []
    for k in tqdm(sorted(set(ks)), desc="Choosing k", unit="k", disable=not progress):
        centroids, labels = kmeans(points, k, seed=seed)
        if len(centroids) < k:
            continue
        agreements = []
        for resample in range(resamples):
            rng = np.random.default_rng([seed, k, resample])
            drawn = points[rng.integers(0, len(points), len(points))]
            again, _ = kmeans(drawn, k, seed=seed + resample + 1)
            agreements.append(adjusted_rand_score(labels, nearest(points, again)))
        sizes = np.bincount(labels, minlength=k) / len(points)
        sample = np.random.default_rng(seed).permutation(len(points))[:silhouette_users]
        found = np.unique(labels[sample]).size
        rows.append(
            {
                "k": k,
                "stability_ari": float(np.mean(agreements)),
                "silhouette": float(silhouette_score(points[sample], labels[sample]))
                if 1 < found < len(sample)
                else 0.0,
                "largest_share": float(sizes.max()),
                "smallest_share": float(sizes.min()),
                "inertia": float(np.square(points - centroids[labels]).sum(axis=1).mean()),
                "chosen": False,
            }
        )
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def choose_k(curve: pd.DataFrame, *, min_share: float, max_share: float, earlier_k: int | None = None) -> int:
    """The k of the curve to use: sizes first, then stability, then the k there was, then silhouette.

    Only the k whose clusters break the size limits least are considered (those that break none, where there are any);
    of those, the ones as stable as the most stable within a tolerance; of those ``earlier_k``, so that people keep
    their clusters, else the highest silhouette.
    """
    breach = (curve["largest_share"] - max_share).clip(lower=0) + (min_share - curve["smallest_share"]).clip(lower=0)
    fitting = curve[breach <= breach.min() + 1e-9]
    stable = fitting[fitting["stability_ari"] >= fitting["stability_ari"].max() - _STABILITY_TOLERANCE]
    if earlier_k is not None and earlier_k in set(stable["k"]):
        return earlier_k
    return int(stable.sort_values(["silhouette", "k"], ascending=[False, True])["k"].iloc[0])
