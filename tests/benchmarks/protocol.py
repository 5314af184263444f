"""Runs a method on a data set: fits it on each split, gives it every task it can do, and times it."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from beha2vec_core.evaluation.methods import Encodes
from beha2vec_core.evaluation.splits import Split
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, run_tasks
from beha2vec_core.evaluation.tasks.inputs import encode, fit
from tests.benchmarks.data_sets.base import EvaluationData
from tests.benchmarks.judgements import Judgement
from tests.benchmarks.methods import TimedMethod
from tests.benchmarks.splits import REPEATS, locked_split, repeated_splits, temporal_split
from tests.benchmarks.tasks import TASKS, PlantedTrial, refits

# a costly method is judged on the first of the repeated splits only
COSTLY_REPEATS = 2
# figures that fit the method again
_ONCE = (refits.STABILITY, refits.DETERMINISM)


def judge(
    data: EvaluationData,
    method: TimedMethod,
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
    if data.temporal and any(task.split == "time" for task in tasks):
        splits.append(temporal_split(data.events, locked=locked))
    found = []
    for split in tqdm(splits, desc=f"{data.name}: {method.name}", unit="fit", disable=not progress):
        for outcome in _outcomes(data, method, split, tasks):
            found.append(Judgement(data.name, method.name, split.name, split.repeat, outcome))
    return found


def _outcomes(data: EvaluationData, method: TimedMethod, split: Split, tasks: Sequence[Task]) -> list[Outcome]:
    had_fit = method.has_fit(split.fit, split.repeat)
    started = time.perf_counter()
    fitted = fit(method, split.fit, split.repeat)
    fit_seconds = None if had_fit else time.perf_counter() - started
    trial = PlantedTrial(split, fitted, method, personas=data.personas, oracle=data.oracle)
    found = [] if split.cut is not None else _speed(trial, fit_seconds)
    in_time = split.cut is not None
    asked = [task for task in tasks if (task.split == "time") == in_time and not (task in _ONCE and split.repeat)]
    return found + run_tasks(trial, asked)


def _speed(trial: PlantedTrial, fit_seconds: float | None) -> list[Outcome]:
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
