"""Vectors on the unit sphere, where clusters are."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.store.vectors import VectorFile

Vectors: TypeAlias = NDArray[np.float32] | VectorFile

CHUNK_ROWS = 65_536


class UnitVectors:
    """Vectors [n, dim] brought to length 1 when rows are read, so that those of a file are never in memory as a whole.

    Raises:
        ValueError: the vectors are not two-dimensional.
    """

    def __init__(self, vectors: Vectors) -> None:
        """vectors: an array, or a file."""
        if len(vectors.shape) != 2:
            raise ValueError(f"vectors must be two-dimensional [n, dim], not {vectors.shape}")
        self._vectors = vectors
        self.shape: tuple[int, ...] = vectors.shape

    def __len__(self) -> int:
        """How many vectors there are."""
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[Any]) -> NDArray[np.float32]:
        """Rows of it, as :func:`normalise` gives them."""
        return normalise(self._vectors[rows])


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1, float32 [n, dim]; a zero vector stays zero.

    Raises:
        ValueError: not two-dimensional, or NaN or infinity among the numbers.
    """
    points = np.ascontiguousarray(vectors, dtype=np.float32)
    if points.ndim != 2:
        raise ValueError(f"vectors must be two-dimensional [n, dim], not {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("vectors hold NaN or infinity: the encoder that made them is broken, train it again")
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(length > 0, length, 1.0), dtype=np.float32)


def chunks(n: int) -> list[slice]:
    """The rows 0 to n - 1, as many at a time as are worked on at once."""
    return [slice(start, start + CHUNK_ROWS) for start in range(0, n, CHUNK_ROWS)]
