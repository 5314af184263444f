"""Fit a prediction model as of a day: what was exported before it, and nothing later.

Rows are users on weekly dates (origins). A discrete-time hazard model (Singer and Willett 1993) learns all horizons at
once: a row per user, origin and interval between horizons, while it has not happened. Training uses the origins whose
labels had matured by the calibration date, the last origin whose longest horizon has matured; calibration uses that one
and later ones, so it is never measured on rows that the model has learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.predictions.calibration import (
    Curve,
    Spread,
    cumulative,
    fit_isotonic,
    fit_sigmoid,
    fit_spread,
    log_loss,
    needed_shift,
)
from beha2vec_core.predictions.features import BLOCKS, Block, Encoding, Feature, of_blocks
from beha2vec_core.predictions.model import (
    TOO_FEW,
    Cells,
    PredictionModel,
    SegmentModel,
    TargetModel,
    cells_of,
    segment_rows,
)
from beha2vec_core.predictions.targets import (
    HORIZONS,
    LATE_DAYS,
    PREDICTED_EVENTS,
    PURCHASE,
    RETURN,
    Outcome,
    last_matured,
    outcome,
)
from beha2vec_core.predictions.value import fit_value
from beha2vec_core.words import counted

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TARGETS = (PURCHASE, RETURN, *PREDICTED_EVENTS)
# positives from which on a kind of model is used
FEWEST_TO_MODEL, FEWEST_TO_STACK, FEWEST_FOR_ISOTONIC, FEWEST_A_SEGMENT = 30, 300, 1000, 100
# a calibration origin with fewer positives is joined by earlier ones
_FEWEST_TO_CALIBRATE = 50
# later spans in which users are seen again, to learn how much they differ
_SPANS = 6
_PRIOR_USERS = 20.0  # what the rate of all users counts in a cell
_RIDGES = (0.003, 0.03, 0.3)  # scikit-learn's C, strongest first
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trees in the stack
_MOST_ROUNDS, _PATIENCE, _ROUNDS_UNTRIED = 400, 30, 80
# with more rows than these a sample of those where it did not happen is learned from
_MOST_FOR_REGRESSION, _MOST_FOR_TREES = 60_000, 500_000


class NotEnoughHistoryError(ValueError):
    """Nothing can be predicted from this export; the message says what is missing."""


@dataclass(frozen=True)
class FitConfig:
    """What to predict, and how.

    Attributes:
        targets: ``purchase``, ``return`` and events of dbt's var predicted_events.
        horizons: days, ascending.
        population_days: users seen within so many days are learned from and scored.
        blocks: blocks of features that may be used, in the order in which they are tried.
        features: instead of blocks, exactly these features (for baselines); no block is tried then.
        trees: whether LightGBM may be used.
        threads: of LightGBM.
        seed: of LightGBM's draws.
    """

    targets: tuple[str, ...] = TARGETS
    horizons: tuple[int, ...] = HORIZONS
    population_days: int = 28
    blocks: tuple[Block, ...] = tuple(BLOCKS)
    features: tuple[str, ...] | None = None
    trees: bool = True
    threads: int = 2
    seed: int = 0


class _Rows(NamedTuple):
    """Person-interval rows: which row of the frame, which interval, whether it happened there."""

    row: npt.NDArray[np.int64]
    interval: npt.NDArray[np.int64]
    happened: BoolArray

    def part(self, kept: npt.NDArray[Any]) -> _Rows:
        return _Rows(self.row[kept], self.interval[kept], self.happened[kept])

    def at_most(self, rows: int) -> tuple[_Rows, FloatArray]:
        """All rows where it happened and so many others, evenly spaced, with the weight that each row has."""
        others = np.flatnonzero(~self.happened)
        if len(self.row) <= rows or not len(others):
            return self, np.ones(len(self.row))
        kept = others[np.linspace(0, len(others) - 1, min(rows, len(others))).astype(np.int64)]
        taken = np.sort(np.concatenate([np.flatnonzero(self.happened), kept]))
        return self.part(taken), np.where(self.happened[taken], 1.0, len(others) / len(kept))


def fit_predictions(frame: pd.DataFrame, standing: date, config: FitConfig | None = None) -> PredictionModel:
    """Fit a model of each target.

    Args:
        frame: rows of ``ga4.ml_ga4__user_features``; with a column ``behavior`` (list of floats) the behavior block can
            be used. Rows of dates from ``standing`` on are ignored.
        standing: the day as of which it is fitted.
        config: what to predict.

    Raises:
        NotEnoughHistoryError: no horizon of any target can be modelled yet; the message says why.
    """
    config = config or FitConfig()
    rows = _History.of(frame, standing, config.population_days)
    plan = _plan(rows.origins, standing, config.horizons)
    targets, notes = {}, list(plan.notes)
    for name in config.targets:
        fitted = _fit_target(rows, plan, name, config)
        if isinstance(fitted, str):
            notes.append(fitted)
        else:
            targets[name] = fitted
    if not targets:
        raise NotEnoughHistoryError("; ".join(notes))
    return PredictionModel(standing.isoformat(), targets, config.population_days, notes=tuple(notes))


class _History(NamedTuple):
    """Rows of users on origins before a day.

    Attributes:
        frame: the rows of the population.
        day: the origin of each row, as a proleptic ordinal [n].
        user: a number for the user of each row [n].
        everyone: rows of all users, also outside the population.
    """

    frame: pd.DataFrame
    day: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    everyone: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame, standing: date, population_days: int) -> _History:
        """The rows of dates before ``standing``."""
        as_of = pd.to_datetime(frame["as_of"])
        kept = frame[as_of < pd.Timestamp(standing)].sort_values(["as_of", "user_key"], kind="stable")
        kept = kept.reset_index(drop=True)
        inside = kept[kept["days_since_last_session"] <= population_days].reset_index(drop=True)
        return cls(inside, _days(inside), pd.factorize(inside["user_key"])[0].astype(np.int64), kept)

    @property
    def origins(self) -> list[date]:
        """The dates, ascending."""
        return [date.fromordinal(int(day)) for day in np.unique(self.day)]

    def happens_again(self, target: str, plan: _Plan) -> npt.NDArray[np.int8]:
        """Whether it happens in each of the spans that follow the first, as long as the shortest horizon.

        Returns:
            1 or 0 for each row and span [n, `_SPANS`]; -1: not known.
        """
        days = plan.horizons[0]
        found = outcome(self.everyone, target, (days,), plan.standing)
        later = pd.Series(
            np.where(found.known[:, 0], found.happened[:, 0].astype(np.int8), -1),
            index=pd.MultiIndex.from_arrays([self.everyone["user_key"], _days(self.everyone)]),
        )
        spans = [
            later.reindex(pd.MultiIndex.from_arrays([self.frame["user_key"], self.day + span * days])).fillna(-1)
            for span in range(1, _SPANS + 1)
        ]
        return np.stack([np.asarray(span, dtype=np.int8) for span in spans], axis=1)


def _days(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    epoch = pd.Timestamp(1970, 1, 1)
    return np.asarray((pd.to_datetime(frame["as_of"]) - epoch).dt.days + epoch.toordinal(), dtype=np.int64)


class _Plan(NamedTuple):
    """What the history allows: horizons, and the first origin used for calibration."""

    standing: date
    horizons: tuple[int, ...]
    calibration: date
    notes: tuple[str, ...]


def _plan(origins: Sequence[date], standing: date, horizons: tuple[int, ...]) -> _Plan:
    """The longest horizons of which one origin trains and a later one calibrates.

    Raises:
        NotEnoughHistoryError: there are none.
    """
    for kept in range(len(horizons), 0, -1):
        longest = horizons[kept - 1]
        calibration = last_matured(origins, standing, longest)
        if calibration and last_matured(origins, calibration, longest):
            left_out = horizons[kept:]
            missing = f"The history is too short for {' and '.join(map(str, left_out))} days: only "
            note = f"{missing}{', '.join(map(str, horizons[:kept]))} days are predicted." if left_out else None
            return _Plan(standing, horizons[:kept], calibration, (note,) if note else ())
    needed = 14 + horizons[0] + LATE_DAYS
    have = (standing - origins[0]).days if origins else 0
    raise NotEnoughHistoryError(
        f"predictions need {needed} days of exports after the first Monday, and there are {have}. Export more days: "
        f"at least {needed + 7} in all"
    )


def _fit_target(history: _History, plan: _Plan, target: str, config: FitConfig) -> TargetModel | str:
    """The models of one target, or why there is none."""
    frame = history.frame
    standing = outcome(frame, target, plan.horizons, plan.standing)
    if not standing.happened.any():
        return f"{target} is not predicted: no user did it in the days that have matured."
    training = outcome(frame, target, plan.horizons, plan.calibration)
    if (training.happened[training.known]).all() and training.known.any():
        return f"{target} is not predicted: every user did it."
    if not training.known.any():
        return f"{target} is not predicted: no label has matured."
    rows, matured = _person_intervals(training), _person_intervals(standing)
    again = history.happens_again(target, plan)
    both = segment_rows(frame, ("buyers", "others"))
    enough = all(_positives(rows.part(mask[rows.row]), history.user) >= FEWEST_A_SEGMENT for mask in both.values())
    names = ("buyers", "others") if enough and config.features is None else ("all",)
    segments, gains = {}, []
    for name, mask in segment_rows(frame, names).items():
        part = _Part(history, plan, rows.part(mask[rows.row]), matured.part(mask[matured.row]), again, config)
        segments[name], tried = part.fit()
        gains += [{"segment": name, **gain} for gain in tried]
    notes = [
        f"{target}, {name}: too few to model ({counted(model.positives, 'user')} with the outcome, "
        f"{FEWEST_TO_MODEL} needed)"
        for name, model in segments.items()
        if model.method == TOO_FEW
    ]
    value = fit_value(frame[pd.Series(training.known.any(axis=1))], plan.horizons) if target == PURCHASE else None
    model = TargetModel(target, plan.horizons, segments, value, gains=tuple(gains))
    model, drift = _with_drift(model, history, plan, standing)
    return replace(model, notes=(*notes, *drift))


def _with_drift(model: TargetModel, history: _History, plan: _Plan, standing: Outcome) -> tuple[TargetModel, list[str]]:
    """Bring the longer intervals, calibrated on older origins, to what the shortest one has seen since.

    If the shortest interval, calibrated on the newest origin, does not fit an older one, the world has moved between
    them; what has not matured since then has moved as far.
    """
    if len(plan.horizons) == 1 or any(one.cells is not None for one in model.segments.values()):
        return model, []
    shifts = [0.0] * len(plan.horizons)
    newest = last_matured(history.origins, plan.standing, plan.horizons[0])
    for j, days in enumerate(plan.horizons[1:], start=1):
        older = last_matured(history.origins, plan.standing, days)
        if older is None or newest is None or older >= newest:
            continue
        rows = (history.day == older.toordinal()) & standing.known[:, 0]
        hazard = model.score(history.frame[rows]).probability[:, 0]
        shifts[j] = -needed_shift(hazard, standing.happened[rows, 0])
    if not any(shifts):
        return model, []
    moved = {
        name: replace(one, curves=tuple(curve.shifted(by) for curve, by in zip(one.curves, shifts, strict=True)))
        for name, one in model.segments.items()
    }
    largest = max(shifts, key=abs)
    note = (
        f"{model.target} has become {'more' if largest > 0 else 'less'} frequent in the last weeks: the probabilities "
        f"of longer horizons are shifted by {largest:+.2f} log odds"
    )
    return replace(model, segments=moved), [note]


def _person_intervals(found: Outcome) -> _Rows:
    """A row per user and interval, while it has not happened and is known."""
    index, interval, happened = [], [], []
    before = np.zeros(len(found.known), dtype=bool)
    for j in range(found.known.shape[1]):
        at_risk = np.flatnonzero(found.known[:, j] & ~before)
        index.append(at_risk)
        interval.append(np.full(len(at_risk), j))
        happened.append(found.happened[at_risk, j])
        before = before | found.happened[:, j]
    return _Rows(np.concatenate(index), np.concatenate(interval), np.concatenate(happened))


def _positives(rows: _Rows, users: npt.NDArray[np.int64]) -> int:
    """Users for whom it happened: rolling origins multiply rows, not people."""
    return len(np.unique(users[rows.row[rows.happened]]))


class _Part:
    """The users of one segment: what there is to learn from, and the steps of a fit."""

    def __init__(
        self,
        history: _History,
        plan: _Plan,
        rows: _Rows,
        matured: _Rows,
        again: npt.NDArray[np.int8],
        config: FitConfig,
    ) -> None:
        self.frame, self.day, self.users, self.origins = history.frame, history.day, history.user, history.origins
        self.plan, self.rows, self.matured, self.again, self.config = plan, rows, matured, again, config
        self.positives = _positives(rows, self.users)
        self.intervals = len(plan.horizons)

    def fit(self) -> tuple[SegmentModel, list[dict[str, Any]]]:
        """The model of the segment, and what was found of each block."""
        if self.positives < FEWEST_TO_MODEL or self.rows.happened.all():
            return self._base_rates(), []
        early, late = self._selection()
        blocks, gains = self._blocks(early, late)
        features = of_blocks(blocks)
        if self.config.features is not None:
            features = tuple(feature for feature in of_blocks(tuple(BLOCKS)) if feature.name in self.config.features)
        behavior = "behavior" in blocks and self.config.features is None
        ridge, rounds, weight = _RIDGES[1], _ROUNDS_UNTRIED, 0.0
        stacked = self.config.trees and self.positives >= FEWEST_TO_STACK
        if late is not None:
            _, matrix = self._encoded(early, features, behavior)
            odds = {c: _linear(_logistic(matrix, early, c, self.intervals), matrix, late) for c in _RIDGES}
            ridge = min(_RIDGES, key=lambda c: _calibrated_loss(odds[c], late))
            if stacked:
                booster = self._booster(matrix, early, late)
                rounds = max(booster.best_iteration, 10)
                trees = booster.predict(_tree_matrix(matrix, late), raw_score=True, num_iteration=rounds)
                weight = min(_WEIGHTS, key=lambda w: _calibrated_loss((1 - w) * odds[ridge] + w * trees, late))
        elif stacked:
            weight = 0.5
        encoding, matrix = self._encoded(self.rows, features, behavior)
        coefficients = _logistic(matrix, self.rows, ridge, self.intervals)
        trees_text = self._booster(matrix, self.rows, None, rounds).model_to_string() if weight > 0 else ""
        bare = SegmentModel(
            method="logistic and LightGBM" if weight > 0 else "ridge logistic",
            positives=self.positives,
            curves=(Curve(),) * self.intervals,
            spread=Spread((0.0,), (0.0,), 0.0),
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
        recency, frequency = cells_of(self.frame)
        for j in range(self.intervals):
            rows = self.matured.part(self.matured.interval == j)
            overall = (rows.happened.sum() + 0.5) / (len(rows.happened) + 1)
            np.add.at(counts[..., j], (recency[rows.row], frequency[rows.row]), 1)
            np.add.at(rates[..., j], (recency[rows.row], frequency[rows.row]), rows.happened)
            rates[..., j] = (rates[..., j] + _PRIOR_USERS * overall) / (counts[..., j] + _PRIOR_USERS)
        curves = (Curve(),) * self.intervals
        cells = Cells(rates, counts + _PRIOR_USERS)
        return SegmentModel(TOO_FEW, self.positives, curves, Spread((0.0,), (0.0,), 0.0), cells=cells)

    def _selection(self) -> tuple[_Rows, _Rows | None]:
        """Training rows before and from the last origin whose labels had matured, to choose settings; None: too few."""
        at = last_matured(self.origins, self.plan.calibration, self.plan.horizons[-1])
        if at is None:
            return self.rows, None
        horizon = np.array(self.plan.horizons)[self.rows.interval]
        origin = self.day[self.rows.row]
        early = self.rows.part(origin + horizon + LATE_DAYS <= at.toordinal())
        late = self.rows.part(origin >= at.toordinal())
        if min(_positives(early, self.users), _positives(late, self.users)) < FEWEST_TO_MODEL or early.happened.all():
            return self.rows, None
        return early, late

    def _blocks(self, early: _Rows, late: _Rows | None) -> tuple[tuple[Block, ...], list[dict[str, Any]]]:
        """Blocks that help, one after the other, by the log loss on later origins."""
        allowed = [block for block in self.config.blocks if block != "behavior" or "behavior" in self.frame.columns]
        if self.config.features is not None:
            return tuple(allowed), []
        if late is None:  # more features than this need proof that they help
            return tuple(allowed[:1]), []
        used: list[Block] = allowed[:1]
        best = self._losses(tuple(used), early, late)
        gains = []
        for block in allowed[1:]:
            losses = self._losses((*used, block), early, late)
            mean, error = _clustered(best - losses, self.users[late.row])
            helps = mean > error
            gains.append(
                {
                    "block": block,
                    "gain": mean,
                    "low": mean - 1.96 * error,
                    "high": mean + 1.96 * error,
                    "used": bool(helps),
                }
            )
            if helps:
                used.append(block)
                best = losses
        return tuple(used), gains

    def _losses(self, blocks: tuple[Block, ...], early: _Rows, late: _Rows) -> FloatArray:
        """The loss of a regression on these blocks, calibrated on the later rows: what matters is who, not how many."""
        _, matrix = self._encoded(early, of_blocks(blocks), "behavior" in blocks)
        odds = _linear(_logistic(matrix, early, _RIDGES[1], self.intervals), matrix, late)
        return log_loss(late.happened, fit_sigmoid(odds, late.happened)(odds))

    def _encoded(self, learned: _Rows, features: tuple[Feature, ...], behavior: bool) -> tuple[Encoding, FloatArray]:
        """The encoding that some rows give, and the matrix of the whole frame."""
        encoding = Encoding.learn(self.frame.iloc[np.unique(learned.row)], features, behavior=behavior)
        return encoding, encoding.matrix(self.frame)

    def _booster(self, matrix: FloatArray, rows: _Rows, late: _Rows | None, rounds: int = _MOST_ROUNDS) -> Any:
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
        held = self.matured.part(self.day[self.matured.row] >= self.plan.calibration.toordinal())
        wanted = np.unique(self.matured.row)
        odds = np.full((len(self.frame), self.intervals), np.nan)
        odds[wanted] = bare.log_odds(self.frame.iloc[wanted])
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

    def _curve(self, odds: FloatArray, rows: _Rows) -> tuple[Curve, _Rows]:
        """The calibration of one interval, and the rows it is measured on: the newest origin, older ones if needed."""
        as_of = self.day[rows.row]
        origins = np.unique(as_of)[::-1]
        taken: BoolArray = np.zeros(len(odds), dtype=bool)
        for origin in origins:
            taken |= as_of == origin
            if _positives(rows.part(taken), self.users) >= _FEWEST_TO_CALIBRATE:
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
        users = len(np.unique(self.users[first.row[row]]))
        return fit_spread(probability[row], first.happened[row], again[row, span] == 1, error, users)


def _logistic(matrix: FloatArray, rows: _Rows, ridge: float, intervals: int) -> FloatArray:
    """Ridge logistic regression on person-interval rows: a coefficient per column, one per interval, the intercept."""
    from sklearn.linear_model import LogisticRegression

    if rows.happened.all() or not rows.happened.any():
        raise ValueError("rows of one class cannot be learned from")
    rows, weight = rows.at_most(_MOST_FOR_REGRESSION)
    design = np.hstack([matrix[rows.row], np.eye(intervals)[rows.interval]])
    fitted = LogisticRegression(C=ridge, solver="newton-cholesky").fit(design, rows.happened, sample_weight=weight)
    return np.append(fitted.coef_[0], fitted.intercept_[0])


def _linear(coefficients: FloatArray, matrix: FloatArray, rows: _Rows) -> FloatArray:
    """The regression's log odds of person-interval rows."""
    m = matrix.shape[1]
    return np.asarray(matrix[rows.row] @ coefficients[:m] + coefficients[m:-1][rows.interval] + coefficients[-1])


def _tree_matrix(matrix: FloatArray, rows: _Rows) -> FloatArray:
    return np.hstack([matrix[rows.row], rows.interval[:, None].astype(np.float64)])


def _calibrated_loss(odds: FloatArray, rows: _Rows) -> float:
    """The mean loss of log odds, calibrated on the same rows."""
    return float(log_loss(rows.happened, fit_sigmoid(odds, rows.happened)(odds)).mean())


def _clustered(differences: FloatArray, users: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The mean of differences, and its standard error where rows of one user are not independent."""
    sums = np.bincount(users, weights=differences - differences.mean())
    return float(differences.mean()), float(np.sqrt((sums**2).sum()) / len(differences))
