"""What a backtest says of a method: is the ranking good, are probabilities right, what does it gain over a rival.

Rows of a sample count as often as their weight says, so metrics estimate what all users would give. Intervals resample
the users that were read, so they hold the error of the sample too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.statistics import weighted_aurocs
from beha2vec_core.predictions.arrays import BoolArray, FloatArray, IntArray, weighted_mean
from beha2vec_core.predictions.calibration import log_loss, logit
from beha2vec_core.predictions.model import deciles, sorted_places, tenths

_RESAMPLES, _MOST_RESAMPLED = 200, 20_000
_BINS = 10


class Judged(NamedTuple):
    """Users of all test dates with what was said and what happened."""

    users: npt.NDArray[np.object_]
    place: IntArray  # of the user and date, the same for all methods
    probability: FloatArray
    happened: BoolArray
    paid: FloatArray
    value: FloatArray
    weight: FloatArray  # how many rows each row stands for


def metrics(one: Judged, resampler: Resampler) -> Iterator[dict[str, Any]]:
    """Each metric of a method, with its interval where it has one."""
    p, y, weight = one.probability, one.happened.astype(np.float64), one.weight
    prevalence = weighted_mean(y, weight)
    yield _metric("prevalence", prevalence)
    if not 0 < prevalence < 1:
        return
    drawn = resampler.of(one)
    yield drawn.metric(
        "auroc", lambda w: weighted_aurocs(p[drawn.rows], y[drawn.rows], w), weighted_aurocs(p, y, weight[None])[0]
    )
    yield _metric("auprc", _average_precision(p, y, weight))
    for share in (0.01, 0.05, 0.1):
        top = _top(p, share * weight.sum(), weight)
        yield _metric(f"lift_{share:.0%}".replace("%", "pct"), weighted_mean(y[top], weight[top]) / prevalence)
    brier = weighted_mean((p - y) ** 2, weight)
    yield _metric("brier", brier)
    yield _metric("brier_skill", 1 - brier / (prevalence * (1 - prevalence)))
    yield _metric("log_loss", weighted_mean(log_loss(y, p), weight))
    bins = tenths(np.argsort(p, kind="stable"), weight)  # of the users by probability
    yield drawn.metric(
        "calibration_error",
        lambda w: _calibration_errors(p[drawn.rows], y[drawn.rows], bins[drawn.rows], w),
        _calibration_errors(p, y, bins, weight[None])[0],
    )
    intercept, slope = _calibration_line(p, y, weight)
    yield _metric("calibration_intercept", intercept)
    yield _metric("calibration_slope", slope)
    yield _metric("observed_over_expected", (weight * y).sum() / max((weight * p).sum(), 1e-9))
    if np.isfinite(one.paid).any() and np.nansum(one.paid) > 0:
        yield from _money(one)


def compared(one: Judged, rival: Judged, name: str, resampler: Resampler) -> Iterator[dict[str, Any]]:
    """What a method gains over a rival, on the users and dates that both were judged on, whose number is ``n``."""
    _, rows, same = np.intersect1d(one.place, rival.place, assume_unique=True, return_indices=True)
    one = Judged._make(column[rows] for column in one)
    p, q, y, weight = one.probability, rival.probability[same], one.happened.astype(np.float64), one.weight
    if not len(rows) or not 0 < y.mean() < 1:
        return
    drawn = resampler.of(one)
    kept = drawn.rows
    difference = log_loss(y, p) - log_loss(y, q)
    both = {"n": len(rows)}
    yield both | drawn.metric(
        f"auroc_less_{name}",
        lambda w: weighted_aurocs(p[kept], y[kept], w) - weighted_aurocs(q[kept], y[kept], w),
        weighted_aurocs(p, y, weight[None])[0] - weighted_aurocs(q, y, weight[None])[0],
    )
    yield both | drawn.metric(
        f"log_loss_less_{name}", lambda w: w @ difference[kept] / w.sum(axis=1), weighted_mean(difference, weight)
    )


def _money(one: Judged) -> Iterator[dict[str, Any]]:
    """Revenue of the top decile beside that of the best possible one, and of expected values their order and error."""
    known = np.isfinite(one.paid)
    paid, weight = one.paid[known], one.weight[known]
    score = np.where(np.isfinite(one.value), one.value, one.probability)[known]
    tenth, spent = weight.sum() / 10, weight * paid
    total = spent.sum()
    yield _metric("revenue_in_top_decile", spent[_top(score, tenth, weight)].sum() / total)
    yield _metric("revenue_in_best_decile", spent[_top(paid, tenth, weight)].sum() / total)
    if not np.isfinite(one.value).any():
        return
    yield _metric("value_spearman", _spearman(score, paid, weight))
    yield _metric("value_gini", _gini(score, paid, weight) / max(_gini(paid, paid, weight), 1e-12))
    yield _metric("value_mae", weighted_mean(np.abs(score - paid), weight))
    yield _metric("value_over_revenue", (weight * score).sum() / total)


def _metric(name: str, value: float, low: float = np.nan, high: float = np.nan) -> dict[str, Any]:
    return {"metric": name, "value": float(value), "low": float(low), "high": float(high)}


def _top(score: FloatArray, most: float, weight: FloatArray) -> IntArray:
    """The places of the highest scores, of so many users; of one row at least."""
    order = np.argsort(-score, kind="stable")
    return order[: max(1, int(np.searchsorted(np.cumsum(weight[order]), round(most), side="right")))]


class _Resamples:
    """Users drawn again with replacement: rolling dates multiply rows, not people."""

    def __init__(self, one: Judged) -> None:
        codes = pd.factorize(one.users)[0]
        rng = np.random.default_rng(0)
        people = int(codes.max()) + 1
        kept = np.sort(rng.permutation(people)[:_MOST_RESAMPLED])
        self.rows = np.flatnonzero(np.isin(codes, kept)) if people > len(kept) else np.arange(len(codes))
        owner = np.searchsorted(kept, codes[self.rows])
        draws = [np.bincount(rng.integers(0, len(kept), len(kept)), minlength=len(kept)) for _ in range(_RESAMPLES)]
        self.weights = np.stack(draws)[:, owner] * one.weight[self.rows]
        # an interval from a sample of the users is as much wider
        self._narrower = np.sqrt(len(kept) / people)

    def metric(self, name: str, statistic: Callable[[FloatArray], FloatArray], value: float) -> dict[str, Any]:
        """A metric with its 95% interval."""
        found = statistic(self.weights)
        low, high = np.nanquantile(found, [0.025, 0.975])
        center = np.nanmedian(found)
        return _metric(name, value, value + (low - center) * self._narrower, value + (high - center) * self._narrower)


class Resampler:
    """Draws users again; methods that were judged on the same users and dates share the draws."""

    def __init__(self) -> None:
        self._places = b""
        self._last: _Resamples | None = None

    def of(self, one: Judged) -> _Resamples:
        """The draws of these users."""
        places = one.place.tobytes()
        if self._last is None or places != self._places:
            self._places, self._last = places, _Resamples(one)
        return self._last


def _calibration_errors(p: FloatArray, y: FloatArray, bins: IntArray, weights: FloatArray) -> FloatArray:
    """Expected calibration error over tenths of the users, under each row of weights."""
    total = weights.sum(axis=1)
    error = np.zeros(len(weights))
    for one in range(_BINS):
        here = bins == one
        error += np.abs(weights[:, here] @ (p[here] - y[here]))
    return np.asarray(error / total)


def _calibration_line(p: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Intercept and slope of the outcome's log odds on the predicted ones (Cox 1958); 0 and 1 are perfect."""
    from sklearn.linear_model import LogisticRegression

    # a penalty that changes no digit that is shown: where all predictions are the same, the slope is 0
    fitted = LogisticRegression(C=1e4, solver="newton-cholesky").fit(logit(p)[:, None], y, sample_weight=weight)
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0])


