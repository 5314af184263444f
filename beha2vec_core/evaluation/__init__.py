"""How user vectors are judged: data sets, splits, tasks, methods and statistics, one protocol for all.

What belongs here: what "better" means, fixed before anyone tunes. What does not: the encoder itself (see
:mod:`beha2vec_core.encoder`), and what is shown of a run in Dagster. ``docs/evaluation.md`` says in plain words what
each figure means.

- ``data/``: the data sets, one module each, all as :class:`~beha2vec_core.evaluation.data.base.EvaluationData`
- ``splits``: who is fitted on and who is judged, by hash of the user
- ``tasks/``: what a method must do, one module each
- ``methods/``: what is compared, one module each
- ``statistics``: means, deviations, paired bootstrap intervals
- ``protocol``: runs a method on a data set; ``table``: prints what came out
- ``production``: the encoder in use, judged on the team's own data by the same tasks
"""
