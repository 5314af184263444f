"""Calibration: hazards that happen as often as they say, and intervals that hold a user's own probability.

A hazard is the probability that something happens in an interval of days, given that it has not happened before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beha2vec_core.predictions.arrays import BoolArray, FloatArray, weighted_mean

COVERAGE = 0.9
LEAST, MOST = 1e-6, 1 - 1e-6
# a drift is corrected when it is this many standard errors from none
_CERTAIN = 2.58
_LARGEST_SHIFT = 40.0  # in log odds: from the least probability to the most, and back
_SLOPE_PRIOR = 0.5  # standard deviation of the slope of a sigmoid around 1
_GRID = 400
_SPREAD_BINS, _FEWEST_PAIRS = 8, 200
# what is known of the spread before any data: mean and standard deviation of rho
USUAL_RHO, _USUAL_DEVIATION = 0.05, 0.03
_EVENTS_TO_TRUST = 250  # of a bin, half


def logit(probability: npt.ArrayLike) -> FloatArray:
    """Log odds, finite at 0 and 1."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), LEAST, MOST)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def expit(log_odds: npt.ArrayLike) -> FloatArray:
    """The inverse of `logit`."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(np.asarray(log_odds, dtype=np.float64), -40, 40))))


def log_loss(happened: npt.ArrayLike, probability: npt.ArrayLike) -> FloatArray:
    """Negative log likelihood of each outcome [n]."""
    p = np.clip(np.asarray(probability, dtype=np.float64), LEAST, MOST)
    y = np.asarray(happened, dtype=np.float64)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)))


def cumulative(hazards: FloatArray) -> FloatArray:
    """Probability by the end of each interval [n, j], from hazards [n, j]: never smaller for a longer horizon."""
    return np.asarray(1.0 - np.cumprod(1.0 - hazards, axis=1))


@dataclass(frozen=True)
class Curve:
    """The calibrated hazard of one interval, from the model's.

    A sigmoid (Platt 1999) ``expit(intercept + slope * logit(h))``, or, where ``steps`` is given, isotonic regression
    (Zadrozny and Elkan 2002) interpolated between its steps; ``shift`` is then added in log odds.
    """

    intercept: float = 0.0
    slope: float = 1.0
    steps: tuple[tuple[float, float], ...] | None = None
    shift: float = 0.0

    @property
    def method(self) -> str:
        """Its name."""
        return "sigmoid" if self.steps is None else "isotonic"

    def __call__(self, log_odds: FloatArray) -> FloatArray:
        """Calibrated hazards [n] of the model's log odds [n]."""
        if self.steps is None:
            found = self.intercept + self.slope * log_odds
        else:
            at, to = np.array(self.steps).T
            found = logit(np.interp(log_odds, at, to))
        return expit(found + self.shift)

    def shifted(self, by: float) -> Curve:
        """The same with more (or less) log odds."""
        return Curve(self.intercept, self.slope, self.steps, self.shift + by)


def fit_sigmoid(log_odds: FloatArray, happened: BoolArray, weight: FloatArray) -> Curve:
    """Platt's sigmoid by maximum likelihood, its slope with a normal prior around 1: few positives change it little.

    ``weight``: how often each row counts [n].
    """
    from scipy.optimize import minimize

    if not len(log_odds) or happened.all() or not happened.any():
        return Curve()
    y = happened.astype(np.float64)

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        p = expit(at[0] + at[1] * log_odds)
        value = (weight * log_loss(y, p)).sum() + (at[1] - 1) ** 2 / (2 * _SLOPE_PRIOR**2)
        error = weight * (p - y)
        gradient = np.array([error.sum(), (error * log_odds).sum() + (at[1] - 1) / _SLOPE_PRIOR**2])
        return float(value), gradient

    found = minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(-10, 10), (0.05, 5)])
    return Curve(float(found.x[0]), float(found.x[1]))


def fit_isotonic(log_odds: FloatArray, happened: BoolArray, weight: FloatArray) -> Curve:
    """Isotonic regression; its ends are half a user away from 0 and 1, so that no loss is infinite.

    ``weight``: as in `fit_sigmoid`.
    """
    from sklearn.isotonic import IsotonicRegression

    edge = 0.5 / (len(log_odds) + 1)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(log_odds, happened, weight)
    return Curve(steps=tuple(zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True)))


def needed_shift(hazards: FloatArray, happened: BoolArray, weight: FloatArray) -> float:
    """The shift in log odds that makes as many happen as expected; 0 where that is not certainly needed (99%).

    ``weight``: as in `fit_sigmoid`.
    """
    from scipy.optimize import brentq

    did, expected = (weight * happened).sum(), (weight * hazards).sum()
    # of chance, and of the sample (Horvitz and Thompson)
    variance = (weight * (hazards * (1 - hazards)) + weight * (weight - 1) * (happened - hazards) ** 2).sum()
    if variance <= 0 or abs(did - expected) < _CERTAIN * np.sqrt(variance):
        return 0.0
    odds, target = logit(hazards), float(np.clip(did, 0.5, weight.sum() - 0.5))
    return float(brentq(lambda at: (weight * expit(odds + at)).sum() - target, -_LARGEST_SHIFT, _LARGEST_SHIFT))


