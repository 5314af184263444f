"""A night's scores: probabilities brought to what has matured, and the reasons of the first decile.

Users are scored a part at a time, so memory does not grow with the site; `store.write_predictions` then ranks all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from beha2vec_core.compute import Compute
from beha2vec_core.predictions.arrays import BoolArray, FloatArray
from beha2vec_core.predictions.calibration import needed_shift
from beha2vec_core.predictions.model import PredictionModel

# In a part of the users the first decile of all ends elsewhere than at a tenth. A part has 50,000 users or more, so its
# share is off by 0.0013 (one standard deviation).
_MARGIN = 0.01


def needed_shifts(model: PredictionModel, matured: Iterable[pd.DataFrame]) -> dict[str, float]:
    """The correction, in log odds, of each target whose frequency has certainly changed since the model was fitted.

    Args:
        matured: rows of ``ga4.ml_ga4__user_features`` of the last date of which the shortest horizon has matured, after
            the model was calibrated, a part of the users at a time.
    """
    found: dict[str, list[tuple[FloatArray, BoolArray, FloatArray]]] = {name: [] for name in model.targets}
    for part in matured:
        population = model.population(part)
        for name, target in model.targets.items():
            found[name].append(target.first_hazards(population))
    shifts = {
        name: needed_shift(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        for name, parts in found.items()
        if parts
    }
    return {name: shift for name, shift in shifts.items() if shift}


def score(
    model: PredictionModel,
    frame: pd.DataFrame,
    shifts: Mapping[str, float] | None = None,
    *,
    reasons: bool = True,
    is_part: bool = False,
    compute: Compute | None = None,
) -> pd.DataFrame:
    """Score users of one date: as `PredictionModel.predict`, with ``reasons`` (lists of text) of the first decile.

    Args:
        frame: rows of ``ga4.ml_ga4__user_features`` of the date.
        shifts: from `needed_shifts`.
        reasons: whether the first decile gets reasons.
        is_part: whether these are a part of the users of the date, drawn at random. Deciles are then of the part, and
            all who may be in the first decile of all users have reasons.
        compute: where users are scored; None: in this process.
    """
    by = shifts or {}
    moved = replace(
        model,
        targets={
            name: target.shifted([by.get(name, 0.0)] * len(target.horizons)) for name, target in model.targets.items()
        },
    )
    rows = moved.predict(frame, compute)
    rows["reasons"] = None
    if not reasons or rows.empty:
        return rows
    users = moved.population(frame)
    first = rows["decile"] == 1
    if is_part:
        ranks = rows.groupby(["target", "horizon"])["probability"].rank(method="min", ascending=False, pct=True)
        first |= ranks <= 0.1 + _MARGIN
    for name, target in moved.targets.items():
        of_target = rows.index[(rows["target"] == name) & first]
        at = of_target.to_numpy() % len(users)
        wanted = pd.unique(at)
        words = dict(zip(wanted, target.reasons(users.iloc[wanted]), strict=True))
        rows.loc[of_target, "reasons"] = pd.Series([words[place] for place in at], index=of_target, dtype=object)
    return rows
