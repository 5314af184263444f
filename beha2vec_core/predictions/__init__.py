"""Predictions: who will buy, return or do something else in the next days, and for how much.

``features`` turns rows of ``ga4.ml_ga4__user_features`` into a matrix, ``targets`` their labels into outcomes. ``fit``
learns a model as of a date, ``model`` holds it, ``score`` scores users with it. ``calibration`` makes its probabilities
and intervals true, ``value`` and ``lifetime`` (BG/NBD, Gamma-Gamma) say what buyers spend. ``backtest`` measures a
model on dates it has not seen, ``gate`` judges by it. ``store`` reads and writes the warehouse.

Nothing here knows Dagster, and nothing reads an event: features come from dbt.
"""
