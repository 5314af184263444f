"""A night's scores: probabilities brought to what has matured, and the reasons of the first decile."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from beha2vec_core.compute import Compute
from beha2vec_core.predictions.model import PredictionModel


class Scored(NamedTuple):
    """The scores of a date.

    Attributes:
        rows: as `PredictionModel.predict` gives them, with ``reasons`` (lists of text; of the first decile only).
        shifts: of each target whose frequency has changed since the model was fitted: the correction in log odds.
    """

    rows: pd.DataFrame
    shifts: dict[str, float]


def score(
    model: PredictionModel,
    frame: pd.DataFrame,
    matured: pd.DataFrame | None = None,
    *,
    reasons: bool = True,
    compute: Compute | None = None,
) -> Scored:
    """Score the users of one date.

    Args:
        model: fitted before it.
        frame: rows of ``ga4.ml_ga4__user_features`` of the date.
        matured: rows of the last date of which the shortest horizon has matured, after the model was calibrated. If
            certainly more or fewer users did it than expected, the scores of the target are shifted.
        reasons: whether the first decile gets reasons.
        compute: where users are scored; None: in this process.
    """
    shifts: dict[str, float] = {}
    if matured is not None:
        population = model.population(matured)
        needed = {name: target.needed_shift(population) for name, target in model.targets.items()}
        shifts = {name: shift for name, shift in needed.items() if shift}
    targets = {
        name: target.shifted([shifts.get(name, 0.0)] * len(target.horizons)) for name, target in model.targets.items()
    }
    moved = replace(model, targets=targets)
    rows = moved.predict(frame, compute)
    rows["reasons"] = None
    if not reasons or rows.empty:
        return Scored(rows, shifts)
    users = moved.population(frame)
    places = pd.Series(range(len(users)), index=pd.MultiIndex.from_frame(users[["property_id", "user_key"]]))
    for name, target in moved.targets.items():
        first = rows.index[(rows["target"] == name) & (rows["decile"] == 1)]
        at = places.loc[pd.MultiIndex.from_frame(rows.loc[first, ["property_id", "user_key"]])].to_numpy()
        wanted = pd.unique(at)
        words = dict(zip(wanted, target.reasons(users.iloc[wanted]), strict=True))
        rows.loc[first, "reasons"] = pd.Series([words[place] for place in at], index=first, dtype=object)
    return Scored(rows, shifts)
