"""Fit a prediction model as of a day: what was exported before it, and nothing later.

Rows are users on weekly dates. A discrete-time hazard model (Singer and Willett 1993) learns all horizons at once: a
row per user, date and interval between horizons, while it has not happened. The calibration date is the last date whose
longest horizon has matured. Settings are chosen by what had matured on that date. The model then learns from everything
that has matured. It is calibrated on the calibration date and later ones, by models that have not learned from the same
users.
"""

from contextlib import closing
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from beha2vec_core.predictions.calibration import needed_shift
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.history import History, NotEnoughHistoryError, PersonIntervals, Plan
from beha2vec_core.predictions.kind import FEWEST_TO_MODEL, KindFit
from beha2vec_core.predictions.model import TOO_FEW, PredictionModel, TargetModel, kind_rows
from beha2vec_core.predictions.targets import PURCHASE, Outcome, last_matured, outcome, passed
from beha2vec_core.predictions.value import fit_value
from beha2vec_core.predictions.wording import together
from beha2vec_core.progress import ProgressBar
from beha2vec_core.words import counted

# users with and without an earlier purchase have models of their own once each has so many users with the outcome
FEWEST_A_KIND = 100
_KINDS = ("buyers", "others")


def fit_predictions(frame: pd.DataFrame, standing: date, config: FitConfig | None = None) -> PredictionModel:
    """Fit a model of each target.

    Args:
        frame: rows of ``ga4.ml_ga4__user_features``; those of dates from ``standing`` on are ignored. Rows of a sample
            have ``weight`` (see `examples`).
        standing: the day as of which it is fitted.

    Raises:
        NotEnoughHistoryError: no horizon of any target can be modelled yet; the message says why.
    """
    from threadpoolctl import threadpool_limits

    config = config or FitConfig()
    history = History.of(frame, standing, config.population_days)
    plan = Plan.of(history.dates, standing, config.horizons)
    targets, notes = {}, list(plan.notes)
    with (
        threadpool_limits(1, user_api="blas"),  # on matrices this small, threads mostly wait for each other
        closing(ProgressBar(title="fitting", unit="model", total=len(_KINDS) * len(config.targets))) as bar,
    ):
        for name in config.targets:
            fitted = _fit_target(history, plan, name, config, bar)
            if isinstance(fitted, str):
                notes.append(fitted)
            else:
                targets[name] = fitted
    if not targets:
        raise NotEnoughHistoryError(together(notes[len(plan.notes) :]))  # of no horizon then
    pairs = passed(history.frame, list(targets), plan.horizons, standing, history.weight)
    return PredictionModel(standing, config, targets, tuple(notes), pairs)


def _fit_target(history: History, plan: Plan, target: str, config: FitConfig, bar: ProgressBar) -> TargetModel | str:
    """The models of one target, or why there is none."""
    frame = history.frame
    standing = outcome(frame, target, plan.horizons, plan.standing)
    if not standing.happened.any():
        return f"{target} is not predicted: no user did it within the horizon after an earlier visit."
    training = outcome(frame, target, plan.horizons, plan.calibration)
    if (training.happened[training.known]).all() and training.known.any():
        return f"{target} is not predicted: every user did it, so there is nothing to tell apart."
    if not training.known.any():
        return f"{target} is not predicted: the history is too short to know any outcome (export more days)."
    rows, matured = PersonIntervals.of(training), PersonIntervals.of(standing)
    again = history.happens_again(target, plan) if config.intervals else np.zeros((len(frame), 0), dtype=np.int8)
    apart = kind_rows(frame, _KINDS)
    enough = all(rows.among(mask).users(history.user) >= FEWEST_A_KIND for mask in apart.values())
    names = _KINDS if enough and config.features is None else ("all",)
    kinds, gains = {}, {}
    for name, of_kind in kind_rows(frame, names).items():
        mask = of_kind & standing.known.any(axis=1)
        fit = KindFit(history.part(mask), plan, rows.within(mask), matured.within(mask), again[mask], config)
        kinds[name], gains[name] = fit.fit()
        bar.update(about=f"{target}, {name}")
    notes = [
        f"{target}, {name}: too few to model ({counted(model.positives, 'user')} with the outcome, "
        f"{FEWEST_TO_MODEL} needed)"
        for name, model in kinds.items()
        if model.method == TOO_FEW
    ]
    value = fit_value(frame[pd.Series(training.known.any(axis=1))], plan.horizons) if target == PURCHASE else None
    model = TargetModel(target, plan.horizons, kinds, value, gains=gains)
    model, drift = _with_drift(model, history, plan, standing)
    return replace(model, notes=(*notes, *drift))


def _with_drift(model: TargetModel, history: History, plan: Plan, standing: Outcome) -> tuple[TargetModel, list[str]]:
    """Bring the longer intervals, calibrated on older dates, to what the shortest one has seen since.

    If the shortest interval, calibrated on the newest date, does not fit an older one, the world has moved between
    them; what has not matured since then has moved as far.
    """
    if any(one.cells is not None for one in model.kinds.values()):
        return model, []
    newest, *older = (last_matured(history.dates, plan.standing, days) for days in plan.horizons)
    shifts = [0.0]
    for day in older:
        rows = standing.known[:, 0] & (history.day == (day.toordinal() if day and day != newest else -1))
        hazard = model.score(history.frame[rows]).probability[:, 0]
        shifts.append(-needed_shift(hazard, standing.happened[rows, 0], history.weight[rows]))
    if not any(shifts):
        return model, []
    largest = max(shifts, key=abs)
    note = (
        f"{model.target} has become {'more' if largest > 0 else 'less'} frequent in the last weeks: the probabilities "
        f"of longer horizons are shifted by {largest:+.2f} log odds"
    )
    return model.shifted(shifts), [note]
