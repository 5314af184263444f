"""Stability and determinism, also of methods that are fitted again: what production has no time for.

Stability: beside seeds and bootstraps, the agreement with the clusters of vectors of the method fitted again with
another seed (cold), and of the fitted one trained on (warm), where it can be: then the centroids stay, as they do in
production between scheduled re-clusterings, and users move to the nearest. A method that has no seed repeats itself and
earns 1 when cold, rightly so.

Determinism: beside encoding, the method fitted twice with the same seed (a costly method on a few fitted users only).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from beha2vec_core.clusters.kmeans import kmeans, nearest
from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.data import inputs
from beha2vec_core.evaluation.encoder import Vectors, encoder_input
from beha2vec_core.evaluation.methods import Fitted
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks import determinism, stability
from beha2vec_core.evaluation.tasks.base import Trial
from beha2vec_core.evaluation.tasks.determinism import apart, lowest
from beha2vec_core.evaluation.tasks.inputs import encode, fit
from beha2vec_core.evaluation.tasks.partition import CLUSTERS, agreement, clusters
from tests.benchmarks.tasks.personas import PlantedTrial

FEW = 200


@runtime_checkable
class WarmStarts(Protocol):
    """Can be trained on."""

    def warm_start(self, events: pd.DataFrame, seed: int) -> Fitted:
        """Another fitted method, started from this one's weights; this one stays as it is."""
        ...


def _stability(trial: Trial) -> list[Outcome]:
    found = stability.run(trial)
    if not found:
        return []
    judged, seed = trial.split.judged, trial.split.repeat + 1
    centroids, labels = kmeans(normalise(encode(trial.fitted, judged)), CLUSTERS, seed=0)
    cold = encode(fit(_method(trial), trial.split.fit, seed), judged)
    figures = {"cold retrains": agreement(labels, clusters(cold, CLUSTERS, seed=0))}
    if (again := _trained_on(trial.fitted, inputs(trial.split.fit), seed)) is not None:
        figures["warm retrains"] = agreement(labels, nearest(normalise(encode(again, judged)), centroids))
    return found + [Outcome("stability", f"ari across {name}", one, found[0].n) for name, one in figures.items()]


def _trained_on(fitted: Fitted, events: pd.DataFrame, seed: int) -> Fitted | None:
    """The fitted method trained on, an encoder more gently than from scratch; None of what cannot be."""
    if isinstance(fitted, WarmStarts):
        return fitted.warm_start(events, seed)
    if not isinstance(fitted, Vectors):
        return None
    from beha2vec_core.encoder.encoder import BehaviorEncoder

    before = fitted.encoder
    train = replace(before.train_config.gently(), seed=seed)
    return replace(fitted, encoder=BehaviorEncoder.fit(encoder_input(events), None, train, warm_start=before))


def _determinism(trial: Trial) -> list[Outcome]:
    found = determinism.run(trial)
    if not found:
        return []
    judged, seed, events, once = trial.split.judged, trial.split.repeat, trial.split.fit, trial.fitted
    if _method(trial).costly:
        events = events[events["user_key"].isin(lowest(events, FEW))]
        once = fit(_method(trial), events, seed)
    twice = apart(encode(once, judged), encode(fit(_method(trial), events, seed), judged))
    return [*found, Outcome("determinism", "fitted twice", twice, found[0].n)]


def _method(trial: Trial) -> Any:
    assert isinstance(trial, PlantedTrial), "the benchmarks know the method of a trial"
    return trial.method


STABILITY, DETERMINISM = replace(stability.TASK, run=_stability), replace(determinism.TASK, run=_determinism)
