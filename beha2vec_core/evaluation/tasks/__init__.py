"""What a method must do, one module a task: population, label, metric and known traps stand in its docstring.

`inputs` says what a method is given, `probe` and `partition` how vectors are read: what several tasks share.
"""

from beha2vec_core.evaluation.tasks import (
    content,
    determinism,
    geometry,
    horizon,
    intent,
    next_step,
    personas,
    retrieval,
    stability,
)
from beha2vec_core.evaluation.tasks.base import Task

TASKS: tuple[Task, ...] = (
    intent.TASK,
    horizon.TASK,
    next_step.NEXT_PAGE,
    next_step.NEXT_EVENT,
    retrieval.TASK,
    personas.TASK,
    content.TASK,
    stability.TASK,
    geometry.TASK,
    determinism.TASK,
)
