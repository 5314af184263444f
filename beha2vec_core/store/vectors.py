"""Vectors out of Arrow: a list column as rows of a matrix."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def as_matrix(column: pa.ChunkedArray | pa.Array) -> NDArray[np.float32]:
    """The lists of a column, all of one length, as float32 [n, dim]; [0, 0] where there are none."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False), dtype=np.float32)
    return flat.reshape(len(whole), -1) if len(whole) else flat.reshape(0, 0)