@dataclass(frozen=True)
class Spread:
    """How far a user's own probability is from that of the users with the same features.

    ``rho`` is the variance of the own probability within the shortest horizon, over p(1 - p), at the log odds ``at``.
    It shows in two disjoint spans that follow one date: users with the same features whose outcomes agree more often
    than by chance differ in something that no feature says (the intraclass correlation of a beta-binomial).
    ``error`` is the standard error of the calibrated log odds.
    """

    at: tuple[float, ...]
    rho: tuple[float, ...]
    error: float

    def interval(self, probability: FloatArray, shortest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ends of the 90% interval of each probability, from a beta distribution with its mean.

        Args:
            probability: within a horizon [n].
            shortest: within the shortest horizon [n].
        """
        grid = np.linspace(float(logit(LEAST)[()]), float(logit(MOST)[()]), _GRID)
        # how many times longer than the shortest the horizon is, in expected events
        events, base = (-np.log1p(-np.minimum(one, MOST)).sum() for one in (probability, shortest))
        low, high = self._beta(expit(grid), float(events / max(base, 1e-12)))
        odds = logit(probability)
        return (
            np.minimum(np.interp(odds, grid, low), probability),
            np.maximum(np.interp(odds, grid, high), probability),
        )

    def _beta(self, p: FloatArray, ratio: float) -> tuple[FloatArray, FloatArray]:
        from scipy.stats import beta

        # own rates differ by a factor; a longer horizon scales rates, hence p by the delta method
        base = -np.expm1(np.log1p(-p) / max(ratio, 1e-9))
        rho = np.interp(logit(base), self.at, self.rho)
        variance = rho * base * (1 - base) * (ratio * (1 - p) / (1 - base)) ** 2 + (p * (1 - p) * self.error) ** 2
        share = np.clip(variance / (p * (1 - p)), 1e-6, 0.9)
        total = 1 / share - 1
        tail = (1 - COVERAGE) / 2
        return beta.ppf(tail, p * total, (1 - p) * total), beta.ppf(1 - tail, p * total, (1 - p) * total)


NO_SPREAD = Spread((0.0,), (0.0,), 0.0)


def fit_spread(
    first: FloatArray,
    happened: BoolArray,
    again: BoolArray,
    error: float,
    users: int,
    weight: FloatArray,
) -> Spread:
    """The spread, from two spans of equal length that follow one date; with few users it leans on a prior.

    Args:
        first: the calibrated probability of the first span, made on that date [n].
        happened: whether it happened in the first span [n].
        again: whether it happened in the second one, by the same users [n].
        error: standard error of the calibrated log odds.
        users: how many the rows are of.
        weight: as in `fit_sigmoid`.
    """
    usual = Spread((0.0,), (USUAL_RHO,), error)
    if len(first) < _FEWEST_PAIRS:
        return usual
    edges = np.quantile(first, np.linspace(0, 1, _SPREAD_BINS + 1)[1:-1])
    bins = np.searchsorted(edges, first, side="right")
    means, variance, pairs, events = [], [], [], []
    for one in np.unique(bins):
        here = bins == one
        y, z, f, of_bin = happened[here].astype(np.float64), again[here].astype(np.float64), first[here], weight[here]
        p, q = weighted_mean(y, of_bin), weighted_mean(z, of_bin)
        if p * (1 - p) * q * (1 - q) > 0:
            agreement = weighted_mean((y - p) * (z - q), of_bin) * np.sqrt(p * (1 - p) / (q * (1 - q)))
            means.append(weighted_mean(f, of_bin))
            # what the prediction itself says of the differences within the bin is not unknown
            variance.append(agreement - weighted_mean((f - means[-1]) ** 2, of_bin))
            pairs.append(of_bin.sum())
            events.append(here.sum() * min(p, q))
    if not means:
        return usual
    p, n = np.array(means), np.array(pairs)
    # variance of p if users' rates differed by a factor of coefficient of variation 1
    of_factor = (np.log1p(-p) * (1 - p)) ** 2
    measured = float((n * np.array(variance)).sum() / (n * of_factor).sum())
    typical = float((n * USUAL_RHO * p * (1 - p)).sum() / (n * of_factor).sum())
    known = 1 / _USUAL_DEVIATION**2
    factor = (users * measured + known * typical) / (users + known)
    # bins with few events lean on all of them
    trust = np.array(events) / (np.array(events) + _EVENTS_TO_TRUST)
    rho = (trust * np.array(variance) + (1 - trust) * factor * of_factor) / (p * (1 - p))
    return Spread(tuple(map(float, logit(p))), tuple(map(float, np.clip(rho, 0.0, 0.8))), error)
