"""Vectors on the unit sphere, where clusters lie."""

import numpy as np
from numpy.typing import NDArray


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
