"""The 2-D map of users: a picture for people, never an input of anything."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.clusters.unit import UnitVectors

MAX_LANDMARKS = 1_500
_NEIGHBOURS = 6
_CHUNK_ROWS = 8_192


@dataclass(frozen=True)
class UserMap:
    """Landmark users with a place on the map; every other user is placed among the landmarks most like it.

    The landmarks are laid out once, with the model, by t-SNE started from PCA (van der Maaten and Hinton 2008), so the
    map stays the same from day to day until the clusters are fitted again. Plain PCA hides all but two directions of
    the vectors: with more than a few clusters they fall on top of each other.
    """

    landmarks: NDArray[np.float32]  # [m, dim] on the unit sphere
    positions: NDArray[np.float32]  # [m, 2]

    def place(self, points: NDArray[np.float32] | UnitVectors) -> NDArray[np.float32]:
        """Positions of unit vectors, float32 [n, 2]: mean of the nearest landmarks, the nearer the heavier."""
        neighbours = min(_NEIGHBOURS, len(self.landmarks))
        places = np.empty((len(points), 2), dtype=np.float32)
        for start in range(0, len(points), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            squared = np.maximum(2.0 - 2.0 * points[rows] @ self.landmarks.T, 0.0)
            nearest = np.argpartition(squared, neighbours - 1, axis=1)[:, :neighbours]
            weight = 1.0 / (np.take_along_axis(squared, nearest, axis=1) + 1e-4)
            weight /= weight.sum(axis=1, keepdims=True)
            places[rows] = np.einsum("nj,njd->nd", weight, self.positions[nearest])
        return places


def fit_map(points: NDArray[np.float32] | UnitVectors, *, seed: int, max_landmarks: int = MAX_LANDMARKS) -> UserMap:
    """Lay out a seeded sample of the unit vectors [n, dim] as landmarks. Same input and seed: same map."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    # users of one or two events are often exactly alike: one landmark is enough for them
    distinct = np.unique(points[rng.permutation(len(points))[: 4 * max_landmarks]], axis=0)
    landmarks = rng.permutation(distinct)[:max_landmarks]
    if len(landmarks) < 10:  # too few for t-SNE's neighbourhoods
        return UserMap(landmarks, _first_axes(landmarks))
    start = _first_axes(landmarks)
    start = start / max(float(start[:, 0].std()), 1e-12) * np.float32(1e-4)  # the scale t-SNE expects
    tsne = TSNE(perplexity=min(30.0, (len(landmarks) - 1) / 3.0), init=start, random_state=seed, max_iter=500)
    with threadpool_limits(1):  # the order threads finish in would show in the layout
        layout = tsne.fit_transform(landmarks)
    return UserMap(landmarks, np.asarray(layout, dtype=np.float32))


def _first_axes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first two principal components [n, 2], each turned so that its largest loading is positive."""
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    axes = axes[:2] * np.sign(np.take_along_axis(axes[:2], np.abs(axes[:2]).argmax(axis=1)[:, None], axis=1))
    places = np.zeros((len(points), 2), dtype=np.float32)
    places[:, : len(axes)] = centered @ axes.T
    return places
