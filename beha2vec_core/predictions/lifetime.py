"""Repeat purchases and order values from purchase history alone: BG/NBD and Gamma-Gamma.

Both models need three numbers a customer, in one unit of time (days, weeks) of your choice:

- ``frequency``: number of repeat purchases, that is purchases after the first one,
- ``recency``: time from the first to the last purchase, 0 without a repeat purchase,
- ``age``: time from the first purchase to the end of the observation.

Gamma-Gamma also needs ``mean_value``, the mean value of the repeat purchases. Functions take arrays of one shape, or
scalars that broadcast, and return arrays of float64.

References:
    Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
    Marketing Science 24(2).
    Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from beha2vec_core.predictions.arrays import weighted_mean

__all__ = ["BgNbd", "GammaGamma", "TooFewPurchasesError", "fit_bg_nbd", "fit_gamma_gamma"]

MIN_REPEAT_CUSTOMERS = 10
_LOG_BOUND = 10.0  # of a parameter, in units of the mean age or value
_FLAT = 1e-4  # gradient of the mean log likelihood at a maximum

Floats = npt.NDArray[np.float64]


class TooFewPurchasesError(ValueError):
    """The purchases do not identify the parameters: too few repeat customers, or all customers are alike."""


@dataclass(frozen=True)
class BgNbd:
    """A fitted BG/NBD model (Fader, Hardie & Lee 2005).

    While active, a customer buys at a rate from a gamma distribution (``r``, ``alpha``); after each repeat purchase the
    customer becomes inactive for good with a probability from a beta distribution (``a``, ``b``).
    """

    r: float  # shape of the purchase rates
    alpha: float  # inverse scale of the purchase rates, in the time unit of the data
    a: float  # first parameter of the dropout probabilities
    b: float  # second parameter of the dropout probabilities

    def probability_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """Probability that a customer with this history is still active; 1 without a repeat purchase.

        Raises:
            ValueError: the history is impossible.
        """
        x, last, total = _history(frequency, recency, age)
        # log odds of being inactive
        odds = np.log(self.a) - np.log(self.b + np.maximum(x, 1.0) - 1.0)
        odds = odds + (self.r + x) * (np.log(self.alpha + total) - np.log(self.alpha + last))
        return np.where(x > 0, np.exp(-np.logaddexp(0.0, odds)), 1.0)

    def probability_of_purchase(
        self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike, horizon: npt.ArrayLike
    ) -> Floats:
        """Probability of at least one purchase in the next ``horizon`` units of time, given the history.

        Customers become inactive only after a purchase, so it is the probability of being active times that of the
        first event of a gamma-mixed Poisson process.

        Raises:
            ValueError: the history is impossible, or a horizon is negative.
        """
        x, last, total = _history(frequency, recency, age)
        ahead = np.asarray(horizon, dtype=np.float64)
        if not (np.isfinite(ahead).all() and (ahead >= 0).all()):
            raise ValueError("horizon must be a finite number, at least 0")
        first = -np.expm1((self.r + x) * -np.log1p(ahead / (self.alpha + total)))
        return self.probability_alive(x, last, total) * first


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma model of order values (Fader & Hardie 2013).

    A customer's order values are gamma distributed (shape ``p``) around a personal mean, independent of how often the
    customer buys; the personal scales are gamma distributed (``q``, ``v``).
    """

    p: float  # shape of a customer's order values
    q: float  # shape of the personal scales, above 1, so that the mean exists
    v: float  # inverse scale of the personal scales, in the unit of the values

    @property
    def population_mean(self) -> float:
        """Mean order value over all customers."""
        return self.p * self.v / (self.q - 1)

    def expected_value(self, frequency: npt.ArrayLike, mean_value: npt.ArrayLike) -> Floats:
        """Expected value of a customer's next order: the observed mean, shrunk towards that of the population.

        Args:
            frequency: number of repeat purchases behind ``mean_value``; 0 gives the mean of the population.
            mean_value: their mean value; ignored where ``frequency`` is 0.

        Raises:
            ValueError: a frequency is negative, or a value is not positive.
        """
        x, mean = _spending(frequency, mean_value)
        weight = self.p * x / (self.p * x + self.q - 1)
        return np.asarray((1 - weight) * self.population_mean + weight * np.where(x > 0, mean, 0.0))


