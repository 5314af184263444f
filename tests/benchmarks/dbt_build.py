"""How fast dbt_ga4 builds a demo export: make bench-dbt, or this file with --events 1000000.

The export is generated and ingested once and kept in a folder (--folder). For each size it prints events a second of
the full build (the flat tables, and each folder of models), what one day costs on 90 days of history beside the same
day on 7, and how the models that are built whole grow. Each dbt call is a process of its own; its peak memory is told.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from beha2vec_core.ga4.demo import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files

PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
START, DAYS, SHORT_HISTORY = date(2026, 1, 5), 90, 7
EVENTS_PER_USER = 14.5
INCREMENTAL = "config.materialized:incremental"
# dbt in a process of its own, so that its peak memory is known
CALL = """
import json, resource, sys
from dbt.cli.main import dbtRunner
done = dbtRunner().invoke(json.loads(sys.argv[1]))
if not done.success:
    sys.exit(str(done.exception or [r.message for r in done.result if r.status not in ("success", "pass")]))
models = [(r.node.fqn[1], r.node.name, str(r.node.config.materialized), r.execution_time) for r in done.result]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"models": models, "peak": peak}))
"""


@dataclass
class Model:
    """One model's build. ``seconds`` leaves out dbt's own start."""

    folder: str
    name: str
    materialized: str
    seconds: float


@dataclass
class Build:
    """One call of dbt: its models, and the peak resident memory of its process."""

    models: list[Model]
    peak_mb: float

    def seconds(self, *, folder: str = "", materialized: str = "") -> float:
        """Seconds of the models of a folder or kind."""
        return sum(m.seconds for m in self.models if folder in ("", m.folder) and materialized in ("", m.materialized))


def ingested(folder: Path, events: int) -> tuple[Path, int]:
    """The data folder of a demo export of about so many events, made where it is not there yet, and how many it has."""
    data_dir = folder / f"{events}_events"
    ready = data_dir / "ready"
    if not ready.exists():
        shutil.rmtree(data_dir, ignore_errors=True)
        export = data_dir / "export"
        write_demo_export(export, users=round(events / EVENTS_PER_USER), days=DAYS, seed=7, start_date=START)
        days = [START + timedelta(days=n) for n in range(DAYS)]
        report = ingest_days(find_source_files(str(export), "demo"), days, data_dir / "raw_ga4_events")
        ready.write_text(str(report.accepted))
        shutil.rmtree(export)
    return data_dir, int(ready.read_text())


def dbt(data_dir: Path, command: str, *arguments: str, **variables: str) -> Build:
    """Run dbt on a data folder."""
    places = {"DBT_TARGET_PATH": str(data_dir / "target"), "DBT_LOG_PATH": str(data_dir / "logs")}
    flags = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--vars", json.dumps(variables)]
    done = subprocess.run(
        [sys.executable, "-c", CALL, json.dumps(["--quiet", command, *arguments, *flags])],
        env={**os.environ, "BEHA2VEC_DATA_DIR": str(data_dir), **places},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"dbt {command} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Build([Model(*model) for model in said["models"]], said["peak"])


def one_day(data_dir: Path, history: int, scratch: Path) -> Build:
    """Build the last day on so many days of history before it; the shortest of three runs."""
    last = START + timedelta(days=DAYS - 1)
    for n in range(history + 1):
        day = f"event_date={last - timedelta(days=n)}"
        shutil.copytree(
            data_dir / "raw_ga4_events/property_id=demo" / day, scratch / "raw_ga4_events/property_id=demo" / day
        )
    dbt(scratch, "seed")
    dbt(scratch, "run", "--select", INCREMENTAL, "--full-refresh")
    window = {"min_date": last.isoformat(), "max_date": last.isoformat()}
    runs = [dbt(scratch, "run", "--select", INCREMENTAL, **window) for _ in range(3)]
    return min(runs, key=lambda run: run.seconds())


def measure(data_dir: Path, events: int) -> None:
    """Print the tables of one export."""
    (data_dir / "warehouse.duckdb").unlink(missing_ok=True)
    dbt(data_dir, "seed")
    full = dbt(data_dir, "run", "--full-refresh")
    flat = sum(m.seconds for m in full.models if m.name in ("base_ga4__events", "stg_ga4__events"))
    print(f"\n{events:,} events of {DAYS} days\n")
    print("| full build | seconds | events/s |\n|---|---:|---:|")
    print(f"| flat: base_ga4__events, stg_ga4__events | {flat:.1f} | {events / flat:,.0f} |")
    for folder in dict.fromkeys(m.folder for m in full.models):
        seconds = full.seconds(folder=folder)
        print(f"| models/{folder} | {seconds:.1f} | {events / seconds:,.0f} |")
    print(f"| all | {full.seconds():.1f} | {events / full.seconds():,.0f} |")
    print(f"\nPeak memory of dbt's process: {full.peak_mb:,.0f} MB.\n")

    with tempfile.TemporaryDirectory(dir=data_dir.parent) as folder:
        long = one_day(data_dir, DAYS - 1, Path(folder) / "long")
        short = one_day(data_dir, SHORT_HISTORY, Path(folder) / "short")
    by_name = {m.name: m.seconds for m in short.models}
    print(f"| one day, seconds | on {DAYS - 1} days | on {SHORT_HISTORY} | ratio |\n|---|---:|---:|---:|")
    for model in long.models:
        seconds = by_name[model.name]
        print(f"| {model.name} | {model.seconds:.2f} | {seconds:.2f} | {model.seconds / seconds:.2f} |")
    ratio = long.seconds() / short.seconds()
    print(f"| all incremental models | {long.seconds():.2f} | {short.seconds():.2f} | {ratio:.2f} |")

    print("\n| built whole | seconds | seconds a million events |\n|---|---:|---:|")
    for model in full.models:
        if model.materialized == "table":
            print(f"| {model.name} | {model.seconds:.2f} | {model.seconds / events * 1e6:.2f} |")


def main() -> None:
    """Print the tables of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 4_300_000], help="about how many")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "beha2vec_bench_dbt")
    asked = parser.parse_args()
    for events in asked.events:
        measure(*ingested(asked.folder, events))


if __name__ == "__main__":
    main()
