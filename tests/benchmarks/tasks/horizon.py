"""Return and purchase in a horizon: who is seen, and who buys, in the 7, 14 and 28 days from T on.

Population: judged users with an event in the 28 days before T. Features: their events before T, all of them. Labels:
any event, any purchase, in [T, T + horizon). Metric: AUROC, one score a user: probes are trained on 70 % of the judged
users and score the other 30 %, twenty times by hash of the user; a user's score is the mean of his rank (as a share,
ties by mean rank) among the users scored with him. Averaging before judging keeps one unit a user, so that a bootstrap
of users is right, and ranks let probes of different intercepts be averaged.

Methods that can encode as of a moment do so as of T, as predictions in production do.

Traps: who was seen long ago is not coming back and everybody knows: hence the 28 days. Methods that cannot encode as of
a moment do not know how long ago the last event was, and lose by it. Frequent users come back: a count of events is a
strong floor here, rightly so. A hundred columns of vectors beside three counts cost a probe of few users more than they
bring, so a method that adds to counts lets each probe choose (see `probe`).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.methods import EncodesAsOf
from beha2vec_core.evaluation.splits import DAY, user_hash
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial, user_auroc
from beha2vec_core.evaluation.tasks.inputs import Vectors, encode, users_of
from beha2vec_core.evaluation.tasks.probe import probe
from tests.benchmarks.splits import FIT_SHARE, HORIZONS

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ACTIVE_DAYS = 28
PROBES = 20


@runtime_checkable
class AddsToCounts(EncodesAsOf, Protocol):
    """Counts in the first ``counts`` columns, and after them vectors, which probes use only if they help."""

    counts: int


def population(events: pd.DataFrame, cut: int) -> tuple[pd.DataFrame, dict[str, BoolArray]]:
    """The events before T of the users active then, and by event and horizon the label of each user, sorted."""
    moment = events["event_timestamp"]
    active = events.loc[moment.between(cut - ACTIVE_DAYS * DAY, cut, inclusive="left"), "user_key"].unique()
    before = events[(moment < cut) & events["user_key"].isin(active)]
    users = users_of(before)
    labels = {}
    for name, of_interest in (("return", moment >= cut), ("purchase", (moment >= cut) & events["is_purchase"])):
        for days in HORIZONS:
            seen = events.loc[of_interest & (moment < cut + days * DAY), "user_key"].unique()
            labels[f"{name} {days} days"] = np.isin(users, seen)
    return before, labels


def run(trial: Trial) -> list[Outcome]:
    """An AUROC for each event and horizon of which there are enough of either kind."""
    assert trial.split.cut is not None, "a split in time has a moment T"
    before, labels = population(trial.split.judged, trial.split.cut)
    if before.empty:
        return []
    users, vectors = users_of(before), encode(trial.fitted, before, as_of=trial.split.cut)
    counts = trial.fitted.counts if isinstance(trial.fitted, AddsToCounts) else None
    trained_on = [
        np.array([user_hash(user, f"probe {repeat}") % 1000 < FIT_SHARE * 1000 for user in users])
        for repeat in range(PROBES)
    ]
    outcomes = []
    for name, label in labels.items():
        score = _scores(vectors, label, trained_on, counts)
        scored = ~np.isnan(score)
        if len(set(label[scored])) == 2:
            outcomes.append(user_auroc("horizon", f"{name} auroc", users[scored], score[scored], label[scored]))
    return outcomes


def _scores(vectors: Vectors, label: BoolArray, trained_on: list[BoolArray], counts: int | None = None) -> FloatArray:
    """Each user's mean rank among the users scored with him, NaN where no probe scored him."""
    total, times = np.zeros(len(label)), np.zeros(len(label))
    for repeat, train in enumerate(trained_on):
        if train.all():
            continue
        score = probe(vectors[train], label[train], vectors[~train], seed=repeat, counts=counts)
        if score is not None:
            total[~train] += _rank_shares(score)
            times[~train] += 1
    with np.errstate(invalid="ignore"):
        return np.asarray(total / times)


def _rank_shares(score: FloatArray) -> FloatArray:
    """The share of the others that score lower, 0 to 1, those who score alike counted half."""
    ordered = np.sort(score)
    return (np.searchsorted(ordered, score) + np.searchsorted(ordered, score, side="right")) / (2 * len(score))


TASK = Task("horizon", "time", "encode", run)
