"""What a task is given and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from beha2vec_core.evaluation.methods import Encodes, Fitted, RanksNext
from beha2vec_core.evaluation.splits import Split
from beha2vec_core.evaluation.statistics import Outcome, auroc


@dataclass(frozen=True)
class Trial:
    """A fitted method and the split it is judged on."""

    split: Split
    fitted: Fitted


@dataclass(frozen=True)
class Task:
    """What the protocol calls."""

    name: str
    split: Literal["users", "time"]  # by ``users`` (repeated) or in ``time``
    # what the method must be able to do: ``encode``, or ``rank_next`` (see `methods`)
    needs: Literal["encode", "rank_next"]
    run: Callable[[Trial], list[Outcome]]  # the work. It may give no outcome where the data do not allow it


_ABILITY = {"encode": Encodes, "rank_next": RanksNext}


def run_tasks(trial: Trial, tasks: Sequence[Task]) -> list[Outcome]:
    """The figures of the tasks that the method can do."""
    able = [task for task in tasks if isinstance(trial.fitted, _ABILITY[task.needs])]
    return [outcome for task in able for outcome in task.run(trial)]


def user_mean(task: str, metric: str, users: Any, score: Any) -> Outcome:
    """The mean of the units' scores."""
    values = np.asarray(score, dtype=float)
    return Outcome(
        task, metric, float(values.mean()), len(values), "mean", np.asarray(users, dtype=object), values, None
    )


def user_auroc(task: str, metric: str, users: Any, score: Any, label: Any) -> Outcome:
    """The area under the ROC curve of the units' scores against their labels."""
    scores, labels = np.asarray(score, dtype=float), np.asarray(label, dtype=float)
    return Outcome(
        task, metric, auroc(scores, labels), len(scores), "auroc", np.asarray(users, dtype=object), scores, labels
    )