def _average_precision(p: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, p, sample_weight=weight))


def _gini(score: FloatArray, paid: FloatArray, weight: FloatArray) -> float:
    order = np.argsort(-score, kind="stable")
    share = np.cumsum((weight * paid)[order]) / (weight * paid).sum()
    return float(weighted_mean(share, weight[order]) - 0.5)


def _spearman(a: FloatArray, b: FloatArray, weight: FloatArray) -> float:
    """The correlation of ranks; equal numbers share the middle one."""
    if a.min() == a.max() or b.min() == b.max():
        return float("nan")
    both = np.cov(np.stack([_ranks(a, weight), _ranks(b, weight)], axis=1), rowvar=False, aweights=weight)
    return float(both[0, 1] / np.sqrt(both[0, 0]) / np.sqrt(both[1, 1]))


def _ranks(values: FloatArray, weight: FloatArray) -> FloatArray:
    _, run = np.unique(values, return_inverse=True)
    users = np.bincount(run, weights=weight)
    return (np.cumsum(users) - (users - 1) / 2)[run]


def curves_of(one: Judged) -> pd.DataFrame:
    """Reliability and gains by tenth of the users, the highest probability first."""
    weight = one.weight
    table = pd.DataFrame(
        {
            "decile": deciles(one.probability, sorted_places(pd.Series(one.users)), weight),
            "predicted": weight * one.probability,
            "observed": weight * one.happened,
            "users": weight,
            "positives": weight * one.happened,
            "revenue": weight * np.nan_to_num(one.paid),
        }
    )
    found = table.groupby("decile", as_index=False).sum()
    for name in ("predicted", "observed"):
        found[name] /= found["users"]
    for name in ("users", "positives"):
        found[name] = found[name].round().astype(np.int64)
    totals = found[["positives", "revenue"]].sum().replace(0, 1)
    found["gain"] = found["positives"].cumsum() / totals["positives"]
    found["revenue_gain"] = found["revenue"].cumsum() / totals["revenue"]
    return found
