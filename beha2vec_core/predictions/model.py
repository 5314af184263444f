"""A fitted prediction model: what it says of users, why, and how it is saved (JSON, no pickle)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.files import put_in_place
from beha2vec_core.predictions.calibration import (
    COVERAGE,
    LEAST,
    MOST,
    USUAL_RHO,
    Curve,
    Spread,
    cumulative,
    logit,
    needed_shift,
)
from beha2vec_core.predictions.features import Block, Encoding
from beha2vec_core.predictions.targets import outcome
from beha2vec_core.predictions.value import Value

FORMAT_VERSION = 1
_FILE = "model.json"

FloatArray = npt.NDArray[np.float64]
TOO_FEW = "base rate (too few to model)"


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

    rates: FloatArray
    counts: FloatArray

    def hazards(self, frame: pd.DataFrame) -> FloatArray:
        """The hazard of each user's cell [n, interval]."""
        recency, frequency = cells_of(frame)
        return np.asarray(self.rates[recency, frequency])

    def interval(self, frame: pd.DataFrame, probability: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ends of the 90 % intervals of probabilities by the end of each interval [n, interval].

        A user's own probability differs from that of the cell, as usual (`USUAL_RHO`), and the cell's is not certain.
        """
        from scipy.stats import beta

        recency, frequency = cells_of(frame)
        p = np.clip(probability, LEAST, MOST)
        total = 1 / (USUAL_RHO + 1 / (self.counts.min(axis=-1)[recency, frequency] + 1)) - 1
        tail = (1 - COVERAGE) / 2
        low, high = (beta.ppf(end, p * total[:, None], (1 - p) * total[:, None]) for end in (tail, 1 - tail))
        return np.asarray(low), np.asarray(high)


def cells_of(frame: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The recency class (0 to 3) and the frequency class (0 to 2) of each user."""
    recency = np.searchsorted([3, 7, 14], frame["days_since_last_session"].to_numpy(dtype=np.float64))
    frequency = np.searchsorted([1, 3], frame["active_days"].to_numpy(dtype=np.float64))
    return recency, frequency


@dataclass(frozen=True)
class SegmentModel:
    """The hazards of one target for one kind of users.

    Attributes:
        method: ``ridge logistic``, ``logistic and LightGBM`` or `TOO_FEW`.
        positives: users of the training rows for whom it happened.
        encoding: of the features.
        coefficients: of the logistic regression: a column each, an interval each, the intercept last.
        trees: LightGBM's own text; "" where the regression stands alone.
        weight: of the trees' log odds; the regression has the rest.
        curves: calibration, an interval each.
        spread: of users' own probabilities.
        cells: base rates, where there are too few positives to model.
    """

    method: str
    positives: int
    curves: tuple[Curve, ...]
    spread: Spread
    encoding: Encoding | None = None
    coefficients: FloatArray = field(default_factory=lambda: np.zeros(0))
    trees: str = ""
    weight: float = 0.0
    cells: Cells | None = None

    def log_odds(self, frame: pd.DataFrame) -> FloatArray:
        """The model's hazards as log odds, not calibrated [n, interval]."""
        if self.cells is not None:
            return logit(self.cells.hazards(frame))
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
        probability = cumulative(self.hazards(frame))
        if self.cells is not None:
            low, high = self.cells.interval(frame, probability)
            return probability, np.minimum(low, probability), np.maximum(high, probability)
        ends = [self.spread.interval(probability[:, j], probability[:, 0]) for j in range(probability.shape[1])]
        low, high = (np.maximum.accumulate(np.stack(side, axis=1), axis=1) for side in zip(*ends, strict=True))
        return probability, low, high

    def contributions(self, frame: pd.DataFrame) -> FloatArray:
        """How much each column adds to the log odds of the first interval, less the mean of the training rows [n, m].

        Exact: coefficient times value for the regression, SHAP values of trees for LightGBM (Lundberg et al. 2020).
        """
        assert self.encoding is not None
        matrix = self.encoding.matrix(frame)
        found = (1 - self.weight) * matrix * self.coefficients[: matrix.shape[1]]
        if self.trees and self.weight:
            found = found + self.weight * self.booster.predict(_with(matrix, 0), pred_contrib=True)[:, :-2]
        return np.asarray(found)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "method": self.method,
            "positives": self.positives,
            "curves": [curve.to_dict() for curve in self.curves],
            "spread": self.spread.to_dict(),
            "encoding": self.encoding.to_dict() if self.encoding else None,
            "coefficients": self.coefficients.tolist(),
            "trees": self.trees,
            "weight": self.weight,
            "cells": {"rates": self.cells.rates.tolist(), "counts": self.cells.counts.tolist()} if self.cells else None,
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> SegmentModel:
        """From `to_dict`."""
        cells = saved["cells"]
        return cls(
            method=saved["method"],
            positives=saved["positives"],
            curves=tuple(Curve.from_dict(curve) for curve in saved["curves"]),
            spread=Spread.from_dict(saved["spread"]),
            encoding=Encoding.from_dict(saved["encoding"]) if saved["encoding"] else None,
            coefficients=np.asarray(saved["coefficients"], dtype=np.float64),
            trees=saved["trees"],
            weight=saved["weight"],
            cells=Cells(np.asarray(cells["rates"]), np.asarray(cells["counts"])) if cells else None,
        )


def _with(matrix: FloatArray, interval: int) -> FloatArray:
    """The matrix with the interval's number as a last column, as the trees read it."""
    return np.hstack([matrix, np.full((len(matrix), 1), float(interval))])


@dataclass(frozen=True)
class TargetModel:
    """One target: a model for each kind of users, and what is known of how it was made.

    Attributes:
        target: its name.
        horizons: days, ascending; those that the history allowed.
        segments: ``buyers`` and ``others``, or ``all``.
        value: expected revenue of those who buy; None for other targets.
        notes: what a reader should know, a sentence each.
        gains: of each block that was tried: log loss saved per user and interval, with a 95 % interval, and whether it
            is used.
    """

    target: str
    horizons: tuple[int, ...]
    segments: dict[str, SegmentModel]
    value: Value | None = None
    notes: tuple[str, ...] = ()
    gains: tuple[dict[str, Any], ...] = ()

    @property
    def blocks(self) -> set[Block]:
        """The blocks that any segment reads."""
        return {block for one in self.segments.values() if one.encoding for block, _, _ in one.encoding.owners()}

    def score(self, frame: pd.DataFrame) -> Scores:
        """The probability of each user within each horizon, with its interval and method."""
        shape = (len(frame), len(self.horizons))
        scores = Scores(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.empty(len(frame), dtype=object))
        for name, rows in segment_rows(frame, self.segments).items():
            if not rows.any():
                continue
            for whole, part in zip(scores[:3], self.segments[name].score(frame[rows]), strict=True):
                whole[rows] = part
            scores.method[rows] = self.segments[name].method
        return scores

    def reasons(self, frame: pd.DataFrame, most: int = 3) -> list[list[str]]:
        """What raises each user's score most, with its part of the log odds; [] where only base rates are known."""
        found: list[list[str]] = [[] for _ in range(len(frame))]
        for name, rows in segment_rows(frame, self.segments).items():
            model = self.segments[name]
            if model.encoding is None or not rows.any():
                continue
            part = frame[rows]
            by_column, owners = model.contributions(part), model.encoding.owners()
            names = list(dict.fromkeys(name for _, name, _ in owners))
            labels = {name: label for _, name, label in owners}
            texts = {name: part[name].astype(str).to_numpy() for name in model.encoding.categories}
            summed = np.stack(
                [by_column[:, [i for i, owner in enumerate(owners) if owner[1] == name]].sum(axis=1) for name in names],
                axis=1,
            )
            for place, (at, row) in enumerate(zip(np.flatnonzero(rows), summed, strict=True)):
                top = [i for i in np.argsort(-row, kind="stable")[:most] if row[i] > 0.005]
                own = {name: f": {values[place]}" for name, values in texts.items()}
                found[at] = [f"{labels[names[i]]}{own.get(names[i], '')} (+{row[i]:.2f})" for i in top]
        return found

    def shifted(self, frame: pd.DataFrame) -> tuple[TargetModel, float]:
        """The model brought to what has matured since, and the shift in log odds (0: none is certainly needed).

        Args:
            frame: rows of one origin, of which the shortest horizon is known.
        """
        known = outcome(frame, self.target, self.horizons[:1])
        rows = known.known[:, 0]
        if not rows.any():
            return self, 0.0
        hazard = self.score(frame[rows]).probability[:, 0]
        shift = needed_shift(hazard, known.happened[rows, 0])
        if not shift:
            return self, 0.0
        moved = {
            name: replace(model, curves=tuple(curve.shifted(shift) for curve in model.curves))
            for name, model in self.segments.items()
        }
        return replace(self, segments=moved), shift

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "target": self.target,
            "horizons": list(self.horizons),
            "segments": {name: model.to_dict() for name, model in self.segments.items()},
            "value": self.value.to_dict() if self.value else None,
            "notes": list(self.notes),
            "gains": list(self.gains),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> TargetModel:
        """From `to_dict`."""
        return cls(
            saved["target"],
            tuple(saved["horizons"]),
            {name: SegmentModel.from_dict(model) for name, model in saved["segments"].items()},
            Value.from_dict(saved["value"]) if saved["value"] else None,
            tuple(saved["notes"]),
            tuple(saved["gains"]),
        )


def segment_rows(frame: pd.DataFrame, segments: Any) -> dict[str, npt.NDArray[np.bool_]]:
    """Which rows belong to each of the segments."""
    buyers = (frame["purchases_ever"].fillna(0) > 0).to_numpy(dtype=bool)
    rows = {"buyers": buyers, "others": ~buyers, "all": np.ones(len(frame), dtype=bool)}
    return {name: rows[name] for name in segments}


@dataclass(frozen=True)
class PredictionModel:
    """Models of all targets, fitted as of one day.

    Attributes:
        standing: the day as of which it was fitted (ISO): nothing exported from then on was used.
        targets: by name.
        population_days: users seen within so many days are scored.
        encoder_version: of the encoder whose behavior vectors it reads; "" where no block needs them.
        notes: what could not be modelled, a sentence each.
    """

    standing: str
    targets: dict[str, TargetModel]
    population_days: int
    encoder_version: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def version(self) -> str:
        """Hash of everything in it."""
        return hashlib.sha256(self._text().encode()).hexdigest()[:12]

    def _text(self) -> str:
        saved = {
            "format_version": FORMAT_VERSION,
            "standing": self.standing,
            "targets": {name: target.to_dict() for name, target in self.targets.items()},
            "population_days": self.population_days,
            "encoder_version": self.encoder_version,
            "notes": list(self.notes),
        }
        return json.dumps(saved, sort_keys=True)

    def population(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the users who are scored."""
        return frame[frame["days_since_last_session"] <= self.population_days].reset_index(drop=True)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A row per user, target and horizon, for rows of ``ga4.ml_ga4__user_features`` of one date.

        Returns:
            ``property_id``, ``as_of``, ``user_key``, ``target``, ``horizon``, ``probability``, ``low``, ``high`` (90 %
            interval), ``decile`` (1: the tenth with the highest probability), ``value`` (expected revenue, purchase
            only), ``method``. Longer horizons never have a smaller probability.
        """
        users = self.population(frame)
        tables = []
        for name, target in self.targets.items():
            scores = target.score(users)
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
                            "decile": deciles(probability, users["user_key"]),
                            "value": probability * spend[:, j] if spend is not None else np.nan,
                            "method": scores.method,
                        }
                    )
                )
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def save(self, folder: Path) -> None:
        """Write it as ``model.json`` in a folder, which appears whole."""
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{_FILE}.part"
        temporary.write_text(self._text())
        put_in_place(temporary, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> PredictionModel:
        """Read it again.

        Raises:
            PredictionModelError: there is none, or it was written by a release that this one cannot read.
        """
        try:
            saved = json.loads((folder / _FILE).read_text())
            if saved["format_version"] != FORMAT_VERSION:
                raise PredictionModelError(
                    f"prediction model {folder.name} has format {saved['format_version']}, this release reads "
                    f"{FORMAT_VERSION}: run the job train_predictions"
                )
            return cls(
                saved["standing"],
                {name: TargetModel.from_dict(target) for name, target in saved["targets"].items()},
                saved["population_days"],
                saved["encoder_version"],
                tuple(saved["notes"]),
            )
        except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise PredictionModelError(
                f"prediction model {folder.name} cannot be read ({error}): run the job train_predictions"
            ) from error


def deciles(probability: FloatArray, users: pd.Series) -> npt.NDArray[np.int32]:
    """1 for the tenth of the users with the highest probability, to 10; ties in order of the user's key."""
    order = np.lexsort((users.astype(str).to_numpy(dtype=object), -probability))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (1 + rank * 10 // max(len(order), 1)).astype(np.int32)
