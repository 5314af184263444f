"""What buyers spend: order values shrunk towards everyone's (Gamma-Gamma), times orders per buyer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from beha2vec_core.predictions.arrays import FloatArray
from beha2vec_core.predictions.examples import weights_of
from beha2vec_core.predictions.lifetime import GammaGamma, fit_gamma_gamma
from beha2vec_core.predictions.targets import PURCHASE, outcome

_FEWEST_BUYERS = 30


@dataclass(frozen=True)
class Value:
    """Expected revenue of a user who buys within a horizon.

    Attributes:
        mean: order value of all buyers.
        shrinkage: Gamma-Gamma of the order values; None: too few buyers with several orders, everyone spends the mean.
        factors: for each horizon, revenue over expected order value among those who bought: how many orders they place.
    """

    mean: float
    shrinkage: GammaGamma | None
    factors: tuple[float, ...]

    def per_buyer(self, frame: pd.DataFrame, horizons: Sequence[int]) -> FloatArray:
        """Expected revenue of each user, if they buy within each horizon [n, h]."""
        return np.asarray(self._order(frame)[:, None] * np.asarray(self.factors)[None, : len(horizons)])

    def _order(self, frame: pd.DataFrame) -> FloatArray:
        orders, revenue = _orders(frame)
        if self.shrinkage is None:
            return np.full(len(frame), self.mean)
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.where(orders > 0, revenue / np.maximum(orders, 1), 0.0)
        known = (orders > 0) & (own > 0)
        found = np.full(len(frame), self.mean)
        if known.any():
            found[known] = self.shrinkage.expected_value(orders[known], own[known])
        return found


def _orders(frame: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    orders = frame["purchases_ever"].fillna(0).to_numpy(dtype=np.float64)
    return orders, frame["revenue_ever"].fillna(0).to_numpy(dtype=np.float64)


def fit_value(frame: pd.DataFrame, horizons: Sequence[int]) -> Value | None:
    """What buyers spend, from the training rows; None where no revenue is known.

    Args:
        frame: training rows; each user's last row has their orders so far.
        horizons: days, ascending.
    """
    last = frame.sort_values(["user_key", "as_of"]).groupby("user_key").tail(1)
    orders, revenue = _orders(last)
    weight, of_last = weights_of(frame), weights_of(last)
    bought = (orders > 0) & (revenue > 0)
    found = outcome(frame, PURCHASE, horizons)
    paid = np.stack(
        [frame[f"revenue_{days}d"].to_numpy(dtype=np.float64, na_value=np.nan) for days in horizons], axis=1
    )
    buyers = found.happened & found.known & ~np.isnan(paid)
    if not buyers.any():
        return None
    if bought.any():
        mean = float((of_last * revenue)[bought].sum() / (of_last * orders)[bought].sum())
    else:
        mean = float((weight[:, None] * paid)[buyers].sum() / (weight[:, None] * buyers).sum())
    shrinkage = None
    if (bought & (orders > 1)).sum() >= _FEWEST_BUYERS:
        try:
            shrinkage = fit_gamma_gamma(orders[bought], revenue[bought] / orders[bought], of_last[bought])
        except ValueError:  # constant prices, say: everyone spends the mean
            shrinkage = None
    plain = Value(mean, shrinkage, (1.0,) * len(horizons))
    expected = plain.per_buyer(frame, horizons)
    factors: list[float] = []
    for j in range(len(horizons)):
        rows = buyers[:, j]
        total = (weight[rows] * expected[rows, j]).sum()
        spent = (weight[rows] * paid[rows, j]).sum()
        factors.append(float(spent / total) if total > 0 else (factors[-1] if factors else 1.0))
    return Value(mean, shrinkage, tuple(factors))
