"""The curve k is chosen by: stability, silhouette, sizes and separation of an outcome at each k."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beha2vec_core.clusters.kmeans import kmeans, nearest
from beha2vec_core.clusters.separation import epsilon_squared
from beha2vec_core.progress import with_progress

CURVE_COLUMNS = (
    "k", "stability_ari", "silhouette", "largest_share", "smallest_share", "outcome_epsilon2", "inertia", "chosen",
)  # fmt: skip
# stabilities nearer than this are called equal: with a handful of resamples they cannot be distinguished
_STABILITY_TOLERANCE = 0.05
# the same for silhouettes: about what drawing another sample of users changes
_SILHOUETTE_TOLERANCE = 0.01


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
    resamples: int = 6,
    silhouette_users: int = 2_000,
    progress: bool = True,
) -> pd.DataFrame:
    """One row a k, in ascending order, ``chosen`` still false.

    stability_ari: mean adjusted Rand index between the clusters of all points and those found from a bootstrap
    resample and assigned to all points (Hennig 2007, with ARI for Jaccard); 1 = resampling changes nothing.
    silhouette: mean over a sample of users. outcome_epsilon2: how much of the outcome's variance the clusters explain
    beyond chance (``separation.epsilon_squared``), NaN without one. inertia: mean squared distance to the centroid. A k
    for which the points do not have enough distinct values is left out.

    Args:
        points: unit vectors, float32 [n, dim].
        ks: the numbers of clusters to try.
        seed: of the fits, the resamples and the sample.
        outcome: a number a point [n], such as whether the user bought.
        resamples: bootstrap resamples a k.
        silhouette_users: silhouette needs all pairs of users, so it is taken on a sample.
        progress: show a progress bar.
    """
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rows = []
    for k in with_progress(sorted(set(ks)), title="choosing k", unit="k", shown=progress):
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
                "outcome_epsilon2": float("nan") if outcome is None else epsilon_squared(labels, outcome),
                "inertia": float(np.square(points - centroids[labels]).sum(axis=1).mean()),
                "chosen": False,
            }
        )
    kinds = dict.fromkeys(CURVE_COLUMNS, "float64") | {"k": "int64", "chosen": "bool"}
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS)).astype(kinds)  # also where it is empty


def choose_k(
    curve: pd.DataFrame,
    *,
    min_share: float,
    max_share: float,
    earlier_k: int | None = None,
    outcome: str = "the outcome",
) -> Choice:
    """The k of the curve to use: within the size limits the most stable, then the k there was, silhouette, outcome.

    Only the k whose clusters break the size limits least are considered (those that break none, where there are any);
    of those, the ones as stable as the most stable within a tolerance; of those ``earlier_k``, so that people keep
    their clusters, else those with the highest silhouette within a tolerance; of several, the one whose clusters
    separate ``outcome`` (its name) best.
    """
    breach = (curve["largest_share"] - max_share).clip(lower=0) + (min_share - curve["smallest_share"]).clip(lower=0)
    fitting = curve[breach <= breach.min() + 1e-9]
    stable = fitting[fitting["stability_ari"] >= fitting["stability_ari"].max() - _STABILITY_TOLERANCE]
    tolerance = _SILHOUETTE_TOLERANCE if stable["outcome_epsilon2"].notna().all() else 0.0
    separate = stable[stable["silhouette"] >= stable["silhouette"].max() - tolerance]
    ranked = separate.sort_values(["outcome_epsilon2", "silhouette", "k"], ascending=[False, False, True])
    stays = earlier_k is not None and earlier_k in set(stable["k"])
    row = (stable[stable["k"] == earlier_k] if stays else ranked).iloc[0]

    why = "the most stable" if len(stable) == 1 else "as stable as the best"
    why += f" (ARI {row['stability_ari']:.2f})"
    if stays:
        why += ", and as many as before"
    elif len(separate) > 1:
        why += f", silhouette among the largest ({row['silhouette']:.2f})"
        why += f" and of those it separates {outcome} best (epsilon squared {row['outcome_epsilon2']:.3f})"
    elif len(stable) > 1:
        why += f", largest silhouette among those ({row['silhouette']:.2f})"
    limits = f"a cluster below {min_share:.0%} or above {max_share:.0%} of the users"
    if breach.min() > 0:
        why += f"; every k has {limits}, this one breaks that least"
    elif len(fitting) < len(curve):
        why += f"; left out for {limits}: {', '.join(map(str, curve.loc[breach > 1e-9, 'k']))}"
    return Choice(int(row["k"]), f"k = {int(row['k'])}: {why}")