def fit_bg_nbd(
    frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike, weight: npt.ArrayLike = 1.0
) -> BgNbd:
    """Fit BG/NBD by maximum likelihood (Fader, Hardie & Lee 2005, equation 6).

    Args:
        frequency: [customers] number of repeat purchases.
        recency: [customers] time from the first to the last purchase.
        age: [customers] time from the first purchase to the end of the observation, in the same unit.
        weight: [customers] how many customers each one stands for.

    Raises:
        TooFewPurchasesError: fewer than 10 customers have a repeat purchase, or all have equally many.
        ValueError: a history is impossible, or the likelihood has no maximum.
    """
    x, last, total = (np.atleast_1d(values) for values in _history(frequency, recency, age))
    _require_spread(x, "the same number of repeat purchases", x)
    often = np.broadcast_to(np.asarray(weight, dtype=np.float64), x.shape)
    unit = float(total.mean())
    last, total = last / unit, total / unit
    repeat = x > 0

    def loss(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(logs)
        common = gammaln(r + x) - gammaln(r)
        common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        # r log(alpha) is taken into both: for a large alpha it cancels
        active = -r * np.log1p(total / alpha) - x * np.log(alpha + total)
        dropout = np.log(a) - np.log(b + np.maximum(x, 1.0) - 1)
        dropout = dropout - r * np.log1p(last / alpha) - x * np.log(alpha + last)
        either = np.where(repeat, np.logaddexp(active, dropout), active)
        left = np.where(repeat, np.exp(dropout - either), 0.0)  # share of the likelihood in which the customer left
        log_time = (1 - left) * np.log1p(total / alpha) + left * np.log1p(last / alpha)
        inverse_time = (1 - left) / (alpha + total) + left / (alpha + last)
        both = digamma(a + b) - digamma(a + b + x)
        slopes = (
            digamma(r + x) - digamma(r) - log_time,
            r / alpha - (r + x) * inverse_time,
            both + left / a,
            both + digamma(b + x) - digamma(b) - left / (b + np.maximum(x, 1.0) - 1),
        )
        gradient = np.array([weighted_mean(slope, often) for slope in slopes]) * np.exp(logs)
        return -float(weighted_mean(common + either, often)), -gradient

    r, alpha, a, b = _fitted(loss, np.zeros(4), "BG/NBD")
    return BgNbd(r, alpha * unit, a, b)


def fit_gamma_gamma(frequency: npt.ArrayLike, mean_value: npt.ArrayLike, weight: npt.ArrayLike = 1.0) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood (Fader & Hardie 2013, equation 1a) to customers with a repeat purchase.

    Args:
        frequency: [customers] number of repeat purchases; customers with 0 are left out.
        mean_value: [customers] mean value of these purchases, positive.
        weight: [customers] how many customers each one stands for.

    Raises:
        TooFewPurchasesError: fewer than 10 customers have a repeat purchase, or all spend the same.
        ValueError: a frequency is negative, a value is not positive, or the likelihood has no maximum.
    """
    x, spent_each = (np.atleast_1d(values) for values in _spending(frequency, mean_value))
    often = np.broadcast_to(np.asarray(weight, dtype=np.float64), x.shape)[x > 0]
    x, spent_each = x[x > 0], spent_each[x > 0]
    _require_spread(x, "the same mean value", spent_each)
    unit = float(spent_each.mean())
    spent_each = spent_each / unit

    def loss(logs: Floats) -> tuple[float, Floats]:
        p, above_one, v = np.exp(logs)
        q = 1 + above_one
        spent = np.log(x * spent_each + v)
        value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        value += p * x * np.log(x * spent_each) - np.log(spent_each) - (p * x + q) * spent
        slopes = (
            x * (digamma(p * x + q) - digamma(p * x) + np.log(x * spent_each) - spent),
            digamma(p * x + q) - digamma(q) + np.log(v) - spent,
            q / v - (p * x + q) / (x * spent_each + v),
        )
        gradient = np.array([weighted_mean(slope, often) for slope in slopes]) * np.exp(logs)
        return -float(weighted_mean(value, often)), -gradient

    p, above_one, v = _fitted(loss, np.zeros(3), "Gamma-Gamma")
    return GammaGamma(p, 1 + above_one, v * unit)


def _fitted(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, model: str) -> list[float]:
    """The parameters (positive) at the minimum of a loss of their logarithms with its gradient."""
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_LOG_BOUND, _LOG_BOUND)] * len(start),
        options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-8},
    )
    # the last line search may find no better point where there is no digit left to gain
    downhill = np.clip(found.x - found.jac, -_LOG_BOUND, _LOG_BOUND) - found.x
    if not np.isfinite(found.fun) or not (found.success or np.abs(downhill).max() < _FLAT):
        raise ValueError(f"the likelihood of {model} has no maximum on these purchases: {found.message}")
    return [float(value) for value in np.exp(found.x)]


def _history(frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, last, total = (np.asarray(values, dtype=np.float64) for values in (frequency, recency, age))
    if not (np.isfinite(x).all() and np.isfinite(last).all() and np.isfinite(total).all()):
        raise ValueError("frequency, recency and age must be finite numbers")
    if (x < 0).any() or (last < 0).any() or (last > total).any():
        raise ValueError("frequency and recency must be at least 0, and recency at most age")
    if ((x == 0) & (last > 0)).any():
        raise ValueError("recency must be 0 for customers without a repeat purchase")
    return x, last, total


def _spending(frequency: npt.ArrayLike, mean_value: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, mean = (np.asarray(values, dtype=np.float64) for values in (frequency, mean_value))
    if not (np.isfinite(x).all() and (x >= 0).all()):
        raise ValueError("frequency must be a finite number, at least 0")
    if not (np.isfinite(mean) & (mean > 0) | (x == 0)).all():
        raise ValueError("mean_value must be positive for customers with a repeat purchase")
    return x, mean


def _require_spread(frequency: Floats, alike: str, values: Floats) -> None:
    repeat = int((frequency > 0).sum())
    if repeat < MIN_REPEAT_CUSTOMERS:
        raise TooFewPurchasesError(f"needs {MIN_REPEAT_CUSTOMERS} customers with a repeat purchase, there are {repeat}")
    if values.min() == values.max():
        raise TooFewPurchasesError(f"all customers have {alike}: nothing tells them apart")
