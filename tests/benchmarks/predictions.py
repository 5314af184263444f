"""How good predictions are on data sets beside simple rules: make bench-predictions, or this file with --data cdnow.

Each data set is written as a GA4 export, ingested and built by dbt_ga4, as a property's own export is. Models are
fitted as of each test date and judged on it. On the customers of the demo edition the true probability is known: the
table then has the oracle, and how many intervals hold the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_core.predictions import behavior, store
from beha2vec_core.predictions.backtest import Backtest, backtest
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.score import score
from beha2vec_core.store.tables import create_tables
from tests.benchmarks.data_sets import cache_folder, data_folder
from tests.benchmarks.data_sets.customers import CUSTOMERS, CustomerEdition, truth
from tests.benchmarks.data_sets.customers_export import write_customers
from tests.benchmarks.data_sets.logs_export import LOGS, write_export

PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
WEEKS = 20
# the budget of the asset
TRAINING = TrainConfig(epochs=10, max_updates=2_000, device="cpu", progress=False)
SHOWN = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "lift_10pct": "lift 10 %",
    "brier": "Brier",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "calibration_slope": "slope",
    "observed_over_expected": "observed/expected",
    "revenue_in_top_decile": "revenue in top tenth",
}


def main() -> None:
    """Run the data sets asked for, and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["customers", *LOGS], choices=["customers", *LOGS])
    parser.add_argument("--users", type=int, default=CUSTOMERS.users, help="users of the demo edition")
    parser.add_argument("--seed", type=int, default=CUSTOMERS.seed, help="of the demo edition")
    parser.add_argument("--no-vectors", dest="vectors", action="store_false", help="leave behavior vectors out")
    parser.add_argument("--dates", type=int, default=3, help="test dates")
    parser.add_argument("--last-day", type=date.fromisoformat, help="ignore what was exported later")
    parser.add_argument("--folder", type=Path, help="keep exports and warehouses here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for name in options.data:
            edition = replace(CUSTOMERS, users=options.users, seed=options.seed) if name == "customers" else None
            _run(name, edition, folder / (f"{name}_{options.users}_{options.seed}" if edition else name), options)


def _run(name: str, edition: CustomerEdition | None, folder: Path, options: argparse.Namespace) -> None:
    warehouse = _built(name, edition, folder)
    with duckdb.connect(str(warehouse)) as connection:
        create_tables(connection)
        until = store.last_exported_day(connection)
        assert until is not None
        if options.last_day:
            until = min(until, options.last_day)
        dates = [day for day in store.origins(connection) if day <= until]
        frame = _with_vectors(connection, dates) if options.vectors else store.read_features(connection, dates)
        keys = connection.execute("select user_key, user_pseudo_id from ga4.int_ga4__identity_map").df()
    config = FitConfig(targets=("purchase", "return") if name != "mathoverflow_2009_16" else ("return",))
    start = time.perf_counter()
    found = backtest(frame, until + timedelta(days=1), config, folds=options.dates)
    seconds = time.perf_counter() - start
    tested = ", ".join(map(str, found.origins))
    print(f"\n## {name}: {frame['user_key'].nunique():,} users, tested as of {tested}; {seconds:.0f} s\n")
    _print(found)
    if edition is not None:
        _print_truth(frame, keys, edition, found.origins, config)
    _print_speed(frame, until, config)


def _with_vectors(connection: duckdb.DuckDBPyConnection, dates: list[date]) -> pd.DataFrame:
    """The rows of the dates that can have behavior vectors, with them, as the asset prediction_examples makes them."""
    start = behavior.start_of_examples(connection, dates)
    if start.date is None:
        print(f"\n{start.reason}", flush=True)
        return store.read_features(connection, dates)
    dates, began = [day for day in dates if day >= start.date], time.perf_counter()
    encoder = behavior.fit_encoder(behavior.events_before(connection, start.date), start.date, TRAINING)
    fitted = time.perf_counter()
    users = sum(behavior.write_vectors(connection, encoder, day) for day in dates)
    seconds = time.perf_counter() - fitted
    print(f"\nencoder: {fitted - began:.0f} s; {users:,} vectors: {seconds:.0f} s", flush=True)
    return store.read_features(connection, dates, encoder.version)


def _built(name: str, edition: CustomerEdition | None, folder: Path) -> Path:
    """The warehouse with features of the data set's weekly dates, made where it is not there yet."""
    warehouse, ready = folder / "warehouse.duckdb", folder / "ready"
    if ready.exists():
        return warehouse
    folder.mkdir(parents=True, exist_ok=True)
    export = folder / "export"
    if edition is not None:
        write_customers(edition, export)
        first, last, zone = edition.start, edition.start + timedelta(days=edition.days - 1), edition.timezone
    else:
        summary = write_export(name, export, folder=data_folder(), cache=cache_folder())
        first, last, zone = summary.first, summary.last, "UTC"
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    ingest_days(find_source_files(str(export), name), days, folder / "raw_ga4_events")
    variables = {"timezone": zone, "feature_weeks": WEEKS}
    command = ["dbt", "--quiet", "build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    command += [
        "--select",
        "+ml_ga4__user_features",
        "int_ga4__sequence_events",
        "int_ga4__identities_as_of",
        "--vars",
        json.dumps(variables),
    ]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
    environment = os.environ | {"BEHA2VEC_DATA_DIR": str(folder)}
    subprocess.run([str(Path(sys.executable).with_name("dbt")), *command[1:]], check=True, env=environment)
    ready.touch()
    return warehouse


def _print(found: Backtest) -> None:
    rows = found.rows
    for (target, days), part in rows.groupby(["target", "horizon"], sort=False):
        wide = part.pivot_table(index="method", columns="metric", values="value", sort=False)
        prevalence = wide["prevalence"].iloc[0]
        users = part["n"].iloc[0]
        print(f"**{target} within {days} days** ({users:,} users and dates, {prevalence:.1%} did it)\n")
        columns = [name for name in SHOWN if name in wide]
        print("| method | " + " | ".join(SHOWN[name] for name in columns) + " | AUROC less RFM |")
        print("| --- |" + " --- |" * (len(columns) + 1))
        gains = part[part["metric"] == "auroc_less_rfm"].set_index("method")
        for method, line in wide.iterrows():
            cells = ["" if np.isnan(line[name]) else f"{line[name]:.3f}" for name in columns]
            gain = gains.loc[method] if method in gains.index else None
            shown = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain is not None else ""
            print(f"| {method} | " + " | ".join(cells) + f" | {shown} |")
        print()


def _print_truth(
    frame: pd.DataFrame, keys: pd.DataFrame, edition: CustomerEdition, dates: list[date], config: FitConfig
) -> None:
    """The model beside the oracle, who knows each customer's own rates."""
    print("| target | days | AUROC | oracle's | Brier | oracle's | best possible | intervals that hold the truth |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    joined = []
    for day in dates:
        rows = frame[pd.to_datetime(frame["as_of"]) == pd.Timestamp(day)]
        model = fit_predictions(frame, day, config)
        known = truth(edition, day).merge(keys, on="user_pseudo_id").rename(columns={"probability": "truth"})
        scored = (
            model.predict(rows)
            .merge(known, on=["user_key", "target", "horizon"])
            .merge(rows[["user_key", *(c for c in rows if c.startswith("will_"))]], on="user_key")
        )
        joined.append(scored)
    everything = pd.concat(joined)
    for (target, days), part in everything.groupby(["target", "horizon"], sort=False):
        happened = part[f"will_{target}_{days}d"].to_numpy(dtype=bool)
        probability, own = part["probability"].to_numpy(), part["truth"].to_numpy()
        inside = ((part["low"] <= own) & (own <= part["high"])).mean()
        # what a perfect model of the features can reach: the mean truth of users with like scores
        tenths = np.argsort(np.argsort(probability)) * 200 // len(probability)
        reachable = part["truth"].groupby(tenths).transform("mean").to_numpy()
        brier = [((p - happened) ** 2).mean() for p in (probability, own, reachable)]
        print(
            f"| {target} | {days} | {auroc(probability, happened):.3f} | {auroc(own, happened):.3f} | {brier[0]:.4f} | "
            f"{brier[1]:.4f} | {brier[2]:.4f} | {inside:.1%} |"
        )
    print()


def _print_speed(frame: pd.DataFrame, until: date, config: FitConfig, users: int = 200_000) -> None:
    """How long scoring takes for many users, without reasons and with those of the first decile."""
    newest = frame[frame["as_of"] == frame["as_of"].max()]
    many = pd.concat([newest] * (users // len(newest) + 1), ignore_index=True).head(users)
    many["user_key"] = [f"user{i}" for i in range(len(many))]
    model = fit_predictions(frame, until + timedelta(days=1), config)
    for reasons in (False, True):
        start = time.perf_counter()
        score(model, many, reasons=reasons)
        print(f"{users:,} users scored{' with reasons' if reasons else ''} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
