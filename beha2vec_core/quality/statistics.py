"""The statistics that checks share."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

# 1 / quantile(3/4) of the normal distribution: makes the median absolute deviation a standard deviation
_MAD_TO_SD = 1.4826
# traffic of the same weekday varies by a tenth even where eight weeks happen to be alike
LEAST_SD = 0.1
BINS = 10


def robust_z(value: float, earlier: Sequence[float], *, least_sd: float = 0.0) -> float:
    """How many standard deviations a count is from the median of earlier ones, on a log scale.

    Traffic varies by factors, so counts are compared as ``log(1 + n)``. The deviation is the median absolute one, which
    up to half of the earlier counts cannot spoil; at least a tenth, at least what chance does to so small a count, and
    at least ``least_sd``.
    """
    logs = [math.log1p(count) for count in earlier]
    middle = median(logs)
    spread = _MAD_TO_SD * median([abs(log - middle) for log in logs])
    return (math.log1p(value) - middle) / max(spread, LEAST_SD, math.exp(-middle / 2), least_sd)


def stability_index(expected: npt.NDArray[Any], actual: npt.NDArray[Any]) -> float:
    """The population stability index of two samples of one figure: 0 where they are distributed alike.

    ``sum((a - e) * ln(a / e))`` over the shares of both samples in the tenths of ``expected``; half an observation is
    added to each bin, so that an empty one has a logarithm.
    """
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = []
    for sample in (expected, actual):
        counts = np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1) + 0.5
        shares.append(counts / counts.sum())
    e, a = shares
    return float(((a - e) * np.log(a / e)).sum())


def stability_by_chance(expected: int, actual: int, chance: float = 0.001) -> float:
    """The index that two samples of these sizes, distributed alike, exceed with this probability.

    Their index divided by ``1/n + 1/m`` is about chi-squared with a degree less than there are bins (Yurdakul 2018).
    """
    from scipy.stats import chi2

    return float(chi2.ppf(1 - chance, BINS - 1)) * (1 / expected + 1 / actual)


def principal_axes(
    vectors: npt.NDArray[np.float32], axes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean of the vectors [n, dim], and the directions in which they differ most [axes, dim]."""
    center = vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(np.cov(vectors - center, rowvar=False))
    return center, np.asarray(directions[:, ::-1][:, :axes].T)
