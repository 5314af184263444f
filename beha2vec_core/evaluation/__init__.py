"""Judges the encoder on the team's own data: what is measured, on whom, beside which floors, and what passes.

Other methods (rivals), public data sets and the results page live in ``tests/benchmarks``, which uses the same tasks
and statistics. ``docs/evaluation.md`` explains each figure in plain words.

- ``data``: the events of the warehouse, with the columns that tasks read; ``splits``: who is fitted on, who is judged
- ``tasks/``: what a method must do, one module each
- ``methods``: what a method looks like; ``floors/``: cheap methods; ``encoder``: a trained encoder as a method
- ``statistics``: the AUROC and paired bootstrap intervals
- ``production``: the figures of the asset ``encoder_evaluation``; ``gate``: whether a candidate may be promoted
"""
