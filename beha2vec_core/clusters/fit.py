"""Fitting the cluster model: k given, or chosen by the stability curve."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beha2vec_core.clusters.kmeans import MINIBATCH_ABOVE, Sums, kmeans, sums_by_label
from beha2vec_core.clusters.map import MAX_LANDMARKS, fit_map
from beha2vec_core.clusters.model import ClusterModel
from beha2vec_core.clusters.stability import Choice, choose_k, stability_curve
from beha2vec_core.clusters.unit import UnitVectors, Vectors, chunks
from beha2vec_core.compute import Compute

# Of 200 users, a cluster of 50 that does something 20 points more often than the others differs by 2.5 standard errors.
MIN_USERS = 200
# Of 20 users a share is known to 20 points either way (95%), and no less is sent to a language model.
MIN_CLUSTER_USERS = 20


def fit_clusters(
    vectors: Vectors,
    *,
    k: int | None = None,
    k_range: tuple[int, int] = (4, 12),
    seed: int = 0,
    model_version: str = "",
    earlier: NDArray[np.int32] | None = None,
    outcome: ArrayLike | None = None,
    curve_users: int = 10_000,
    minibatch_above: int = MINIBATCH_ABOVE,
    map_landmarks: int = MAX_LANDMARKS,
    progress: bool = True,
    compute: Compute | None = None,
) -> ClusterModel:
    """K-Means over L2-normalised behavior vectors.

    Same vectors in the same order and same seed: the same model, bit for bit, on one machine. Where the users are too
    few or too alike for clusters, all are in one, and ``why`` of the model says so.

    Args:
        vectors: behavior vectors, float32 [n, dim], one a user; leave out users with too little evidence. Those of a
            file are in memory as a whole only up to ``minibatch_above`` users.
        k: the number of clusters, whatever their sizes; None chooses it from ``k_range``. The curve is made either way:
            a given k shows where it stands among the others.
        k_range: the smallest and largest k to try, both included; smaller ones are tried where none of these has
            clusters that are large enough.
        seed: of K-Means, the resamples and the map.
        model_version: the encoder's, kept with the model.
        earlier: the cluster_key that each user had before [n], -1 for a new user. Their number of clusters stays while
            all are stable, and K-Means begins from where they are now; see ``keys.keep_keys`` for the keys.
        outcome: a number a user [n], such as whether they bought: how the clusters separate it is shown on the curve.
        curve_users: the curve is made on a sample of at most this many users; the final fit takes all.
        minibatch_above: with more users than this the final fit goes by mini-batches (``kmeans.minibatches``).
        map_landmarks: the map is laid out with at most this many users.
        compute: where the curve and mini-batches are made; None: in this process.

    Raises:
        ValueError: fewer distinct users than clusters, or a range that makes no sense.
    """
    points = UnitVectors(vectors)
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    low, high = k_range
    if not 2 <= low <= high:
        raise ValueError(f"k_range must be 2 <= smallest <= largest, not {k_range}")
    if k is not None and len(points) < k:
        raise ValueError(f"{len(points)} users cannot make {k} clusters: take more days, or a smaller k")

    begin = _centers(points, earlier) if earlier is not None and (earlier >= 0).any() else None
    fit = _Fit(points, seed, begin, minibatch_above, map_landmarks, model_version, compute)
    if k is None and len(points) < MIN_USERS:
        few = f"{len(points):,} users with enough events are fewer than the {MIN_USERS:,} that clusters need"
        return fit.model(_one_cluster(few), stability_curve(points[:], [], seed=seed, progress=False))

    drawn = np.random.default_rng(seed).permutation(len(points))[:curve_users]
    sample, of_sample = points[drawn], None if outcome is None else np.asarray(outcome)[drawn]

    def curve_of(numbers: Iterable[int]) -> pd.DataFrame:
        possible = (number for number in numbers if number < len(sample))
        return stability_curve(sample, possible, seed=seed, outcome=of_sample, progress=progress, compute=compute)

    choose = partial(choose_k, earlier_k=None if begin is None else len(begin))
    if k is not None:
        curve = curve_of({*range(low, high + 1), *([k] if k > 1 else [])})
        note = f"; the curve suggests {choose(curve).why}" if len(curve) else ""
        if (users := fit.smallest(k)) < MIN_CLUSTER_USERS:
            note += f"; its smallest cluster has {users} of {len(points):,} users, too few to say much about"
        return fit.model(Choice(k, f"k = {k}: as requested{note}"), curve)

    curve = curve_of(range(low, high + 1))
    choice = _large_enough(curve, choose, fit)
    if choice is None:
        curve = pd.concat([curve_of(range(2, low)), curve], ignore_index=True)
        choice = _large_enough(curve, choose, fit)
    if curve.empty:
        raise ValueError("the users' vectors are all the same: take more days, train on more users, or give k")
    small = f"with any other number up to {high}, a cluster would have fewer than {MIN_CLUSTER_USERS} users"
    return fit.model(choice or _one_cluster(small), curve)


@dataclass
class _Fit:
    """K-Means over all users, and the model that comes of it."""

    points: UnitVectors
    seed: int
    begin: NDArray[np.float32] | None
    minibatch_above: int
    map_landmarks: int
    model_version: str
    compute: Compute | None
    _found: dict[int, tuple[NDArray[np.float32], NDArray[np.int32]]] = field(default_factory=dict, init=False)

    def found(self, k: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Centroids and labels."""
        if k not in self._found:
            begin = self.begin if self.begin is not None and len(self.begin) == k else None
            self._found[k] = kmeans(
                self.points,
                k,
                seed=self.seed,
                starts=8,
                begin=begin,
                minibatch_above=self.minibatch_above,
                compute=self.compute,
            )
        return self._found[k]

    def smallest(self, k: int) -> int:
        """Users of the smallest cluster; 0 where fewer than k were found."""
        return int(np.bincount(self.found(k)[1], minlength=k).min())

    def model(self, choice: Choice, curve: pd.DataFrame) -> ClusterModel:
        """The model of a chosen k."""
        centroids, labels = self.found(choice.k)
        if len(centroids) < choice.k:
            raise ValueError(
                f"the users' vectors have only {len(centroids)} distinct values, not {choice.k}: give a smaller k"
            )
        return ClusterModel(
            centroids=centroids,
            shares=np.bincount(labels, minlength=choice.k) / len(self.points),
            curve=pd.DataFrame(curve.assign(chosen=curve["k"] == choice.k)),
            user_map=fit_map(self.points, seed=self.seed, max_landmarks=self.map_landmarks),
            model_version=self.model_version,
            keys=np.arange(choice.k, dtype=np.int32),
            seed=self.seed,
            why=choice.why,
        )


