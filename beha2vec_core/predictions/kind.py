"""Fit one target for one kind of users: features, regression, trees, calibration, and how much users differ."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from beha2vec_core.dbt_vars import LATE_EVENT_DAYS
from beha2vec_core.predictions.arrays import BoolArray, FloatArray, weighted_mean
from beha2vec_core.predictions.calibration import (
    NO_SPREAD,
    USUAL_RHO,
    Curve,
    Spread,
    expit,
    fit_isotonic,
    fit_sigmoid,
    fit_spread,
    log_loss,
)
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.features import (
    BEHAVIOR,
    FEATURES,
    Block,
    Encoding,
    Feature,
    has_means,
    has_vectors,
    of_blocks,
)
from beha2vec_core.predictions.history import FAR, History, PersonIntervals, Plan
from beha2vec_core.predictions.model import TOO_FEW, Cells, Gain, KindModel, cells_of
from beha2vec_core.predictions.targets import last_matured

# users with the outcome from which on a kind of model is used
FEWEST_TO_MODEL, FEWEST_TO_STACK, FEWEST_FOR_ISOTONIC = 30, 300, 1000
# a calibration date with fewer is joined by earlier ones
_FEWEST_TO_CALIBRATE = 50
# the part of the log loss that growing features, divided by the mean of their date, must save to be used so
_LEAST_GAIN_OF_RELATIVE = 0.02
_YOUNG_WEEKS = 13  # an export with no more weekly dates is young where there is too little to test
_PRIOR_USERS = 20.0  # what the rate of all users counts in a cell
_RIDGES = (0.003, 0.03, 0.3)  # scikit-learn's C, strongest first
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trees in the stack
_MOST_ROUNDS, _PATIENCE, _ROUNDS_UNTRIED = 400, 30, 80
# of each outcome, more rows than these are sampled
_MOST_FOR_REGRESSION, _MOST_FOR_TREES = 40_000, 300_000


class KindFit:
    """The fit of one target for one kind of users, step by step.

    Args:
        history: rows of these users.
        plan: horizons and calibration date.
        rows: what was known on the calibration date: settings are chosen by it, but for growing features.
        matured: what is known on the day of the fit: it is learned from.
        again: from `History.happens_again`.
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
        # as much evidence as there are rows, however many users they stand for
        self.weight = history.weight / history.weight.mean()
        self.positives = matured.users(history.user)
        self.intervals = len(plan.horizons)
        self.relative = False  # whether growing features are divided by the mean of their date
        known = has_vectors(history.frame)
        self.tried = tuple(block for block in config.blocks if block != BEHAVIOR or known)

    def fit(self) -> tuple[KindModel, list[Gain]]:
        """The model, and what was found of each block."""
        if self.positives < FEWEST_TO_MODEL or self.matured.happened.all():
            return self._base_rates(), []
        self.relative = self._is_better_relative()
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
            odds = {c: _linear(self._logistic(matrix, early, c), matrix, late) for c in _RIDGES}
            ridge = min(_RIDGES, key=lambda c: self._calibrated_loss(odds[c], late))
            if stacked:
                booster = self._booster(matrix, early, late)
                rounds = max(booster.best_iteration, 10)
                trees = booster.predict(_tree_matrix(matrix, late), raw_score=True, num_iteration=rounds)
                weight = min(_WEIGHTS, key=lambda w: self._calibrated_loss((1 - w) * odds[ridge] + w * trees, late))
        elif stacked:
            weight = 0.5
        encoding, matrix = self._encoded(self.matured, features)

        def learn(rows: PersonIntervals) -> KindModel:
            return KindModel(
                method="logistic and LightGBM" if weight > 0 else "ridge logistic",
                positives=self.positives,
                curves=(Curve(),) * self.intervals,
                encoding=encoding,
                coefficients=self._logistic(matrix, rows, ridge),
                trees=self._booster(matrix, rows, None, rounds).model_to_string() if weight > 0 else "",
                weight=weight,
            )

        unseen = self._unseen(learn, matrix, folds=2 if weight > 0 else 5)
        curves, error = self._curves(unseen)
        spread = self._spread(unseen, error) if self.config.intervals else NO_SPREAD
        return replace(learn(self.matured), curves=curves, spread=spread), gains

    def _base_rates(self) -> KindModel:
        """Base rates of recency-frequency cells, from everything that has matured."""
        rates = np.zeros((4, 3, self.intervals))
        counts = np.zeros((4, 3, self.intervals))
        recency, frequency = cells_of(self.history.frame)
        for j in range(self.intervals):
            rows = self.matured.part(self.matured.interval == j)
            weight = self.weight[rows.row]
            overall = ((weight * rows.happened).sum() + 0.5) / (weight.sum() + 1)
            np.add.at(counts[..., j], (recency[rows.row], frequency[rows.row]), weight)
            np.add.at(rates[..., j], (recency[rows.row], frequency[rows.row]), weight * rows.happened)
            rates[..., j] = (rates[..., j] + _PRIOR_USERS * overall) / (counts[..., j] + _PRIOR_USERS)
        cells = Cells(rates, counts + _PRIOR_USERS)
        return KindModel(TOO_FEW, self.positives, (Curve(),) * self.intervals, cells=cells)

    def _selection(self) -> tuple[PersonIntervals, PersonIntervals | None]:
        """Training rows before and from the last origin whose labels had matured, to choose settings; None: too few."""
        at = last_matured(self.history.dates, self.plan.calibration, self.plan.horizons[-1])
        if at is None:
            return self.rows, None
        horizon = np.array(self.plan.horizons)[self.rows.interval]
        origin = self.history.day[self.rows.row]
        early = self.rows.part(origin + horizon + LATE_EVENT_DAYS <= at.toordinal())
        late = self.rows.part(origin >= at.toordinal())
        if min(early.users(self.history.user), late.users(self.history.user)) < FEWEST_TO_MODEL or early.happened.all():
            return self.rows, None
        return early, late

    def _is_better_relative(self) -> bool:
        """Whether growing features are better divided by the mean of their date, by the log loss on the newest date.

        In a young export the counts of all users grow, and a model of older dates takes this for more interest. So what
        is tested is not calibrated on the newest date. In older exports counts as they are rank users a little better.
        """
        if not has_means(self.history.frame):
            return False
        rows = self.matured.part(self.matured.interval == 0)
        day = self.history.day[rows.row]
        early, late = rows.part(day + self.plan.horizons[0] + LATE_EVENT_DAYS <= day.max()), rows.part(day == day.max())
        if early.users(self.history.user) < FEWEST_TO_MODEL or early.happened.all():
            return len(self.history.dates) <= _YOUNG_WEEKS  # too little to test it
        losses = []
        learned = np.unique(early.row)
        for relative in (False, True):
            _, matrix = Encoding.learn(self.history.frame, learned, of_blocks(self.tried[:1]), relative)
            odds = _linear(self._logistic(matrix, early, _RIDGES[1]), matrix, late)
            losses.append(log_loss(late.happened, expit(odds)))
        gain, error = self._clustered(losses[0] - losses[1], late)
        return bool(gain - 1.96 * error > _LEAST_GAIN_OF_RELATIVE * weighted_mean(losses[0], self.weight[late.row]))

    def _blocks(self, early: PersonIntervals, late: PersonIntervals | None) -> tuple[tuple[Block, ...], list[Gain]]:
        """Blocks that help, one after the other, by the log loss on later origins."""
        used: list[Block] = list(self.tried[:1])
        if late is None or self.config.features is not None:  # more features need proof that they help
            return tuple(used), []
        best = self._losses(tuple(used), early, late)
        gains = []
        for block in self.tried[1:]:
            losses = self._losses((*used, block), early, late)
            gain, error = self._clustered(best - losses, late)
            gains.append(Gain(block, gain, gain - 1.96 * error, gain + 1.96 * error, gain > error))
            if gain > error:
                used.append(block)
                best = losses
        return tuple(used), gains

    def _losses(self, blocks: tuple[Block, ...], early: PersonIntervals, late: PersonIntervals) -> FloatArray:
        """The loss of a regression on these blocks, calibrated on the later rows: what matters is who, not how many."""
        _, matrix = self._encoded(early, of_blocks(blocks))
        odds = _linear(self._logistic(matrix, early, _RIDGES[1]), matrix, late)
        return log_loss(late.happened, self._sigmoid(odds, late)(odds))

    def _sigmoid(self, odds: FloatArray, rows: PersonIntervals) -> Curve:
        return fit_sigmoid(odds, rows.happened, self.weight[rows.row])

    def _calibrated_loss(self, odds: FloatArray, rows: PersonIntervals) -> float:
        """The mean loss of log odds, calibrated on the same rows."""
        return float(weighted_mean(log_loss(rows.happened, self._sigmoid(odds, rows)(odds)), self.weight[rows.row]))

    def _clustered(self, differences: FloatArray, rows: PersonIntervals) -> tuple[float, float]:
        """The mean of differences, and its standard error where rows of one user are not independent."""
        weight = self.weight[rows.row]
        found = weighted_mean(differences, weight)
        sums = np.bincount(self.history.user[rows.row], weights=weight * (differences - found))
        return float(found), float(np.sqrt((sums**2).sum()) / weight.sum())

    def _logistic(self, matrix: FloatArray, rows: PersonIntervals, ridge: float) -> FloatArray:
        """Ridge logistic regression on person-interval rows: a coefficient per column and interval, the intercept."""
        from sklearn.linear_model import LogisticRegression

        if rows.happened.all() or not rows.happened.any():
            raise ValueError("rows of one class cannot be learned from")
        rows, weight = rows.at_most(_MOST_FOR_REGRESSION, self.weight)
        design = np.hstack([matrix[rows.row], np.eye(self.intervals)[rows.interval]])
        fitted = LogisticRegression(C=ridge, solver="newton-cholesky").fit(design, rows.happened, sample_weight=weight)
        return np.append(fitted.coef_[0], fitted.intercept_[0])

    def _encoded(self, learned: PersonIntervals, features: tuple[Feature, ...]) -> tuple[Encoding, FloatArray]:
        """The encoding that some rows give, and the matrix of the whole frame."""
        return Encoding.learn(self.history.frame, np.unique(learned.row), features, self.relative)

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
        rows, weight = rows.at_most(_MOST_FOR_TREES, self.weight)
        data = lightgbm.Dataset(_tree_matrix(matrix, rows), label=rows.happened.astype(float), weight=weight)
        if late is None:
            return lightgbm.train(parameters, data, num_boost_round=rounds)
        held = lightgbm.Dataset(
            _tree_matrix(matrix, late), label=late.happened.astype(float), weight=self.weight[late.row], reference=data
        )
        stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
        return lightgbm.train(parameters, data, num_boost_round=rounds, valid_sets=[held], callbacks=[stop])

    def _unseen(self, learn: Callable[[PersonIntervals], KindModel], matrix: FloatArray, folds: int) -> FloatArray:
        """Log odds by models that have not learned from the user [n, interval], of the rows that need them; NaN else.

        A model that has seen a user's outcomes has partly learned them by heart: it is too certain of them, and leaves
        nothing by which to see that users with the same features differ.
        """
        wanted = self._held.row
        if self.config.intervals:
            first = self.matured.row[self.matured.interval == 0]
            wanted = np.union1d(wanted, first[:: max(1, len(first) // _MOST_FOR_TREES)])
        fold = self.history.user % folds
        odds = np.full((len(matrix), self.intervals), np.nan)
        for one in range(folds):
            learned, judged = self.matured.among(fold != one), wanted[fold[wanted] == one]
            if len(judged) and learned.happened.any() and not learned.happened.all():
                odds[judged] = learn(learned).of_matrix(matrix[judged])
        return odds

    @property
    def _held(self) -> PersonIntervals:
        """What is calibrated on: the last matured date and later ones."""
        return self.matured.part(self.history.day[self.matured.row] >= self.plan.calibration.toordinal())

    def _curves(self, odds: FloatArray) -> tuple[tuple[Curve, ...], float]:
        """The calibration of each interval, and the standard error of the log odds of the first one."""
        curves, information = [], 0.0
        for j in range(self.intervals):
            rows = self._held.part((self._held.interval == j) & np.isfinite(odds[self._held.row, j]))
            of_interval = odds[rows.row, j]
            curve, taken = self._curve(of_interval, rows)
            curves.append(curve)
            if j == 0:
                hazard, weight = curve(of_interval[taken]), self.weight[rows.row[taken]]
                variance = hazard * (1 - hazard)
                # unequal weights make a sample worth less (Kish 1965)
                worth = (weight * variance).sum() / max((weight**2 * variance).sum(), 1e-300)
                information = float((weight * variance).sum() * worth)
        return tuple(curves), 1 / np.sqrt(information) if information > 0 else 1.0

    def _curve(self, odds: FloatArray, rows: PersonIntervals) -> tuple[Curve, BoolArray]:
        """The calibration of one interval, and the rows it is measured on: the newest origin, older ones if needed."""
        as_of = self.history.day[rows.row]
        origins = np.unique(as_of)[::-1]
        taken: BoolArray = np.zeros(len(odds), dtype=bool)
        for origin in origins:
            taken |= as_of == origin
            if rows.part(taken).users(self.history.user) >= _FEWEST_TO_CALIBRATE:
                break
        newest = rows.part(taken)
        curve = self._sigmoid(odds[taken], newest)
        before = [origin for origin in origins if not taken[as_of == origin].any()]
        if self.positives >= FEWEST_FOR_ISOTONIC and before:
            # isotonic if, fitted on the origin before, it is better on this one
            earlier, weight = as_of == before[0], self.weight[rows.row]
            rivals = [
                fit(odds[earlier], rows.happened[earlier], weight[earlier]) for fit in (fit_sigmoid, fit_isotonic)
            ]
            sigmoid, isotonic = (
                weighted_mean(log_loss(newest.happened, rival(odds[taken])), weight[taken]) for rival in rivals
            )
            if isotonic < sigmoid:
                curve = fit_isotonic(odds[taken], newest.happened, weight[taken])
        return curve, taken

    def _spread(self, odds: FloatArray, error: float) -> Spread:
        """How much users with the same features differ.

        Spans far from the first one are used where there are enough: near ones also show what an outcome does to the
        next one (Heckman 1981, Heterogeneity and state dependence).
        """
        first = self.matured.part((self.matured.interval == 0) & np.isfinite(odds[self.matured.row, 0]))
        if not first.happened.any() or first.happened.all():
            return Spread((0.0,), (USUAL_RHO,), error)
        probability = self._sigmoid(odds[first.row, 0], first)(odds[first.row, 0])
        again = self.again[first.row]
        far = again[:, FAR - 1 :]
        if len(np.unique(self.history.user[first.row[(far == 1).any(axis=1)]])) >= _FEWEST_TO_CALIBRATE:
            again = far
        row, span = np.nonzero(again >= 0)
        users = len(np.unique(self.history.user[first.row[row]]))
        weight = self.weight[first.row[row]]
        return fit_spread(probability[row], first.happened[row], again[row, span] == 1, error, users, weight)


def _linear(coefficients: FloatArray, matrix: FloatArray, rows: PersonIntervals) -> FloatArray:
    """The regression's log odds of person-interval rows."""
    m = matrix.shape[1]
    return np.asarray(matrix[rows.row] @ coefficients[:m] + coefficients[m:-1][rows.interval] + coefficients[-1])


def _tree_matrix(matrix: FloatArray, rows: PersonIntervals) -> FloatArray:
    return np.hstack([matrix[rows.row], rows.interval[:, None].astype(np.float64)])
