"""Fitting the cluster model: k given, or chosen by the stability curve."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beha2vec_core.clusters.kmeans import MINIBATCH_ABOVE, kmeans
from beha2vec_core.clusters.map import fit_map
from beha2vec_core.clusters.model import ClusterModel, normalise
from beha2vec_core.clusters.stability import Choice, choose_k, stability_curve


def fit_clusters(
    vectors: NDArray[np.float32],
    *,
    k: int | None = None,
    k_range: tuple[int, int] = (4, 12),
    seed: int = 0,
    min_share: float = 0.01,
    max_share: float = 0.5,
    model_version: str = "",
    earlier: NDArray[np.int32] | None = None,
    outcome: ArrayLike | None = None,
    outcome_name: str = "the outcome",
    curve_users: int = 10_000,
    minibatch_above: int = MINIBATCH_ABOVE,
    progress: bool = True,
) -> ClusterModel:
    """K-Means over L2-normalised behavior vectors.

    Same vectors in the same order and same seed: the same model, bit for bit, on one machine.

    Args:
        vectors: behavior vectors, float32 [n, dim], one a user; leave out users with too little evidence.
        k: the number of clusters; None chooses it from ``k_range``. The curve is made either way: a given k shows
            where it stands among the others.
        k_range: the smallest and largest k to try, both included.
        seed: of K-Means, the resamples and the map.
        min_share: a k with a cluster below this share of users is chosen only where no other is better.
        max_share: the same for a cluster above this share.
        model_version: the encoder's, kept with the model.
        earlier: the cluster_key that each user had before [n], -1 for a new user. Their number of clusters stays unless
            another is more stable, and K-Means begins from where they lie now; see ``keys.keep_keys`` for the keys.
        outcome: a number a user [n], such as whether he bought: the last thing that k is chosen by.
        outcome_name: what it is, for the sentence that tells the choice.
        curve_users: the curve is made on a sample of at most this many users; the final fit takes all.
        minibatch_above: with more users than this the final fit goes by mini-batches.
        progress: show a progress bar.

    Raises:
        ValueError: fewer distinct users than clusters, or a range or share that makes no sense.
    """
    points = normalise(vectors)
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    low, high = k_range
    if not 2 <= low <= high:
        raise ValueError(f"k_range must be 2 <= smallest <= largest, not {k_range}")
    if not 0 <= min_share < max_share <= 1:
        raise ValueError(f"shares must be 0 <= min_share < max_share <= 1, not {min_share} and {max_share}")
    if len(points) < (k or low):
        raise ValueError(f"{len(points)} users cannot make {k or low} clusters: take more days, or a smaller k")

    drawn = np.random.default_rng(seed).permutation(len(points))[:curve_users]
    sample, of_sample = points[drawn], None if outcome is None else np.asarray(outcome)[drawn]
    tried = {*range(low, high + 1), *([k] if k is not None and k > 1 else [])}
    fits = (t for t in tried if t < len(sample))
    curve = stability_curve(sample, fits, seed=seed, outcome=of_sample, progress=progress)
    begin = _centres(points, earlier) if earlier is not None and (earlier >= 0).any() else None
    if k is None and curve.empty:
        raise ValueError(
            f"the users' vectors have fewer than {low} distinct values: take more days, train the encoder on more "
            "users, or give k"
        )
    earlier_k = None if begin is None else len(begin)
    k, why = _choice(curve, k, min_share, max_share, earlier_k, outcome_name)

    go_on = begin is not None and len(begin) == k
    centroids, labels = kmeans(
        points, k, seed=seed, starts=8, begin=begin if go_on else None, minibatch_above=minibatch_above
    )
    if len(centroids) < k:
        raise ValueError(f"the users' vectors have only {len(centroids)} distinct values, not {k}: give a smaller k")
    return ClusterModel(
        centroids=centroids,
        shares=np.bincount(labels, minlength=k) / len(points),
        curve=pd.DataFrame(curve.assign(chosen=curve["k"] == k)),
        user_map=fit_map(points, seed=seed),
        model_version=model_version,
        keys=np.arange(k, dtype=np.int32),
        seed=seed,
        why=why,
    )


def _choice(
    curve: pd.DataFrame, asked: int | None, min_share: float, max_share: float, earlier_k: int | None, outcome: str
) -> Choice:
    """The k asked for, with what the curve says, else the curve's."""
    if curve.empty and asked is not None:
        return Choice(asked, f"k = {asked}: as asked for")
    chosen = choose_k(curve, min_share=min_share, max_share=max_share, earlier_k=earlier_k, outcome=outcome)
    if asked is None:
        return chosen
    return Choice(asked, f"k = {asked}: as asked for; by the curve it would be {chosen.why}")


def _centres(points: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """The mean of the points of each label, those below 0 left out [labels, dim]."""
    return np.stack([points[labels == label].mean(axis=0) for label in np.unique(labels[labels >= 0])])
