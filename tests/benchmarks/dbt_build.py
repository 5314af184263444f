"""How fast dbt_ga4 builds a demo export: make bench-dbt, or this file with --events 1000000.

The export is generated and ingested once and kept in a folder (--folder). For each size it prints events a second of
the full build (the flat tables, and each folder of models), what one day costs on 90 days of history beside the same
day on 7, how the models that are built whole grow, and the peak memory of each dbt call, a process of its own.
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

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files

PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
START, DAYS, SHORT_HISTORY = date(2026, 1, 5), 90, 7
EVENTS_PER_USER = 14.5
FLAT = ("base_ga4__own_hosts", "base_ga4__url_templates", "base_ga4__events", "stg_ga4__events")
INCREMENTAL = "config.materialized:incremental"
RUNS = 5
# dbt in a process of its own, so that its peak memory is known; its parse does not count
CALL = """
import json, resource, sys, time
from dbt.cli.main import dbtRunner
command, flags = json.loads(sys.argv[1])
parsed = dbtRunner().invoke(["--quiet", "parse", *flags])
start = time.process_time()
done = dbtRunner(manifest=parsed.result).invoke(["--quiet", *command, *flags])
if not done.success:
    sys.exit(str(done.exception or [r.message for r in done.result if r.status not in ("success", "pass")]))
models = [(r.node.fqn[1], r.node.name, str(r.node.config.materialized), r.execution_time) for r in done.result]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([models, time.process_time() - start, peak]))
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
    """One call of dbt: its models, CPU seconds, and the peak resident memory of its process."""

    models: list[Model]
    cpu_seconds: float
    peak_mb: float


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


def dbt(data_dir: Path, *command: str, **variables: str) -> Build:
    """Run dbt on a data folder."""
    places = {"DBT_TARGET_PATH": str(data_dir / "target"), "DBT_LOG_PATH": str(data_dir / "logs")}
    flags = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--vars", json.dumps(variables)]
    done = subprocess.run(
        [sys.executable, "-c", CALL, json.dumps([command, flags])],
        env={**os.environ, "BEHA2VEC_DATA_DIR": str(data_dir), **places},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"dbt {command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    models, cpu_seconds, peak_mb = json.loads(done.stdout.splitlines()[-1])
    return Build([Model(*model) for model in models], cpu_seconds, peak_mb)


def full_build(data_dir: Path, events: int) -> None:
    """Print what a build from nothing takes: the flat tables, then the rest by folder."""
    (data_dir / "warehouse.duckdb").unlink(missing_ok=True)
    dbt(data_dir, "seed")
    flat = dbt(data_dir, "run", "--full-refresh", "--select", *FLAT)
    rest = dbt(data_dir, "run", "--full-refresh", "--exclude", *FLAT)
    rows = [("flat tables: " + ", ".join(FLAT), sum(model.seconds for model in flat.models))]
    for folder in dict.fromkeys(model.folder for model in rest.models):
        rows.append((f"models/{folder}", sum(model.seconds for model in rest.models if model.folder == folder)))
    rows.append(("all", sum(model.seconds for model in flat.models + rest.models)))
    print("| full build | seconds | events/s |\n|---|---:|---:|")
    for name, seconds in rows:
        print(f"| {name} | {seconds:.1f} | {events / seconds:,.0f} |")
    print(
        f"\nThe flat tables took {flat.cpu_seconds:.1f} CPU seconds; two cores that do nothing else: at best", end=" "
    )
    print(f"{2 * events / flat.cpu_seconds:,.0f} events/s.")
    print(f"Peak memory: {flat.peak_mb:,.0f} MB for them, {rest.peak_mb:,.0f} MB for the rest.")
    print("\n| built whole | seconds | seconds a million events |\n|---|---:|---:|")
    for model in rest.models:
        if model.materialized == "table":
            print(f"| {model.name} | {model.seconds:.2f} | {model.seconds / events * 1e6:.2f} |")


def one_day(data_dir: Path) -> None:
    """Print what the last day takes on a long history and on a short one, in turns; the least of several runs."""
    last = START + timedelta(days=DAYS - 1)
    window = {"min_date": last.isoformat(), "max_date": last.isoformat()}
    least: dict[int, dict[str, float]] = {DAYS: {}, SHORT_HISTORY: {}}
    with tempfile.TemporaryDirectory(dir=data_dir.parent) as folder:
        for history in least:
            for n in range(history):
                day = f"raw_ga4_events/property_id=demo/event_date={last - timedelta(days=n)}"
                shutil.copytree(data_dir / day, Path(folder) / str(history) / day)
            dbt(Path(folder) / str(history), "seed")
            dbt(Path(folder) / str(history), "run", "--select", INCREMENTAL, "--full-refresh")
        for _ in range(RUNS):
            for history, seconds in least.items():
                for model in dbt(Path(folder) / str(history), "run", "--select", INCREMENTAL, **window).models:
                    seconds[model.name] = min(model.seconds, seconds.get(model.name, model.seconds))
    for seconds in least.values():
        seconds["all incremental models"] = sum(seconds.values())
    print(f"\n| one day, seconds | on {DAYS} days | on {SHORT_HISTORY} | ratio |\n|---|---:|---:|---:|")
    for name, seconds in least[DAYS].items():
        short = least[SHORT_HISTORY][name]
        print(f"| {name} | {seconds:.2f} | {short:.2f} | {seconds / short:.2f} |")


def main() -> None:
    """Print the tables of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 4_300_000], help="about how many")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "beha2vec_bench_dbt")
    asked = parser.parse_args()
    for events in asked.events:
        data_dir, found = ingested(asked.folder, events)
        print(f"\n{found:,} events of {DAYS} days\n")
        full_build(data_dir, found)
        one_day(data_dir)


if __name__ == "__main__":
    main()
