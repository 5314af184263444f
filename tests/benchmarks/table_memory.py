"""What dbt's tables take under a memory limit: ``python tests/benchmarks/table_memory.py data --limits 512MB 4GB``.

The SELECT of every dbt model that is a table runs in a process of its own, on the warehouse of a data folder, which is
only read. A table: CPU seconds, the most scratch, or that DuckDB ran out of memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.progress import with_progress
from tests.benchmarks.history import TABLES


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder of a project whose models were built")
    parser.add_argument("--limits", nargs="+", default=["512MB", "4GB"], help="DuckDB's memory (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB (default: %(default)s)")
    asked = parser.parse_args()
    compiled = asked.data / "dbt_target" / "compiled" / "dbt_ga4" / "models"
    models = sorted(path for path in compiled.rglob("*.sql") if path.stem in TABLES)
    if not models:
        raise SystemExit(f"{compiled} has no compiled models: build group:dbt_ga4 first.")
    print("| model | limit | CPU seconds | scratch, MB |\n|---|---:|---:|---:|")
    for model in with_progress(models, title="models", unit="model"):
        for limit in asked.limits:
            print(f"| `{model.stem}` | {limit} | {_measured(asked.data, model, limit, asked.threads)} |", flush=True)


def _measured(data: Path, model: Path, limit: str, threads: int) -> str:
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        child = multiprocessing.get_context("spawn").Process(
            target=_run, args=(theirs, data, model, limit, threads, scratch)
        )
        child.start()
        seconds, most = ours.recv()
        child.join()
    return f"{seconds:.1f} | {most / 1e6:,.0f}" if seconds is not None else f"out of memory | {most / 1e6:,.0f}"


def _run(pipe: Connection, data: Path, model: Path, limit: str, threads: int, scratch: str) -> None:
    """Send the CPU seconds (None: out of memory), and the most bytes in the scratch folder."""
    most, is_done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not is_done.wait(0.05):
            files = [path for path in Path(scratch).glob("*") if not path.name.startswith("made.")]  # the result
            most = max(most, sum(path.stat().st_size for path in files if path.exists()))

    config = {"memory_limit": limit, "threads": threads, "temp_directory": scratch}
    watcher, seconds = threading.Thread(target=watch), None
    watcher.start()
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach '{data / 'warehouse.duckdb'}' as warehouse (read_only); use warehouse")
        connection.execute(f"attach '{Path(scratch) / 'made.duckdb'}' as made")
        before = time.process_time()
        try:
            connection.execute(f"create table made.made as {model.read_text()}")
            seconds = time.process_time() - before
        except duckdb.OutOfMemoryException:
            pass
    is_done.set()
    watcher.join()
    pipe.send((seconds, most))


if __name__ == "__main__":
    main()
