"""The error of a sample: python tests/benchmarks/predictions_sample.py WAREHOUSE.

Models are fitted on all examples and on samples of them, as of a date with known outcomes, and judged on all users of
that date. Then the backtest of each sample is compared with that of all. Behavior vectors are left out. With
``--sampled OTHER`` also on samples of another warehouse, in which past Mondays are of a sample: a copy in which
``dbt run --select ml_ga4__user_features --vars '{feature_users: 25000}'`` ran.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.predictions import store
from beha2vec_core.predictions.backtest import BASE_RATE, RECENCY, RFM, backtest
from beha2vec_core.predictions.calibration import log_loss
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import draw
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.targets import last_matured, outcome
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import replace_partition

CONFIG = FitConfig()


def main() -> None:
    """Print a table for each number of examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--examples", type=int, nargs="+", default=[10**9, 250_000, 125_000])
    parser.add_argument("--sampled", type=Path, help="a warehouse with features of fewer users")
    parser.add_argument("--no-backtest", action="store_true")
    parser.add_argument("--days", type=int, default=14, help="the longest horizon that has to be known on the date")
    asked = parser.parse_args()
    with _open(asked.warehouse) as connection:
        dates, last = store.origins(connection), store.last_exported_day(connection)
        assert last is not None
        until = last + timedelta(days=1)
        day = last_matured(dates, until, asked.days)
        assert day is not None
        everyone = store.read_features(connection, [day])
    of_all = pd.DataFrame()
    for warehouse, most in product(filter(None, (asked.warehouse, asked.sampled)), asked.examples):
        with _open(warehouse) as connection:
            users, _ = draw(connection, dates, CONFIG.targets, most)
            replace_partition(connection, "beha2vec.prediction_examples", users, "true")
            frame, _ = store.read_examples(connection)
        print(f"\n{len(frame):,} examples of {warehouse}, judged on all users of {day}\n")
        print("| target | days | AUROC | log loss | observed/expected |\n|---|---:|---:|---:|---:|")
        model = fit_predictions(frame, day, CONFIG)
        population = model.population(everyone)
        for name, scores in model.scores(population).items():
            found = outcome(population, name, model.targets[name].horizons)
            for j, horizon in enumerate(model.targets[name].horizons):
                p, y = scores.probability[:, j], found.happened[:, j]
                loss = log_loss(y, p).mean()
                print(f"| {name} | {horizon} | {auroc(p, y):.4f} | {loss:.5f} | {y.sum() / p.sum():.3f} |", flush=True)
        if asked.no_backtest:
            continue
        rows = backtest(frame, until, CONFIG, folds=2).rows
        rows = rows.set_index(["target", "horizon", "method", "metric"])
        if of_all.empty:
            of_all = rows
            continue
        known = rows["low"].notna()
        value = of_all["value"].reindex(rows.index)
        inside = ((rows["low"] <= value) & (value <= rows["high"]))[known].mean()
        print(f"\n{inside:.0%} of the {known.sum()} intervals of the backtest hold the value of all examples. ", end="")
        print("How far metrics of simple rules are off (median):\n")
        simple = rows.index.get_level_values("method").isin([BASE_RATE, RECENCY, RFM])
        off = np.abs(rows["value"] / value - 1)[simple].groupby(level="metric").median().sort_values()
        print("\n".join(f"- {metric}: {share:.1%}" for metric, share in off.items()), flush=True)


def _open(warehouse: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    connection.execute("create schema ga4")
    connection.execute(f"attach '{warehouse}' as source (read_only)")
    connection.execute("create view ga4.ml_ga4__user_features as from source.ga4.ml_ga4__user_features")
    return connection


if __name__ == "__main__":
    main()
