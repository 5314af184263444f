"""All tasks of the benchmarks: those of ``beha2vec_core.evaluation``, with refits, later weeks and planted personas."""

from __future__ import annotations

from beha2vec_core.evaluation.tasks import content, geometry, intent, next_step, retrieval
from beha2vec_core.evaluation.tasks.base import Task
from tests.benchmarks.tasks import horizon, personas, refits
from tests.benchmarks.tasks.personas import PlantedTrial

__all__ = ["TASKS", "PlantedTrial"]

TASKS: tuple[Task, ...] = (
    intent.TASK,
    horizon.TASK,
    next_step.NEXT_PAGE,
    next_step.NEXT_EVENT,
    retrieval.TASK,
    personas.TASK,
    content.TASK,
    refits.STABILITY,
    geometry.TASK,
    refits.DETERMINISM,
)
