"""Predictions for each user: the probability of coming back and of buying, and the expected value.

What belongs here: models of a user's future and what their numbers need (calibration, intervals, reasons).
What does not: features and labels (``dbt_ga4``), metrics and tests of significance (``evaluation``), assets
(``beha2vec_dagster``).

- ``lifetime``: repeat purchases and order values from purchase history alone (BG/NBD, Gamma-Gamma)
"""
