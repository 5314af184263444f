"""Asset checks: those of the core's catalogue, a step an asset, and the gate of a new encoder.

What is looked at and how bad it is stands in `beha2vec_core.quality.catalogue`; dbt's tests are checks of its models by
themselves.
"""
