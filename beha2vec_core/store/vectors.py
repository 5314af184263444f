"""Vectors out of Arrow: a list column as rows of a matrix, or of a file where there are very many."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# of the file of a run, in its scratch folder
FILE_NAME = "vectors"


def as_matrix(column: pa.ChunkedArray | pa.Array) -> NDArray[np.float32]:
    """The lists of a column, all of one length, as float32 [n, dim]; [0, 0] where there are none."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False), dtype=np.float32)
    return flat.reshape(len(whole), -1) if len(whole) else flat.reshape(0, 0)


@dataclass(frozen=True)
class VectorFile:
    """Vectors in a file, float32 row by row. Rows are read when asked for, by any process that sees the file."""

    path: Path
    shape: tuple[int, int]

    @classmethod
    def write(cls, path: Path, columns: Iterable[pa.Array]) -> "VectorFile":
        """Write list columns one after the other; at least one has rows."""
        rows = dim = 0
        with path.open("wb") as file:
            for column in columns:
                matrix = as_matrix(column)
                file.write(matrix.tobytes())
                rows, dim = rows + len(matrix), matrix.shape[1] or dim
        return cls(path, (rows, dim))

    def __len__(self) -> int:
        """How many vectors there are."""
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[Any]) -> NDArray[np.float32]:
        """Rows of it, in memory.

        Raises:
            FileNotFoundError: this machine does not see the file.
        """
        try:
            return np.array(np.memmap(self.path, np.float32, "r", shape=self.shape)[rows])
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{self.path} is not on this machine: put BEHA2VEC_DATA_DIR on storage that all nodes of the Ray "
                "cluster mount at the same path"
            ) from None