def _one_cluster(because: str) -> Choice:
    return Choice(1, f"k = 1: {because}, so all users are in one; more days bring more users")


def _large_enough(curve: pd.DataFrame, choose: Callable[[pd.DataFrame], Choice], fit: _Fit) -> Choice | None:
    """The best k whose clusters are all large enough, on the curve's sample and then among all users."""
    left = curve[curve["smallest_share"] * len(fit.points) >= MIN_CLUSTER_USERS]
    while not left.empty:
        choice = choose(left)
        if fit.smallest(choice.k) >= MIN_CLUSTER_USERS:
            small = ", ".join(str(k) for k in curve["k"] if k not in set(left["k"]))
            note = f"; left out for a cluster of fewer than {MIN_CLUSTER_USERS} users: {small}" if small else ""
            return Choice(choice.k, choice.why + note)
        left = left[left["k"] != choice.k]
    return None


def _centers(points: UnitVectors, labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """The mean of the points of each label, those below 0 left out [labels, dim]."""
    found = np.unique(labels[labels >= 0])
    rows = np.where(labels >= 0, np.searchsorted(found, labels), -1)
    total = Sums.of_none(len(found), points.shape[1])
    for shard in chunks(len(points)):
        total += sums_by_label(points[shard], rows[shard], len(found))
    return total.means()
