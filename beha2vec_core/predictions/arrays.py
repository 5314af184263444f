"""The types of arrays, and of those that a saved model holds as JSON lists."""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import PlainSerializer, PlainValidator

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def weighted_mean(values: npt.NDArray[Any], weight: FloatArray) -> Any:
    """The mean of rows [n, ...], each counted as often as its weight says [n]: a number, or an array [...]."""
    rows = weight.reshape(-1, *(1,) * (values.ndim - 1))
    return (values * rows).sum(axis=0) / weight.sum()


SavedArray = Annotated[
    FloatArray,
    PlainValidator(lambda values: np.asarray(values, dtype=np.float64)),
    PlainSerializer(lambda array: array.tolist()),
]
