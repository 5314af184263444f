"""Determinism: does the same journey always get the same vector?

Population: judged users. Metric: the largest absolute difference in any number of any vector, 0 at best: of encoding
the same users twice; of a few users encoded alone and in the whole; and of users under other keys, which sort the other
way round.

Traps: vectors that are all alike differ by nothing: read it beside geometry. Differences are in the vectors' own unit.
"""

import numpy as np
import pandas as pd

from beha2vec_core.evaluation.splits import user_hash
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial
from beha2vec_core.evaluation.tasks.inputs import Vectors, encode, users_of

ALONE = 20


def run(trial: Trial) -> list[Outcome]:
    """Three differences."""
    judged = trial.split.judged
    users = users_of(judged)
    if not len(users):
        return []
    vectors = encode(trial.fitted, judged)
    few = np.flatnonzero(np.isin(users, lowest(judged, ALONE)))
    alone = np.vstack([encode(trial.fitted, judged[judged["user_key"] == users[row]]) for row in few])
    figures = {
        "encoded twice": apart(vectors, encode(trial.fitted, judged)),
        "encoded alone": apart(vectors[few], alone),
        "encoded in another order": apart(vectors, encode(trial.fitted, turned(judged))[::-1]),
    }
    return [Outcome("determinism", metric, value, len(users)) for metric, value in figures.items()]


def turned(events: pd.DataFrame) -> pd.DataFrame:
    """The same journeys under other keys, the last user first."""
    users = users_of(events)
    keys = dict(zip(users, (f"{len(users) - place:09d}" for place in range(len(users))), strict=True))
    return events.assign(user_key=events["user_key"].map(keys)).sort_values("user_key", kind="stable")


def lowest(events: pd.DataFrame, users: int) -> list[str]:
    """So many users, by hash."""
    return sorted(events["user_key"].unique(), key=user_hash)[:users]


def apart(one: Vectors, other: Vectors) -> float:
    """The largest absolute difference; infinite where even the shapes differ."""
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")


TASK = Task("determinism", "users", "encode", run)
