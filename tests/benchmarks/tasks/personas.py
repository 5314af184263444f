"""Personas: do clusters agree with the personas planted in the data?

Population: judged users with a planted persona. Metric: adjusted Rand index and normalised mutual information between
personas and K-Means with as many clusters as personas, mean of five seeds. The oracle's (what the true generator could
tell of the same users) is printed beside: nobody can do better but by luck.

Traps: users of one page may be unidentifiable, so their share is a figure of its own; vectors that are all alike make
one cluster and earn 0. K-Means seeks round clusters of like size: where the oracle is far above all, that may be why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial
from beha2vec_core.evaluation.tasks.inputs import encode, users_of
from beha2vec_core.evaluation.tasks.partition import agreement, clusters
from tests.benchmarks.methods import TimedMethod

SEEDS = 5


@dataclass(frozen=True)
class PlantedTrial(Trial):
    """A trial of a method on users whose planted persona is known, with what the oracle says (see `EvaluationData`)."""

    method: TimedMethod
    personas: pd.Series | None = None
    oracle: pd.Series | None = None


def run(trial: Trial) -> list[Outcome]:
    """ARI and NMI, the oracle's, and the share of users of one page; nothing where no personas were planted."""
    from sklearn.metrics import normalized_mutual_info_score as information

    if not isinstance(trial, PlantedTrial) or trial.personas is None:
        return []
    personas = trial.personas
    events = trial.split.judged[trial.split.judged["user_key"].isin(personas.index)]
    users = users_of(events)
    persona = personas.reindex(users).to_numpy(dtype=str)
    k = len(np.unique(persona))
    if len(users) < max(k, 2):
        return []
    vectors = encode(trial.fitted, events)
    found = [clusters(vectors, k, seed=seed) for seed in range(SEEDS)]
    views = events.groupby("user_key")["is_page_view"].sum()
    figures = {
        "ari": np.mean([agreement(persona, labels) for labels in found]),
        "nmi": np.mean([information(persona, labels) for labels in found]),
        "one-page users": (views <= 1).mean(),
    }
    if trial.oracle is not None:
        told = trial.oracle.reindex(users).to_numpy(dtype=str)
        figures |= {"oracle ari": agreement(persona, told), "oracle nmi": information(persona, told)}
    return [Outcome("personas", metric, float(value), len(users)) for metric, value in figures.items()]


TASK = Task("personas", "users", "encode", run)
