"""Runs a method on a data set: fits it on each split, gives it every task it can do, and times it."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from beha2vec_core.evaluation.data.base import EvaluationData
from beha2vec_core.evaluation.methods.base import Encodes, Method, RanksNext
from beha2vec_core.evaluation.splits import REPEATS, Split, locked_split, repeated_splits, temporal_split
from beha2vec_core.evaluation.tasks import TASKS
from beha2vec_core.evaluation.tasks.base import Outcome, Task, Trial
from beha2vec_core.evaluation.tasks.inputs import encode, fit

# a costly method is judged on the first of the repeated splits only
COSTLY_REPEATS = 2
_ABILITY = {"encode": Encodes, "rank_next": RanksNext}


@dataclass(frozen=True)
class Judgement:
    """One figure of one method on one split of one data set."""

    data: str
    method: str
    split: str
    repeat: int
    outcome: Outcome


def judge(
    data: EvaluationData,
    method: Method,
    *,
    repeats: int = REPEATS,
    costly_repeats: int = COSTLY_REPEATS,
    locked: bool = False,
    tasks: Sequence[Task] = TASKS,
    progress: bool = True,
) -> list[Judgement]:
    """Every figure of a method on a data set.

    Fits on up to ``repeats`` splits by users (``costly_repeats`` for a costly method) and, where the data set is
    temporal, on one split in time. ``locked`` judges the locked fifth instead, in fits with as many seeds.
    """
    count = costly_repeats if method.costly else repeats
    if locked:
        splits = [locked_split(data.events, repeat) for repeat in range(count)]
    else:
        splits = repeated_splits(data.events, count)
    if data.temporal:
        splits.append(temporal_split(data.events, locked=locked))
    found = []
    for split in tqdm(splits, desc=f"{data.name}: {method.name}", unit="fit", disable=not progress):
        for outcome in _outcomes(data, method, split, tasks):
            found.append(Judgement(data.name, method.name, split.name, split.repeat, outcome))
    return found


def _outcomes(data: EvaluationData, method: Method, split: Split, tasks: Sequence[Task]) -> list[Outcome]:
    had_fit = method.has_fit(split.fit, split.repeat)
    started = time.perf_counter()
    fitted = fit(method, split.fit, split.repeat)
    fit_seconds = None if had_fit else time.perf_counter() - started
    trial = Trial(data, split, method, fitted)
    found = [] if split.cut is not None else _speed(trial, fit_seconds)
    in_time = split.cut is not None
    asked = [task for task in tasks if (task.split == "time") == in_time and not (task.once and split.repeat)]
    return found + run_tasks(trial, asked)


def run_tasks(trial: Trial, tasks: Sequence[Task]) -> list[Outcome]:
    """The figures of the tasks that the method can do."""
    able = [task for task in tasks if isinstance(trial.fitted, _ABILITY[task.needs])]
    return [outcome for task in able for outcome in task.run(trial)]


def _speed(trial: Trial, fit_seconds: float | None) -> list[Outcome]:
    """Sequences a second in training (users by epochs; not of a fit that was there before), users a second in
    encoding, peak memory of the processes."""
    split = trial.split
    judged = split.judged["user_key"].nunique()
    figures = {}
    if trial.method.epochs and trial.method.shares_fit_with is None and fit_seconds is not None:
        figures["trained sequences/s"] = trial.method.epochs * split.fit["user_key"].nunique() / max(fit_seconds, 1e-9)
    if isinstance(trial.fitted, Encodes):
        started = time.perf_counter()
        encode(trial.fitted, split.judged)
        figures["encode users/s"] = judged / max(time.perf_counter() - started, 1e-9)
    figures["events a user"] = len(split.judged) / judged
    figures["peak MB"] = _peak_megabytes()
    return [Outcome("speed", metric, value, judged) for metric, value in figures.items()]


def _peak_megabytes() -> float:
    """Peak resident memory of this process, and on Linux of those it has running."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    running = [pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()]
    status = "\n".join(Path(f"/proc/{pid}/status").read_text() for pid in running)
    return own + sum(int(kilobytes) for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", status)) / 1024
