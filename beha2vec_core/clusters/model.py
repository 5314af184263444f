"""The cluster model: what a fit keeps, how users are assigned, how it is saved."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.clusters.map import UserMap
from beha2vec_core.clusters.posterior import ClusterPosterior
from beha2vec_core.clusters.unit import UnitVectors, Vectors, chunks
from beha2vec_core.files import replacing

FORMAT_VERSION = 2
# the cluster_key of users of whom too little is known to be put into a cluster
TOO_LITTLE_EVIDENCE = -1


class Assignment(NamedTuple):
    """Where each user belongs: three arrays of one length, in the order of the vectors given.

    Where there is too little evidence of a user, cluster_key is `TOO_LITTLE_EVIDENCE`, distance and margin are NaN.
    """

    cluster_key: NDArray[np.int32]
    distance: NDArray[np.float32]  # to the nearest centroid, 0 to 2: vectors and users are on the unit sphere
    margin: NDArray[np.float32]  # second nearest minus nearest; near 0 = the user stands between two clusters


class Likely(NamedTuple):
    """The most likely cluster of each user with too few events, and its probability, in the order given.

    cluster_key is `TOO_LITTLE_EVIDENCE` where the probability is below the model's threshold.
    """

    cluster_key: NDArray[np.int32]
    probability: NDArray[np.float64]


@dataclass(frozen=True)
class ClusterModel:
    """K-Means centroids over L2-normalised behavior vectors, with the curve that chose k.

    ``keys`` names the cluster of each row of ``centroids``. A first fit counts from 0, the largest cluster, to k - 1,
    the smallest; later ones keep the keys of the clusters that go on (see ``keys.keep_keys``).
    ``posterior`` is None if it could not be fitted.
    ``model_version`` is that of the encoder whose vectors were clustered: vectors of another must not be assigned.
    """

    centroids: NDArray[np.float32]  # [k, dim]
    shares: NDArray[np.float64]  # [k] share of the fitted users, descending
    curve: pd.DataFrame  # columns `stability.CURVE_COLUMNS`
    user_map: UserMap
    model_version: str
    keys: NDArray[np.int32]  # [k]
    seed: int = 0
    why: str = ""  # this k, in one sentence
    posterior: ClusterPosterior | None = None

    @property
    def k(self) -> int:
        """The number of clusters."""
        return int(self.centroids.shape[0])

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.centroids.shape[1])

    def assign(self, vectors: Vectors, low_evidence: NDArray[np.bool_] | None = None) -> Assignment:
        """The nearest centroid of each user.

        Args:
            vectors: behavior vectors, float32 [n, dim], of the encoder ``model_version``; n may be 0.
            low_evidence: users whose vector is not reliable enough for a cluster [n]; None: no user.

        Raises:
            ValueError: the vectors have another length, or hold NaN or infinity.
        """
        points = self._points(vectors)
        nearest = np.empty(len(points), dtype=np.int32)
        distance = np.empty(len(points), dtype=np.float32)
        margin = np.empty(len(points), dtype=np.float32)
        for rows in chunks(len(points)):
            distances = _distances(points[rows], self.centroids)
            nearest[rows] = distances.argmin(axis=1)
            best_two = np.partition(distances, 1, axis=1) if self.k > 1 else np.repeat(distances, 2, axis=1)
            distance[rows] = best_two[:, 0]
            margin[rows] = best_two[:, 1] - best_two[:, 0]
        keys = self.keys[nearest]
        if low_evidence is not None:
            keys[low_evidence] = TOO_LITTLE_EVIDENCE
            distance[low_evidence] = margin[low_evidence] = np.nan
        return Assignment(keys, distance, margin)

    def likely(self, vectors: NDArray[np.float32]) -> Likely | None:
        """The most likely cluster of users with too few events; None if the model has no posterior.

        Raises:
            ValueError: as `assign`.
        """
        if self.posterior is None:
            return None
        probabilities = self.posterior.probabilities(self._points(vectors)[:])
        best = probabilities.max(axis=1)
        keys = self.keys[probabilities.argmax(axis=1)]
        keys[best < self.posterior.threshold] = TOO_LITTLE_EVIDENCE
        return Likely(keys, best)

    def second_best(self, vectors: NDArray[np.float32]) -> NDArray[np.int32]:
        """The key of the second nearest centroid of each user [n], for a few users.

        Raises:
            ValueError: there is only one cluster, or as `assign`.
        """
        if self.k < 2:
            raise ValueError("there is only one cluster, and no second best")
        return np.asarray(self.keys[_distances(self._points(vectors)[:], self.centroids).argsort(axis=1)[:, 1]])

    def project_2d(self, vectors: Vectors) -> NDArray[np.float32]:
        """Where each user is on the model's map, float32 [n, 2]; the same vector always falls on the same spot."""
        return self.user_map.place(UnitVectors(vectors))

    def _points(self, vectors: Vectors) -> UnitVectors:
        points = UnitVectors(vectors)
        if points.shape[1] != self.dim:
            raise ValueError(
                f"vectors have {points.shape[1]} numbers, the clusters were fitted on {self.dim}: embed the users with "
                f"encoder {self.model_version}, or fit the clusters again"
            )
        return points

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The whole model as plain arrays (numbers and text, no objects), as ``from_arrays`` reads them."""
        curve = {f"curve.{name}": self.curve[name].to_numpy() for name in self.curve.columns}
        posterior = self.posterior.to_arrays() if self.posterior else {}
        return {
            "format_version": np.asarray(FORMAT_VERSION),
            "model_version": np.asarray(self.model_version),
            "seed": np.asarray(self.seed),
            "why": np.asarray(self.why),
            "keys": self.keys,
            "centroids": self.centroids,
            "shares": self.shares,
            "map.landmarks": self.user_map.landmarks,
            "map.positions": self.user_map.positions,
            **curve,
            **{f"posterior.{name}": array for name, array in posterior.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "ClusterModel":
        """The model that ``to_arrays`` wrote.

        Raises:
            ValueError: it was written by a newer or older format.
        """
        found = int(arrays["format_version"])
        if found != FORMAT_VERSION:
            raise ValueError(f"cluster model has format {found}, this version reads {FORMAT_VERSION}: fit it again")
        curve, posterior = (
            {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
            for prefix in ("curve.", "posterior.")
        )
        return cls(
            centroids=arrays["centroids"].astype(np.float32),
            shares=arrays["shares"].astype(np.float64),
            curve=pd.DataFrame(curve),
            user_map=UserMap(
                landmarks=arrays["map.landmarks"].astype(np.float32),
                positions=arrays["map.positions"].astype(np.float32),
            ),
            model_version=str(arrays["model_version"]),
            keys=arrays["keys"].astype(np.int32),
            seed=int(arrays["seed"]),
            why=str(arrays["why"]),
            posterior=ClusterPosterior.from_arrays(posterior) if posterior else None,
        )

    def save(self, path: Path) -> Path:
        """Write one ``.npz`` file; it appears whole or not at all. Returns the path."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **self.to_arrays())
        return path

    @classmethod
    def load(cls, path: Path) -> "ClusterModel":
        """The model saved at ``path``; never unpickles anything."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))


def _distances(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean distances [n, k]."""
    squared = (points**2).sum(axis=1)[:, None] - 2.0 * points @ centroids.T + (centroids**2).sum(axis=1)[None, :]
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float32)
