"""What is written whole each night, as history grows: ``python tests/benchmarks/history.py data``.

Copies of the warehouse in a data folder keep only their last days. In each, the SELECT of every dbt model that is a
table runs, and the serving database is written, on one thread. A table: CPU seconds, and those that a million events
of history add.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.progress import with_progress
from beha2vec_core.store.publish import publish

DAYS = ("event_date", "session_date", "occurred_on")
TABLES = (
    "int_ga4__identity_map", "int_ga4__first_user_sources", "int_ga4__purchases", "fct_ga4__conversions",
    "fct_ga4__funnel_sessions", "dim_ga4__users", "dim_ga4__pages", "dim_ga4__properties", "ml_ga4__user_features",
)  # fmt: skip


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder of a project whose models were built")
    parser.add_argument("--days", type=int, nargs=2, default=[30, 90], help="days to keep (default: %(default)s)")
    asked = parser.parse_args()
    found = {days: _measure(asked.data, days) for days in with_progress(sorted(asked.days), title="days", unit="copy")}
    (few, of_few), (many, of_many) = found.items()
    print(f"\n| | {few} days | {many} days | a million events more |\n|---|---:|---:|---:|")
    events = of_many["events"] - of_few["events"]
    for name, seconds in of_many.items():
        if name == "events":
            print(f"| events | {of_few[name]:,.0f} | {seconds:,.0f} | |")
        else:
            print(f"| `{name}` | {of_few[name]:.2f} | {seconds:.2f} | {(seconds - of_few[name]) / events * 1e6:.1f} |")


def _measure(data: Path, days: int) -> dict[str, float]:
    """The events that are kept, and the CPU seconds of each model, the least of three."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "warehouse.duckdb"  # by this name the compiled models know it
        shutil.copy(data / "warehouse.duckdb", copy)
        with duckdb.connect(str(copy), config={"threads": 1}) as connection:
            _keep(connection, days)
            ((events,),) = connection.execute("select count(*) from ga4.int_ga4__events_sessionized").fetchall()
            found = {"events": float(events)}
            for path in sorted((data / "dbt_target" / "compiled" / "dbt_ga4" / "models").rglob("*.sql")):
                if path.stem in TABLES:
                    sql = f"create or replace temp table made as {path.read_text()}"
                    found[path.stem] = min(_cpu_seconds(partial(connection.execute, sql)) for _ in range(3))
            found["serving_database"] = min(
                _cpu_seconds(lambda: publish(connection, copy.with_name("serving.duckdb"), secret=b"benchmark"))
                for _ in range(3)
            )
    return found


def _keep(connection: duckdb.DuckDBPyConnection, days: int) -> None:
    """Delete the rows before the last days."""
    ((last,),) = connection.execute("select max(event_date) from ga4.stg_ga4__events").fetchall()
    models = connection.execute("select table_name from duckdb_tables() where schema_name = 'ga4'").fetchall()
    for (model,) in models:
        columns = {name for name, *_ in connection.execute(f"describe ga4.{model}").fetchall()}
        if day := next((name for name in DAYS if name in columns), None):
            connection.execute(f"delete from ga4.{model} where {day} <= ?::date - ?::int", [last, days])
    connection.execute("""delete from ga4.int_ga4__identity_map
        where client_key not in (select client_key from ga4.int_ga4__sessions)""")


def _cpu_seconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    main()
