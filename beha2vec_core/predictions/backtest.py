"""Measure predictions on dates that their models have not seen, beside simple rules (rolling-origin backtest).

For each test date a model is fitted as of that date, users are scored on it, and what they then did is compared.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from beha2vec_core.dbt_vars import LATE_EVENT_DAYS
from beha2vec_core.predictions.arrays import BoolArray, FloatArray, weighted_mean
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import WEIGHT, weights_of
from beha2vec_core.predictions.features import BEHAVIOR, has_vectors
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.ga4_scores import DAYS as GA4_DAYS
from beha2vec_core.predictions.gate import CHAMPION, MODEL
from beha2vec_core.predictions.history import NotEnoughHistoryError
from beha2vec_core.predictions.lifetime import fit_bg_nbd
from beha2vec_core.predictions.metrics import Judged, Resampler, compared, curves_of, metrics
from beha2vec_core.predictions.model import PredictionModel
from beha2vec_core.predictions.targets import PURCHASE, outcome
from beha2vec_core.progress import ProgressBar
from beha2vec_core.words import counted

NO_FUNNEL, NO_VECTORS, RFM, RECENCY, FUNNEL, BG_NBD, BASE_RATE, GA4 = (
    "model without funnel features",
    "model without behavior vectors",
    "recency, frequency, money",
    "recency",
    "funnel step",
    "BG/NBD",
    "base rate",
    "GA4",
)
_FEATURES = {
    RFM: (
        "days_since_last_session",
        "active_days",
        "sessions",
        "purchases_ever",
        "revenue_ever",
        "days_since_last_purchase",
    ),
    RECENCY: ("days_since_last_session",),
    FUNNEL: ("deepest_funnel_step", "funnel_step_7d"),
}
_USER = ["property_id", "user_key"]
_FOLDS = 3
_LOG = logging.getLogger("beha2vec_core.predictions")


class Backtest(NamedTuple):
    """What came out.

    Attributes:
        rows: a row per target, horizon, method and metric: ``value``, ``n``, and ``low`` and ``high`` (95%) where they
            are known. ``auroc_less_rfm`` and ``log_loss_less_rfm`` compare with recency, frequency and money,
            ``_less_champion`` with the model in use then, ``_less_ga4`` with GA4's scores, on the same users and dates.
        curves: for the model: reliability and gains by ``decile``, for each target and horizon.
        origins: the test dates.
        notes: what could not be measured.
    """

    rows: pd.DataFrame
    curves: pd.DataFrame
    origins: list[date]
    notes: list[str]


def backtest(
    frame: pd.DataFrame,
    until: date,
    config: FitConfig | None = None,
    folds: int = _FOLDS,
    *,
    rivals: bool = True,
    champions: Sequence[PredictionModel] = (),
    rows_for: Callable[[PredictionModel, date], pd.DataFrame] | None = None,
    ga4_scores: Callable[[date], pd.DataFrame] | None = None,
) -> Backtest:
    """Fit as of several dates and judge each model on its date.

    Args:
        frame: rows of ``ga4.ml_ga4__user_features``; those of a sample have ``weight`` (see `examples`).
        until: the day after the last exported one.
        folds: test dates at most, the newest ones whose longest horizon has matured.
        champions: models that were in use; on each test date the newest one that has not seen it is judged too.
        rows_for: gives a champion its rows of a date, if they are not those of the frame: its vectors may be others.
        ga4_scores: GA4's own predictions as of a date, from `ga4_scores.with_persons`.
    """
    config = replace(config or FitConfig(), intervals=False)
    as_of = pd.to_datetime(frame["as_of"])
    origins = [day.date() for day in sorted(as_of.unique())]
    judged: dict[tuple[str, int, str], list[Judged]] = {}
    tested: list[date] = []
    notes: list[str] = []
    bar = ProgressBar(title="backtest", unit="date", total=folds)
    for horizons in (config.horizons[:kept] for kept in range(len(config.horizons), 0, -1)):
        matured = [day for day in origins if day + timedelta(days=horizons[-1] + LATE_EVENT_DAYS) <= until]
        for day in reversed(matured):
            if len(tested) == folds:
                break
            users = frame[(as_of == pd.Timestamp(day)) & (frame["days_since_last_session"] <= config.population_days)]
            if users.empty:
                continue
            try:
                models = list(_fitted(frame, day, replace(config, horizons=horizons), rivals))
            except NotEnoughHistoryError as error:
                notes.append(f"{day}: {error}")
                break
            bar.update(about=f"{counted(len(users), 'user')} as of {day}")
            tested.append(day)
            earlier_models = [one for one in champions if one.standing <= day]
            fold = _Fold(judged, len(tested) - 1, users)
            for method, model in models:
                fold.add_model(method, model)
            if earlier_models:
                champion = max(earlier_models, key=lambda one: one.standing)
                kept = [name for name in (*_USER, WEIGHT) if name in users]
                own = users
                if rows_for:
                    own = users[kept].merge(rows_for(champion, day).drop(columns=WEIGHT, errors="ignore"), on=_USER)
                if len(own) == len(users):
                    replace(fold, users=own).add_model(CHAMPION, champion)
                else:
                    _LOG.warning("backtest: no champion as of %s, users of the examples have no features now", day)
            if rivals:
                population = frame["days_since_last_session"] <= config.population_days
                earlier = frame[(as_of < pd.Timestamp(day)) & population]
                everyone = frame[as_of == pd.Timestamp(day)]
                fold.add_rules(earlier, everyone, models[0][1], day)
            if ga4_scores is not None:
                fold.add_ga4(ga4_scores(day))
        if tested:
            break
    bar.close()
    rows, curves = _summary(judged)
    return Backtest(rows, curves, sorted(tested), [] if tested else notes[:1])


def _fitted(frame: pd.DataFrame, day: date, config: FitConfig, rivals: bool) -> Iterator[tuple[str, PredictionModel]]:
    yield MODEL, fit_predictions(frame, day, config)
    if not rivals:
        return
    if PURCHASE in config.targets:
        blocks = tuple(block for block in config.blocks if block != "funnel")
        with suppress(NotEnoughHistoryError):
            yield NO_FUNNEL, fit_predictions(frame, day, replace(config, blocks=blocks, targets=(PURCHASE,)))
    if has_vectors(frame):
        yield NO_VECTORS, fit_predictions(frame.drop(columns=BEHAVIOR), day, config)
    for name, features in _FEATURES.items():
        yield name, fit_predictions(frame, day, replace(config, features=features, trees=False))


@dataclass(frozen=True)
class _Fold:
    """The users of a test date, and where what methods said of them is kept: by target, horizon and method."""

    judged: dict[tuple[str, int, str], list[Judged]]
    place: int  # of the test date
    users: pd.DataFrame

    def add_model(self, method: str, model: PredictionModel) -> None:
        for name, scores in model.scores(self.users).items():
            target, probability = model.targets[name], scores.probability
            spend = target.value.per_buyer(self.users, target.horizons) if target.value else None
            for j, days in enumerate(target.horizons):
                value = probability[:, j] * spend[:, j] if spend is not None else None
                self._add(name, days, method, probability[:, j], value)

    def add_rules(self, earlier: pd.DataFrame, everyone: pd.DataFrame, model: PredictionModel, day: date) -> None:
        """The base rate of what has matured, and BG/NBD for purchases."""
        for name, target in model.targets.items():
            before, weight = outcome(earlier, name, target.horizons, day), weights_of(earlier)
            for j, days in enumerate(target.horizons):
                known, happened = before.known[:, j], before.happened[:, j]
                self._add(name, days, BASE_RATE, np.full(len(self.users), _share(happened[known], weight[known])))
                if name == PURCHASE:
                    others = (earlier["purchases_ever"].fillna(0) == 0).to_numpy() & known
                    bought = _bg_nbd(everyone, self.users, days, _share(happened[others], weight[others]))
                    if bought is not None:
                        self._add(name, days, BG_NBD, bought)

    def add_ga4(self, scores: pd.DataFrame) -> None:
        """GA4's own predictions, on the users who have one."""
        for target, part in scores.groupby("target"):
            if (target, GA4_DAYS, MODEL) in self.judged:
                probability = self.users[_USER].merge(part, on=_USER, how="left")["probability"]
                self._add(str(target), GA4_DAYS, GA4, probability.to_numpy(dtype=np.float64))

    def _add(self, target: str, days: int, method: str, said: FloatArray, value: FloatArray | None = None) -> None:
        """Keep what a method said of the users whose outcome is known; NaN where it said nothing."""
        found = outcome(self.users, target, (days,))
        known = found.known[:, 0] & np.isfinite(said)
        if not known.any():
            return
        value = np.full(len(self.users), np.nan) if value is None else value
        paid = value
        if target == PURCHASE:
            paid = self.users[f"revenue_{days}d"].to_numpy(dtype=np.float64, na_value=np.nan)
        rows = Judged(
            self.users["user_key"].to_numpy(dtype=object)[known],
            (self.place << 32) + np.flatnonzero(known),
            said[known],
            found.happened[known, 0],
            paid[known],
            value[known],
            weights_of(self.users)[known],
        )
        self.judged.setdefault((target, days, method), []).append(rows)


