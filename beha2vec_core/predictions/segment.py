"""Fit one target for one kind of users: features, regression, trees, calibration, and how much users differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from beha2vec_core.predictions.arrays import BoolArray, FloatArray, IntArray
from beha2vec_core.predictions.calibration import (
    Curve,
    Spread,
    cumulative,
    fit_isotonic,
    fit_sigmoid,
    fit_spread,
    log_loss,
)
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.features import BEHAVIOR, FEATURES, Block, Encoding, Feature, has_vectors, of_blocks
from beha2vec_core.predictions.history import History, PersonIntervals, Plan
from beha2vec_core.predictions.model import TOO_FEW, Cells, Gain, SegmentModel, cells_of
from beha2vec_core.predictions.targets import LATE_DAYS, last_matured

# users with the outcome from which on a kind of model is used
FEWEST_TO_MODEL, FEWEST_TO_STACK, FEWEST_FOR_ISOTONIC = 30, 300, 1000
# a calibration date with fewer is joined by earlier ones
_FEWEST_TO_CALIBRATE = 50
_PRIOR_USERS = 20.0  # what the rate of all users counts in a cell
_RIDGES = (0.003, 0.03, 0.3)  # scikit-learn's C, strongest first
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trees in the stack
_MOST_ROUNDS, _PATIENCE, _ROUNDS_UNTRIED = 400, 30, 80
# of each outcome, more rows than these are sampled
_MOST_FOR_REGRESSION, _MOST_FOR_TREES = 40_000, 300_000


class SegmentFit:
    """The fit of one target for one kind of users, step by step.

    Args:
        history: rows of all users.
        plan: horizons and calibration date.
        rows: what is learned from.
        matured: what is known on the day of the fit.
        again: from `History.happens_again`.
        config: what may be used.
    """

    def __init__(
        self,
        history: History,
        plan: Plan,
        rows: PersonIntervals,
        matured: PersonIntervals,
        again: npt.NDArray[np.int8],
        config: FitConfig,
    ) -> None:
        self.history, self.plan, self.config = history, plan, config
        self.rows, self.matured, self.again = rows, matured, again
        self.positives = rows.users(history.user)
        self.intervals = len(plan.horizons)
        known = has_vectors(history.frame)
        self.tried = tuple(block for block in config.blocks if block != BEHAVIOR or known)

    def fit(self) -> tuple[SegmentModel, list[Gain]]:
        """The model of the segment, and what was found of each block."""
        if self.positives < FEWEST_TO_MODEL or self.rows.happened.all():
            return self._base_rates(), []
        early, late = self._selection()
        blocks, gains = self._blocks(early, late)
        if self.config.features is None:
            features = of_blocks(blocks)
        else:
            features = tuple(feature for feature in FEATURES if feature.name in self.config.features)
        ridge, rounds, weight = _RIDGES[1], _ROUNDS_UNTRIED, 0.0
        stacked = self.config.trees and self.positives >= FEWEST_TO_STACK
        if late is not None:
            _, matrix = self._encoded(early, features)
            odds = {c: _linear(_logistic(matrix, early, c, self.intervals), matrix, late) for c in _RIDGES}
            ridge = min(_RIDGES, key=lambda c: _calibrated_loss(odds[c], late))
            if stacked:
                booster = self._booster(matrix, early, late)
                rounds = max(booster.best_iteration, 10)
                trees = booster.predict(_tree_matrix(matrix, late), raw_score=True, num_iteration=rounds)
                weight = min(_WEIGHTS, key=lambda w: _calibrated_loss((1 - w) * odds[ridge] + w * trees, late))
        elif stacked:
            weight = 0.5
        encoding, matrix = self._encoded(self.rows, features)
        coefficients = _logistic(matrix, self.rows, ridge, self.intervals)
        trees_text = self._booster(matrix, self.rows, None, rounds).model_to_string() if weight > 0 else ""
        bare = SegmentModel(
            method="logistic and LightGBM" if weight > 0 else "ridge logistic",
            positives=self.positives,
            curves=(Curve(),) * self.intervals,
            encoding=encoding,
            coefficients=coefficients,
            trees=trees_text,
            weight=weight,
        )
        return self._calibrated(bare), gains

    def _base_rates(self) -> SegmentModel:
        """Base rates of recency-frequency cells, from everything that has matured."""
        rates = np.zeros((4, 3, self.intervals))
        counts = np.zeros((4, 3, self.intervals))
        recency, frequency = cells_of(self.history.frame)
        for j in range(self.intervals):
            rows = self.matured.part(self.matured.interval == j)
            overall = (rows.happened.sum() + 0.5) / (len(rows.happened) + 1)
            np.add.at(counts[..., j], (recency[rows.row], frequency[rows.row]), 1)
            np.add.at(rates[..., j], (recency[rows.row], frequency[rows.row]), rows.happened)
            rates[..., j] = (rates[..., j] + _PRIOR_USERS * overall) / (counts[..., j] + _PRIOR_USERS)
        cells = Cells(rates, counts + _PRIOR_USERS)
        return SegmentModel(TOO_FEW, self.positives, (Curve(),) * self.intervals, cells=cells)

    def _selection(self) -> tuple[PersonIntervals, PersonIntervals | None]:
        """Training rows before and from the last origin whose labels had matured, to choose settings; None: too few."""
        at = last_matured(self.history.dates, self.plan.calibration, self.plan.horizons[-1])
        if at is None:
            return self.rows, None
        horizon = np.array(self.plan.horizons)[self.rows.interval]
        origin = self.history.day[self.rows.row]
        early = self.rows.part(origin + horizon + LATE_DAYS <= at.toordinal())
        late = self.rows.part(origin >= at.toordinal())
        if min(early.users(self.history.user), late.users(self.history.user)) < FEWEST_TO_MODEL or early.happened.all():
            return self.rows, None
        return early, late

    def _blocks(self, early: PersonIntervals, late: PersonIntervals | None) -> tuple[tuple[Block, ...], list[Gain]]:
        """Blocks that help, one after the other, by the log loss on later origins."""
        used: list[Block] = list(self.tried[:1])
        if late is None or self.config.features is not None:  # more features need proof that they help
            return tuple(used), []
        best = self._losses(tuple(used), early, late)
        gains = []
        for block in self.tried[1:]:
            losses = self._losses((*used, block), early, late)
            mean, error = _clustered(best - losses, self.history.user[late.row])
            gains.append(Gain(block, mean, mean - 1.96 * error, mean + 1.96 * error, mean > error))
            if mean > error:
                used.append(block)
                best = losses
        return tuple(used), gains

    def _losses(self, blocks: tuple[Block, ...], early: PersonIntervals, late: PersonIntervals) -> FloatArray:
        """The loss of a regression on these blocks, calibrated on the later rows: what matters is who, not how many."""
        _, matrix = self._encoded(early, of_blocks(blocks))
        odds = _linear(_logistic(matrix, early, _RIDGES[1], self.intervals), matrix, late)
        return log_loss(late.happened, fit_sigmoid(odds, late.happened)(odds))

    def _encoded(self, learned: PersonIntervals, features: tuple[Feature, ...]) -> tuple[Encoding, FloatArray]:
        """The encoding that some rows give, and the matrix of the whole frame."""
        encoding = Encoding.learn(self.history.frame.iloc[np.unique(learned.row)], features)
        return encoding, encoding.matrix(self.history.frame)

    def _booster(
        self, matrix: FloatArray, rows: PersonIntervals, late: PersonIntervals | None, rounds: int = _MOST_ROUNDS
    ) -> Any:
        """LightGBM on person-interval rows, ended early where there are later ones to end by."""
        import lightgbm

        parameters = {
            "objective": "binary",
            "learning_rate": 0.05,
            "num_leaves": 15,
            "min_data_in_leaf": max(20, len(rows.row) // 500),
            "feature_fraction": 0.7,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "seed": self.config.seed,
            "num_threads": self.config.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        rows, weight = rows.at_most(_MOST_FOR_TREES)
        data = lightgbm.Dataset(_tree_matrix(matrix, rows), label=rows.happened.astype(float), weight=weight)
        if late is None:
            return lightgbm.train(parameters, data, num_boost_round=rounds)
        held = lightgbm.Dataset(_tree_matrix(matrix, late), label=late.happened.astype(float), reference=data)
        stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
        return lightgbm.train(parameters, data, num_boost_round=rounds, valid_sets=[held], callbacks=[stop])

    def _calibrated(self, bare: SegmentModel) -> SegmentModel:
        """Curves on the last matured origin of each interval, and the spread on two spans after one origin."""
        held = self.matured.part(self.history.day[self.matured.row] >= self.plan.calibration.toordinal())
        wanted = np.unique(self.matured.row)
        odds = np.full((len(self.history.frame), self.intervals), np.nan)
        odds[wanted] = bare.log_odds(self.history.frame.iloc[wanted])
        curves, information = [], 0.0
        for j in range(self.intervals):
            rows = held.part(held.interval == j)
            curve, used = self._curve(odds[rows.row, j], rows)
            curves.append(curve)
            if j == 0:
                hazard = curve(odds[used.row, 0])
                information = float((hazard * (1 - hazard)).sum())
        model = replace(bare, curves=tuple(curves))
        error = 1 / np.sqrt(information) if information > 0 else 1.0
        return replace(model, spread=self._spread(model, odds, error))

    def _curve(self, odds: FloatArray, rows: PersonIntervals) -> tuple[Curve, PersonIntervals]:
        """The calibration of one interval, and the rows it is measured on: the newest origin, older ones if needed."""
        as_of = self.history.day[rows.row]
        origins = np.unique(as_of)[::-1]
        taken: BoolArray = np.zeros(len(odds), dtype=bool)
        for origin in origins:
            taken |= as_of == origin
            if rows.part(taken).users(self.history.user) >= _FEWEST_TO_CALIBRATE:
                break
        curve = fit_sigmoid(odds[taken], rows.happened[taken])
        before = [origin for origin in origins if not taken[as_of == origin].any()]
        if self.positives >= FEWEST_FOR_ISOTONIC and before:
            # isotonic if, fitted on the origin before, it is better on this one
            earlier = as_of == before[0]
            rivals = [fit(odds[earlier], rows.happened[earlier]) for fit in (fit_sigmoid, fit_isotonic)]
            sigmoid, isotonic = (log_loss(rows.happened[taken], rival(odds[taken])).mean() for rival in rivals)
            if isotonic < sigmoid:
                curve = fit_isotonic(odds[taken], rows.happened[taken])
        return curve, rows.part(taken)

    def _spread(self, model: SegmentModel, odds: FloatArray, error: float) -> Spread:
        """From all users of whom later spans are known; several, as what is done in turns is rare in the next one."""
        first = self.matured.part(self.matured.interval == 0)
        probability = cumulative(model.calibrated(odds[first.row]))[:, 0]
        again = self.again[first.row]
        row, span = np.nonzero(again >= 0)
        users = len(np.unique(self.history.user[first.row[row]]))
        return fit_spread(probability[row], first.happened[row], again[row, span] == 1, error, users)


def _logistic(matrix: FloatArray, rows: PersonIntervals, ridge: float, intervals: int) -> FloatArray:
    """Ridge logistic regression on person-interval rows: a coefficient per column, one per interval, the intercept."""
    from sklearn.linear_model import LogisticRegression

    if rows.happened.all() or not rows.happened.any():
        raise ValueError("rows of one class cannot be learned from")
    rows, weight = rows.at_most(_MOST_FOR_REGRESSION)
    design = np.hstack([matrix[rows.row], np.eye(intervals)[rows.interval]])
    fitted = LogisticRegression(C=ridge, solver="newton-cholesky").fit(design, rows.happened, sample_weight=weight)
    return np.append(fitted.coef_[0], fitted.intercept_[0])


def _linear(coefficients: FloatArray, matrix: FloatArray, rows: PersonIntervals) -> FloatArray:
    """The regression's log odds of person-interval rows."""
    m = matrix.shape[1]
    return np.asarray(matrix[rows.row] @ coefficients[:m] + coefficients[m:-1][rows.interval] + coefficients[-1])


def _tree_matrix(matrix: FloatArray, rows: PersonIntervals) -> FloatArray:
    return np.hstack([matrix[rows.row], rows.interval[:, None].astype(np.float64)])


def _calibrated_loss(odds: FloatArray, rows: PersonIntervals) -> float:
    """The mean loss of log odds, calibrated on the same rows."""
    return float(log_loss(rows.happened, fit_sigmoid(odds, rows.happened)(odds)).mean())


def _clustered(differences: FloatArray, users: IntArray) -> tuple[float, float]:
    """The mean of differences, and its standard error where rows of one user are not independent."""
    sums = np.bincount(users, weights=differences - differences.mean())
    return float(differences.mean()), float(np.sqrt((sums**2).sum()) / len(differences))
