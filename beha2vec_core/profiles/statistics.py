"""Intervals and scores of the facts. All take numbers or arrays of one shape and return float64."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def quantile_of_confidence(confidence: float) -> float:
    """The normal quantile of a two-sided interval: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def effective_number(total: ArrayLike, squares: ArrayLike) -> Floats:
    """How many users a sum rests on: of each user by the weight of their part, (sum x)^2 / sum x^2, as a whole number.

    Users with equal parts count as they are, and never as more. Where it is n, nobody has more than 1 / sqrt(n) of the
    sum: of a group of 20 in which one has 95%, it is 1. A sum that rests on enough users gives no single one away.
    The inverse of Herfindahl's index of concentration, and Kish's effective sample size (Survey Sampling, 1965). On
    rules against dominance: Hundepool et al., Statistical Disclosure Control (2012), section 4.2.2.

    >>> effective_number([20.0, 1019.0, 0.0], [20.0, 1000.0**2 + 19, 0.0])
    array([20.,  1.,  0.])
    """
    parts, of_all = np.asarray(squares, dtype=np.float64), np.asarray(total, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(parts > 0, np.maximum(np.floor(of_all**2 / parts + 1e-6), 1.0), 0.0)


def wilson_interval(count: ArrayLike, total: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Interval of a share, count of total (Wilson 1927); inside [0, 1] also for 0 and for all. NaN where total is 0."""
    successes, trials = np.asarray(count, dtype=np.float64), np.asarray(total, dtype=np.float64)
    z = quantile_of_confidence(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / trials
        center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
        half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low = np.where((successes == 0) & (trials > 0), 0.0, center - half)  # exactly, not but for rounding
    high = np.where((successes == trials) & (trials > 0), 1.0, center + half)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def newcombe_interval(
    count: ArrayLike, total: ArrayLike, other_count: ArrayLike, other_total: ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Interval of the difference of two shares, from their Wilson intervals (Newcombe 1998, method 10)."""
    share, other = (np.asarray(k, np.float64) / np.asarray(n, np.float64)
                    for k, n in ((count, total), (other_count, other_total)))  # fmt: skip
    low, high = wilson_interval(count, total, confidence=confidence)
    other_low, other_high = wilson_interval(other_count, other_total, confidence=confidence)
    difference = share - other
    return (
        difference - np.sqrt((share - low) ** 2 + (other_high - other) ** 2),
        difference + np.sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def log_odds_z(
    count: ArrayLike, total: ArrayLike, other_count: ArrayLike, other_total: ArrayLike, *, prior_users: float = 50.0
) -> Floats:
    """How many standard errors the odds of a feature in one group are above its odds in the others.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", equations 16,
    19 and 22), over the two outcomes a user can have: the feature, or not. The prior is ``prior_users`` users with the
    population's share, added to both groups: a feature few users have cannot score high by chance. The variance keeps
    the terms that the paper drops for rare words, as a browser's share may be near 1.
    """
    y, n = np.asarray(count, dtype=np.float64), np.asarray(total, dtype=np.float64)
    other_y, other_n = np.asarray(other_count, dtype=np.float64), np.asarray(other_total, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = prior_users * (y + other_y) / (n + other_n)
        having, lacking = y + prior, n - y + prior_users - prior
        other_having, other_lacking = other_y + prior, other_n - other_y + prior_users - prior
        delta = np.log(having / lacking) - np.log(other_having / other_lacking)
        variance = 1 / having + 1 / lacking + 1 / other_having + 1 / other_lacking
        # all users have the feature, or none: no odds to compare
        return np.where(np.isfinite(delta), delta / np.sqrt(variance), 0.0)


def mean_and_error(total: ArrayLike, squares: ArrayLike, count: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and its standard error from the sum, the sum of squares and the number of values.

    The error is NaN where it cannot be estimated: fewer than two values, or all alike.
    """
    mean, variance, n = _moments(total, squares, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean, np.where(variance > 0, np.sqrt(variance / n), np.nan)


def mean_difference_z(
    total: ArrayLike,
    squares: ArrayLike,
    count: ArrayLike,
    other_total: ArrayLike,
    other_squares: ArrayLike,
    other_count: ArrayLike,
) -> Floats:
    """Difference of two means in standard errors, from sums and sums of squares: the more careful of two statistics.

    Welch's is right where spreads differ, Student's where a small group happens to hold no spread at all; the one
    nearer 0 is taken. NaN where a group is empty or nothing varies.
    """
    mean, variance, n = _moments(total, squares, count)
    other_mean, other_variance, other_n = _moments(other_total, other_squares, other_count)
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = variance / n + other_variance / other_n
        pooled = ((n - 1) * variance + (other_n - 1) * other_variance) / (n + other_n - 2)
        student = pooled * (1 / n + 1 / other_n)
        squared_error = np.fmax(welch, student)
        return np.where(squared_error > 0, (mean - other_mean) / np.sqrt(squared_error), np.nan)


def _moments(total: ArrayLike, squares: ArrayLike, count: ArrayLike) -> tuple[Floats, Floats, Floats]:
    sums, sums_of_squares = np.asarray(total, dtype=np.float64), np.asarray(squares, dtype=np.float64)
    n = np.asarray(count, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / n
        spread = sums_of_squares - n * mean**2
        spread = np.where(spread > 1e-9 * sums_of_squares, spread, 0.0)  # what rounding leaves of equal values
        return mean, np.where(n > 1, spread / (n - 1), 0.0), n


def ratio_and_error(
    sum_y: ArrayLike, sum_x: ArrayLike, sum_yy: ArrayLike, sum_xy: ArrayLike, sum_xx: ArrayLike, count: ArrayLike
) -> tuple[Floats, Floats]:
    """Ratio of two totals over users, sum(y) / sum(x), and its standard error with the user as the unit.

    Linearised (Cochran 1977, section 6.3): a user's page views are not independent of each other, so a share of page
    views must not get the interval of that many coin tosses.
    """
    y, x, n = (np.asarray(value, dtype=np.float64) for value in (sum_y, sum_x, count))
    yy, xy, xx = (np.asarray(value, dtype=np.float64) for value in (sum_yy, sum_xy, sum_xx))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = y / x
        residual = np.maximum(yy - 2 * ratio * xy + ratio**2 * xx, 0.0)
        error = np.where((n > 1) & (residual > 0), np.sqrt(residual * n / (n - 1)) / x, np.nan)
    return ratio, error


def difference_z(value: ArrayLike, error: ArrayLike, other_value: ArrayLike, other_error: ArrayLike) -> Floats:
    """Difference of two independent estimates in standard errors; NaN where an error is not known."""
    difference = np.asarray(value, dtype=np.float64) - np.asarray(other_value, dtype=np.float64)
    return difference / np.hypot(np.asarray(error, dtype=np.float64), np.asarray(other_error, dtype=np.float64))


def weighted_quantile(values: ArrayLike, counts: ArrayLike, share: float) -> float:
    """The quantile of values that occur ``counts`` times each: the smallest with at least that share at or below it."""
    numbers, weights = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    order = np.argsort(numbers)
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, share * reached[-1] - 1e-9))
    return float(numbers[order][min(place, len(numbers) - 1)])


def median_and_interval(
    values: ArrayLike, counts: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Median of counted values, with the order-statistic interval: no shape is assumed (Conover 1999, section 3.2)."""
    n = float(np.asarray(counts, dtype=np.float64).sum())
    half = quantile_of_confidence(confidence) * 0.5 / np.sqrt(n)
    low, high = max(0.0, 0.5 - half), min(1.0, 0.5 + half)
    return (
        weighted_median(values, counts),
        weighted_quantile(values, counts, low),
        weighted_quantile(values, counts, high),
    )


def weighted_median(values: ArrayLike, counts: ArrayLike) -> float:
    """The median of counted values; of an even number of them the mean of the two in the middle."""
    n = int(np.asarray(counts).sum())
    upper = weighted_quantile(values, counts, (n // 2 + 1) / n)
    return upper if n % 2 else (weighted_quantile(values, counts, (n // 2) / n) + upper) / 2


def cohens_h(share: ArrayLike, other_share: ArrayLike) -> Floats:
    """Effect size of two shares, from -pi to pi: 0.2 is small, 0.5 medium, 0.8 large (Cohen 1988, chapter 6).

    The difference of the arcsine-transformed shares: 1% against 5% counts for more than 41% against 45%.
    """
    p, other = (np.clip(np.asarray(value, dtype=np.float64), 0.0, 1.0) for value in (share, other_share))
    return np.asarray(2 * np.arcsin(np.sqrt(p)) - 2 * np.arcsin(np.sqrt(other)))


def cliffs_deltas(values: ArrayLike, counts: ArrayLike, groups: ArrayLike) -> Floats:
    """Cliff's delta of each group against all others, from -1 to 1 (Cliff 1993).

    How often a user of the group has more than one of the others, less how often they have less: 0.15 is small, 0.33
    medium, 0.47 large (Romano and others 2006). It asks for ranks only, so a few large orders do not move it.

    Args:
        values: the numbers [n].
        counts: how many users of the group have this number [n].
        groups: the group [n].

    Returns:
        By group, in ascending order; NaN where there are no others.
    """
    numbers, users = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    _, place = np.unique(numbers, return_inverse=True)
    of_value = np.bincount(place, weights=users)
    middle_rank = np.cumsum(of_value) - (of_value - 1) / 2  # ties share the mean of their ranks
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n, rank_sum = np.bincount(group, weights=users), np.bincount(group, weights=users * middle_rank[place])
    others = users.sum() - n
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * (rank_sum - n * (n + 1) / 2) / (n * others) - 1)


def two_sided_p(z: ArrayLike, freedom: ArrayLike | None = None) -> Floats:
    """Probability of a score as far from 0 as z, either way: normal, or Student's with these degrees of freedom.

    For `log_odds_z` it is on the careful side: its prior draws the groups together, by more than it narrows their
    errors. Where chance alone dealt the groups of n users, z varies by n / (n + prior_users), not by 1.
    """
    from scipy.special import ndtr, stdtr

    distance = -np.abs(np.asarray(z, dtype=np.float64))
    return np.asarray(2 * (ndtr(distance) if freedom is None else stdtr(np.asarray(freedom, np.float64), distance)))


def hypergeometric_p(count: ArrayLike, total: ArrayLike, overall_count: ArrayLike, overall_total: ArrayLike) -> Floats:
    """Probability of a count as far from the expected one, either way, if the group were drawn at random from all.

    Exact (Fisher's test, the smaller tail doubled), for any number of users.
    """
    from scipy.stats import hypergeom

    arrays = (np.asarray(value, dtype=np.int64) for value in (count, total, overall_count, overall_total))
    y, n, k, everybody = np.broadcast_arrays(*arrays)
    lower, upper = hypergeom.cdf(y, everybody, k, n), hypergeom.sf(y - 1, everybody, k, n)
    return np.asarray(np.minimum(1.0, 2 * np.fmin(lower, upper)))


def q_values(p: ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p (1995): keeping those up to 0.05, at most 5% of them are chance, on average.

    NaN, not tested, stays NaN and does not count.
    """
    from scipy.stats import false_discovery_control

    tested = np.asarray(p, dtype=np.float64).copy()
    known = np.isfinite(tested)
    if known.any():
        tested[known] = false_discovery_control(np.clip(tested[known], 0.0, 1.0))
    return tested
