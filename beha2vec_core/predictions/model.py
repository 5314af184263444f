"""A fitted prediction model: what it says of users, why, and how it is saved (JSON, no pickle)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, TypeAdapter, ValidationError

from beha2vec_core.compute import Compute, LocalCompute
from beha2vec_core.files import replacing
from beha2vec_core.predictions import calibration
from beha2vec_core.predictions.arrays import BoolArray, FloatArray, IntArray, SavedArray
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import weights_of
from beha2vec_core.predictions.features import Block, Encoding
from beha2vec_core.predictions.order import in_order, ordered_pairs
from beha2vec_core.predictions.targets import outcome
from beha2vec_core.predictions.value import Value
from beha2vec_core.predictions.wording import TRAIN

FORMAT_VERSION = 2
_FILE = "model.json"

TOO_FEW = "base rate (too few to model)"
_LEAST_REASON = 0.005  # part of the log odds


class PredictionModelError(ValueError):
    """A saved model cannot be read; the message names the remedy."""


class Scores(NamedTuple):
    """What a model says of n users and h horizons: arrays [n, h], and the method behind each user's row [n]."""

    probability: FloatArray
    low: FloatArray
    high: FloatArray
    method: npt.NDArray[np.object_]


@dataclass(frozen=True)
class Cells:
    """Base rates by recency and frequency, shrunk to the rate of all (beta-binomial; Fader, Hardie and Berger 2004).

    ``rates`` and ``counts`` are [recency, frequency, interval]: the shrunk hazard, and the users behind it, with those
    that the prior counts.
    """

    rates: SavedArray
    counts: SavedArray

    def hazards(self, frame: pd.DataFrame) -> FloatArray:
        """The hazard of each user's cell [n, interval]."""
        recency, frequency = cells_of(frame)
        return np.asarray(self.rates[recency, frequency])

    def interval(self, frame: pd.DataFrame, probability: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ends of the 90% intervals of probabilities by the end of each interval [n, interval].

        A user's own probability differs from that of the cell, as usual (`USUAL_RHO`), and the cell's is not certain.
        """
        from scipy.stats import beta

        recency, frequency = cells_of(frame)
        p = np.clip(probability, calibration.LEAST, calibration.MOST)
        total = 1 / (calibration.USUAL_RHO + 1 / (self.counts.min(axis=-1)[recency, frequency] + 1)) - 1
        tail = (1 - calibration.COVERAGE) / 2
        low, high = (beta.ppf(end, p * total[:, None], (1 - p) * total[:, None]) for end in (tail, 1 - tail))
        return np.asarray(low), np.asarray(high)


def cells_of(frame: pd.DataFrame) -> tuple[IntArray, IntArray]:
    """The recency class (0 to 3) and the frequency class (0 to 2) of each user."""
    recency = np.searchsorted([3, 7, 14], frame["days_since_last_session"].to_numpy(dtype=np.float64))
    frequency = np.searchsorted([1, 3], frame["active_days"].to_numpy(dtype=np.float64))
    return recency, frequency


@dataclass(frozen=True)
class KindModel:
    """The hazards of one target for one kind of users."""

    method: str  # ``ridge logistic``, ``logistic and LightGBM`` or `TOO_FEW`
    positives: int  # users of the training rows for whom it happened
    curves: tuple[calibration.Curve, ...]  # calibration, an interval each
    spread: calibration.Spread = calibration.NO_SPREAD  # of users' own probabilities
    encoding: Encoding | None = None  # of the features
    # of the logistic regression: a column each, an interval each, the intercept last
    coefficients: SavedArray = field(default_factory=lambda: np.zeros(0))
    trees: str = ""  # LightGBM's own text; "" where the regression stands alone
    weight: float = 0.0  # of the trees' log odds; the regression has the rest
    cells: Cells | None = None  # base rates, where there are too few positives to model

    def log_odds(self, frame: pd.DataFrame) -> FloatArray:
        """The model's hazards as log odds, not calibrated [n, interval]."""
        if self.cells is not None:
            return calibration.logit(self.cells.hazards(frame))
        assert self.encoding is not None
        return self.of_matrix(self.encoding.matrix(frame))

    def of_matrix(self, matrix: FloatArray) -> FloatArray:
        """As `log_odds`, from the encoded features [n, m]."""
        intervals = len(self.curves)
        linear = matrix @ self.coefficients[: matrix.shape[1]] + self.coefficients[-1]
        found = linear[:, None] + self.coefficients[matrix.shape[1] : -1][None, :intervals]
        if not self.trees or not self.weight:
            return np.asarray(found)
        trees = np.stack([self.booster.predict(_with(matrix, j), raw_score=True) for j in range(intervals)], axis=1)
        return np.asarray((1 - self.weight) * found + self.weight * trees)

    @cached_property
    def booster(self) -> Any:
        """LightGBM's model."""
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)

    def hazards(self, frame: pd.DataFrame) -> FloatArray:
        """Calibrated hazards [n, interval]."""
        return self.calibrated(self.log_odds(frame))

    def calibrated(self, log_odds: FloatArray) -> FloatArray:
        """The calibrated hazards of the model's log odds, both [n, interval]."""
        return np.stack([curve(log_odds[:, j]) for j, curve in enumerate(self.curves)], axis=1)

    def score(self, frame: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Probability, low and high by the end of each interval [n, interval]."""
        probability = calibration.cumulative(self.hazards(frame))
        if self.cells is not None:
            low, high = self.cells.interval(frame, probability)
            return probability, np.minimum(low, probability), np.maximum(high, probability)
        ends = [self.spread.interval(probability[:, j], probability[:, 0]) for j in range(probability.shape[1])]
        low, high = (np.maximum.accumulate(np.stack(side, axis=1), axis=1) for side in zip(*ends, strict=True))
        return probability, low, high

    def contributions(self, frame: pd.DataFrame) -> FloatArray:
        """How much each feature adds to the log odds of the first interval, less the mean of the training rows [n, f].

        Exact: coefficient times value for the regression, SHAP values of trees for LightGBM (Lundberg et al. 2020). The
        columns of a text feature are added up.
        """
        assert self.encoding is not None
        matrix = self.encoding.matrix(frame)
        found = (1 - self.weight) * matrix * self.coefficients[: matrix.shape[1]]
        if self.trees and self.weight:
            found = found + self.weight * self.booster.predict(_with(matrix, 0), pred_contrib=True)[:, :-2]
        return np.asarray(found @ self.encoding.owners())


def _with(matrix: FloatArray, interval: int) -> FloatArray:
    """The matrix with the interval's number as a last column, as the trees read it."""
    return np.hstack([matrix, np.full((len(matrix), 1), float(interval))])


class Gain(NamedTuple):
    """What a block of features adds: log loss saved per row, its 95% interval, and whether the block is used."""

    block: Block
    gain: float
    low: float
    high: float
    used: bool


@dataclass(frozen=True)
class TargetModel:
    """One target: a model for each kind of users, and what is known of how it was made.

    Attributes:
        horizons: days, ascending; those that the history allowed.
        kinds: of users: ``buyers`` and ``others``, or ``all``.
        value: expected revenue of those who buy; None for other targets.
        notes: what a reader should know, a sentence each.
        gains: of each kind, what the blocks that were tried add.
    """

    target: str
    horizons: tuple[int, ...]
    kinds: Annotated[dict[str, KindModel], Field(alias="segments")]  # the name in files
    value: Value | None = None
    notes: tuple[str, ...] = ()
    gains: dict[str, list[Gain]] = field(default_factory=dict)

    @property
    def blocks(self) -> set[Block]:
        """The blocks that any kind reads."""
        return {feature.block for one in self.kinds.values() if one.encoding for feature in one.encoding.features}

    def score(self, frame: pd.DataFrame) -> Scores:
        """The probability of each user within each horizon, with its interval and method."""
        shape = (len(frame), len(self.horizons))
        scores = Scores(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.empty(len(frame), dtype=object))
        for name, rows in kind_rows(frame, self.kinds).items():
            if not rows.any():
                continue
            of_kind = frame if rows.all() else frame[rows]  # a copy of all columns takes as long as to score it
            for whole, part in zip(scores[:3], self.kinds[name].score(of_kind), strict=True):
                whole[rows] = part
            scores.method[rows] = self.kinds[name].method
        return scores

    def reasons(self, frame: pd.DataFrame, most: int = 3) -> list[list[str]]:
        """What raises each user's score most, with its part of the log odds; [] where only base rates are known."""
        found: list[list[str]] = [[] for _ in range(len(frame))]
        for name, rows in kind_rows(frame, self.kinds).items():
            model = self.kinds[name]
            if model.encoding is None or not rows.any():
                continue
            part, features = frame[rows], model.encoding.features
            added = model.contributions(part)
            best = np.argsort(-added, axis=1, kind="stable")[:, :most]
            own = {f.name: [_own_value(value) for value in part[f.name]] for f in features if f.kind == "text"}
            for place, at in enumerate(np.flatnonzero(rows)):
                found[at] = [
                    f"{features[i].label}{own[features[i].name][place] if features[i].name in own else ''} "
                    f"(+{added[place, i]:.2f})"
                    for i in best[place]
                    if added[place, i] > _LEAST_REASON
                ]
        return found

    def first_hazards(self, frame: pd.DataFrame) -> tuple[FloatArray, BoolArray, FloatArray]:
        """The probability of the shortest horizon, its outcome and the weight, of the rows of which it is known."""
        found = outcome(frame, self.target, self.horizons[:1])
        known = found.known[:, 0]
        return self.score(frame[known]).probability[:, 0], found.happened[known, 0], weights_of(frame)[known]

    def shifted(self, by: Sequence[float]) -> TargetModel:
        """The model with more (or less) log odds in each interval."""
        moved = {
            name: replace(
                model, curves=tuple(curve.shifted(shift) for curve, shift in zip(model.curves, by, strict=True))
            )
            for name, model in self.kinds.items()
        }
        return replace(self, kinds=moved)


def _own_value(value: object) -> str:
    return ": not known" if pd.isna(value) else f": {value}"  # type: ignore[call-overload]


def kind_rows(frame: pd.DataFrame, kinds: Iterable[str]) -> dict[str, BoolArray]:
    """Which rows belong to each kind of users."""
    buyers = (frame["purchases_ever"].fillna(0) > 0).to_numpy(dtype=bool)
    rows = {"buyers": buyers, "others": ~buyers, "all": np.ones(len(frame), dtype=bool)}
    return {name: rows[name] for name in kinds}


@dataclass(frozen=True)
class PredictionModel:
    """Models of all targets, fitted as of one day."""

    standing: date  # the day as of which it was fitted: nothing exported from then on was used
    config: FitConfig
    targets: dict[str, TargetModel]  # by name
    notes: tuple[str, ...] = ()  # what could not be modelled, a sentence each
    passed: tuple[tuple[str, str], ...] = ()  # pairs of targets, from `targets.passed`

    @cached_property
    def version(self) -> str:
        """Hash of everything in it; models of releases without ``passed`` keep theirs."""
        left_out = None if self.passed else {"passed"}
        return hashlib.sha256(_saved().dump_json(self, by_alias=True, exclude=left_out)).hexdigest()[:12]

    @property
    def all_notes(self) -> list[str]:
        """What could not be modelled or has changed, in any target."""
        return [*self.notes, *(note for target in self.targets.values() for note in target.notes)]

    def population(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the users who are scored."""
        return frame[frame["days_since_last_session"] <= self.config.population_days].reset_index(drop=True)

    def scores(self, users: pd.DataFrame, compute: Compute | None = None) -> dict[str, Scores]:
        """What each target's model says of users, in the order that outcomes have (`order`).

        ``compute`` scores each target by itself, as intervals depend on all users; None: this process does.
        """
        found = (compute or LocalCompute("cpu")).map(
            lambda device: lambda target: target.score(users), self.targets.values()
        )
        raw = dict(zip(self.targets, found, strict=True))
        horizons = {name: target.horizons for name, target in self.targets.items()}
        at = {cell: place for place, cell in enumerate((name, days) for name in horizons for days in horizons[name])}
        pairs = [(at[low], at[high]) for low, high in ordered_pairs(horizons, self.passed)]
        # numbers of which none is above another stay so: the ends stay on their sides of the probability
        p, low, high = (in_order(np.concatenate([one[end].T for one in raw.values()]), pairs) for end in range(3))
        ends = np.cumsum([len(days) for days in horizons.values()])[:-1]
        sides = (np.split(side, ends) for side in (p, np.minimum(low, p), np.maximum(high, p)))
        return {
            name: Scores(p.T, low.T, high.T, raw[name].method) for name, p, low, high in zip(raw, *sides, strict=True)
        }

    def predict(self, frame: pd.DataFrame, compute: Compute | None = None) -> pd.DataFrame:
        """A row per user, target and horizon, for rows of ``ga4.ml_ga4__user_features`` of one date.

        For each target and horizon there are all users, in the order of `population`. ``compute``: as in `scores`.

        Returns:
            ``property_id``, ``as_of``, ``user_key``, ``target``, ``horizon``, ``probability``, ``low``, ``high`` (90%
            interval), ``decile`` (1: the tenth with the highest probability), ``value`` (expected revenue, purchase
            only), ``method``.
        """
        users = self.population(frame)
        by_key = sorted_places(users["user_key"])
        tables = []
        for name, scores in (self.scores(users, compute) if self.targets else {}).items():
            target = self.targets[name]
            spend = target.value.per_buyer(users, target.horizons) if target.value else None
            for j, days in enumerate(target.horizons):
                probability = scores.probability[:, j]
                tables.append(
                    pd.DataFrame(
                        {
                            "property_id": users["property_id"],
                            "as_of": users["as_of"],
                            "user_key": users["user_key"],
                            "target": name,
                            "horizon": days,
                            "probability": probability,
                            "low": scores.low[:, j],
                            "high": scores.high[:, j],
                            "decile": deciles(probability, by_key),
                            "value": probability * spend[:, j] if spend is not None else np.nan,
                            "method": scores.method,
                        }
                    )
                )
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def save(self, folder: Path) -> None:
        """Write it as ``model.json`` in a folder; the file appears whole."""
        saved = {"format_version": FORMAT_VERSION, "model": _saved().dump_python(self, mode="json", by_alias=True)}
        with replacing(folder / _FILE) as temporary:
            temporary.write_text(json.dumps(saved))

    @classmethod
    def load(cls, folder: Path) -> PredictionModel:
        """Read it again.

        Raises:
            PredictionModelError: there is none, or it was written by a release that this one cannot read.
        """
        remedy = TRAIN
        try:
            saved = json.loads((folder / _FILE).read_text())
            if saved["format_version"] != FORMAT_VERSION:
                raise PredictionModelError(
                    f"prediction model {folder.name} has format {saved['format_version']}, this release reads "
                    f"{FORMAT_VERSION}: {remedy}"
                )
            return _saved().validate_python(saved["model"])
        except (OSError, KeyError, json.JSONDecodeError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise PredictionModelError(f"prediction model {folder.name} cannot be read ({reason}): {remedy}") from error


@cache
def _saved() -> TypeAdapter[PredictionModel]:
    """How a model becomes JSON and comes back."""
    return TypeAdapter(PredictionModel)


def sorted_places(users: pd.Series) -> IntArray:
    """The places of users, sorted by key."""
    return np.argsort(users.astype(str).to_numpy(dtype=object), kind="stable")


def deciles(probability: FloatArray, by_key: IntArray, weight: FloatArray | None = None) -> npt.NDArray[np.int32]:
    """1 for the tenth of the users with the highest probability, to 10; ties in order of the user's key.

    Args:
        by_key: from `sorted_places`.
        weight: how many users each one stands for; None: themselves.
    """
    order = by_key[np.argsort(-probability[by_key], kind="stable")]
    return (1 + tenths(order, np.ones(len(order)) if weight is None else weight)).astype(np.int32)


def tenths(order: IntArray, weight: FloatArray) -> IntArray:
    """The tenth that each user is in, 0 to 9, with users in an order and each counted by weight [n]."""
    reached = np.cumsum(weight[order])
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.minimum((reached - weight[order]) * 10 // max(weight.sum(), 1e-300), 9)
    return found