def _share(happened: BoolArray, weight: FloatArray) -> float:
    return float(weighted_mean(happened, weight)) if len(happened) else 0.0


def _bg_nbd(everyone: pd.DataFrame, users: pd.DataFrame, days: int, others: float) -> FloatArray | None:
    """P(a purchase within the horizon) of those with an earlier one; the base rate ``others`` for the rest.

    Fitted on all buyers, also those who were not seen lately.
    """
    try:
        buyers_ever = everyone[everyone["purchase_days_ever"].fillna(0) > 0]
        fitted = fit_bg_nbd(*_histories(everyone), weight=weights_of(buyers_ever))
    except ValueError:  # too few purchases, or no maximum
        return None
    found = np.full(len(users), others)
    buyers = (users["purchase_days_ever"].fillna(0) > 0).to_numpy()
    found[buyers] = fitted.probability_of_purchase(*_histories(users), days)
    return found


def _histories(users: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Repeat purchases, their recency and the age of those with a purchase, in days."""
    part = users[users["purchase_days_ever"].fillna(0) > 0]
    age = part["days_since_first_purchase"].to_numpy(dtype=np.float64)
    recency = age - part["days_since_last_purchase"].to_numpy(dtype=np.float64)
    return part["purchase_days_ever"].to_numpy(dtype=np.float64) - 1, recency, age


def _summary(judged: dict[tuple[str, int, str], list[Judged]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    joined = {
        key: Judged(*(np.concatenate(parts) for parts in zip(*found, strict=True))) for key, found in judged.items()
    }
    resampler = Resampler()
    rows: list[dict[str, Any]] = []
    curves = []
    for (target, days, method), one in joined.items():
        about = {"target": target, "horizon": days, "method": method, "n": len(one.users)}
        rows += [about | metric for metric in metrics(one, resampler)]
        for name, rival in (("rfm", RFM), ("champion", CHAMPION), ("ga4", GA4)):
            other = joined.get((target, days, rival))
            if other is not None and method not in (rival, CHAMPION, RFM):
                rows += [about | metric for metric in compared(one, other, name, resampler)]
        if method == MODEL:
            curves.append(curves_of(one).assign(target=target, horizon=days))
    columns = ["target", "horizon", "method", "metric", "value", "low", "high", "n"]
    table = pd.DataFrame(rows, columns=columns)
    return table, pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
