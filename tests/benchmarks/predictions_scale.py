"""How CPU seconds and memory of predictions grow with users: python tests/benchmarks/predictions_scale.py WAREHOUSE.

The features of a warehouse (of any project, or of dbt_build.py) are copied with other users, as often as asked. Each
step runs in a process of its own, as its asset does: users are drawn, models fitted and tested, and the users of the
newest date scored. Behavior vectors are left out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb

from beha2vec_core.predictions import store
from beha2vec_core.predictions.backtest import backtest
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import draw
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.model import PredictionModel
from beha2vec_core.predictions.score import score
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_core.words import counted

CONFIG = FitConfig()


def main() -> None:
    """Measure each number of copies, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4, 20])
    parser.add_argument("--examples", type=int, default=250_000, help="max_examples of prediction_examples")
    parser.add_argument("--at-once", type=int, default=100_000, help="users scored at once")
    parser.add_argument("--limit", default="512MB", help="of DuckDB's memory")
    asked = parser.parse_args()
    print("| copies | step | about | CPU seconds | memory, MB |\n|---:|---|---|---:|---:|")
    for copies in asked.copies:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            _run(copies, "copy", _copy, asked, folder, copies)
            for name, step in {"draw": _draw, "fit": _fit, "test": _test, "score": _score}.items():
                _run(copies, name, step, asked, folder)


def _run(copies: int, name: str, step: Callable[..., str], *arguments: object) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        about, cpu, memory = pool.apply(_measured, (step, *arguments))
    if name != "copy":
        print(f"| {copies} | {name} | {about} | {cpu:.1f} | {memory / 1000:,.0f} |", flush=True)


def _measured(step: Callable[..., str], *arguments: object) -> tuple[str, float, int]:
    began = time.process_time()
    about = step(*arguments)
    return about, time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _connect(asked: argparse.Namespace, folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(folder / "warehouse.duckdb"), config={"memory_limit": asked.limit, "threads": 2})
    connection.execute("set enable_progress_bar = false")
    return connection


def _copy(asked: argparse.Namespace, folder: Path, copies: int) -> str:
    with _connect(asked, folder) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.execute(f"attach '{asked.warehouse}' as source (read_only)")
        for copy in range(copies):
            rows = f"select * replace (user_key || '-{copy}' as user_key) from source.ga4.ml_ga4__user_features"
            made = "insert into" if copy else "create table"
            connection.execute(f"{made} ga4.ml_ga4__user_features {'' if copy else 'as'} {rows}")
    return ""


def _draw(asked: argparse.Namespace, folder: Path) -> str:
    with _connect(asked, folder) as connection:
        users, groups = draw(connection, store.origins(connection), CONFIG.targets, asked.examples)
        drawn = replace_partition(connection, "beha2vec.prediction_examples", users, "true")
    of_all = sum(group.rows for group in groups)
    return f"{drawn:,} of {of_all:,} examples of {sum(group.users for group in groups):,} users"


def _fit(asked: argparse.Namespace, folder: Path) -> str:
    with _connect(asked, folder) as connection:
        frame, _ = store.read_examples(connection)
        last = store.last_exported_day(connection)
    assert last is not None
    model = fit_predictions(frame, last + timedelta(days=1), CONFIG)
    model.save(folder / "model")
    return f"{len(frame):,} examples"


def _test(asked: argparse.Namespace, folder: Path) -> str:
    with _connect(asked, folder) as connection:
        frame, _ = store.read_examples(connection)
        last = store.last_exported_day(connection)
    assert last is not None
    found = backtest(frame, last + timedelta(days=1), CONFIG, folds=2)
    return f"{len(found.origins)} dates"


def _score(asked: argparse.Namespace, folder: Path) -> str:
    model = PredictionModel.load(folder / "model")
    with _connect(asked, folder) as connection:
        as_of = store.feature_dates(connection)[-1]
        users = store.seen_lately(as_of, CONFIG.population_days)
        parts = store.parts(connection, users, asked.at_once)
    for part in parts:
        with _connect(asked, folder) as connection:
            frame = store.read_features(connection, [as_of], part=part, seen_within=CONFIG.population_days)
        store.stage(score(model, frame, is_part=part.of > 1), folder / f"{part.number}.parquet")
    with _connect(asked, folder) as connection:
        rows = store.write_predictions(connection, store.scored_day(as_of), model, store.staged(folder))
    return f"{rows:,} scores in {counted(len(parts), 'part')}"


if __name__ == "__main__":
    main()
