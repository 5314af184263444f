"""How much of a number's variance clusters explain."""

import numpy as np
from numpy.typing import ArrayLike


def eta_squared(labels: ArrayLike, values: ArrayLike) -> float:
    """Share of the variance of ``values`` that is between the groups of ``labels``: 0 none, 1 all.

    The effect size of a one-way analysis of variance: between-group over total sum of squares. 0 where ``values`` do
    not vary.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    groups, numbers = np.asarray(labels), np.asarray(values, dtype=np.float64)
    if groups.shape != numbers.shape or numbers.size == 0:
        raise ValueError(f"labels {groups.shape} and values {numbers.shape} must be of one length, at least 1")
    deviations = numbers - numbers.mean()
    total = float(np.square(deviations).sum())
    if total == 0.0:
        return 0.0
    _, index = np.unique(groups, return_inverse=True)
    sizes = np.bincount(index)
    sums = np.bincount(index, weights=deviations)
    return float((sums**2 / sizes).sum() / total)


def epsilon_squared(labels: ArrayLike, values: ArrayLike) -> float:
    """``eta_squared`` less what as many groups explain by chance (Kelley 1935): about 0 where groups say nothing.

    Eta squared grows with every group, whatever the groups are; this does not, so that it compares numbers of clusters.
    It may be slightly below 0. 0 where ``values`` do not vary, or there are as many groups as values.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    explained = eta_squared(labels, values)
    n, k = np.asarray(labels).size, np.unique(np.asarray(labels)).size
    if n <= k or not np.ptp(np.asarray(values, dtype=np.float64)):
        return 0.0
    return 1.0 - (1.0 - explained) * (n - 1) / (n - k)
