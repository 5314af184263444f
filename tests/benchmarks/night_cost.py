"""What a night costs with more and more history: ``python tests/benchmarks/night_cost.py --help``.

The same last days of one export, in projects that begin so many days before. A table: seconds of each step, and how
often those with the least history. Steps of single days should not grow; those that read whole tables stand apart.
CPU seconds are those of all processes of a run, which other work on the machine changes less than seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.demo_shop import write_demo_export
from tests.benchmarks.scale import STARTED, cpu_seconds
from tests.dagster.project import Project, make_project
from tests.simulation.graph import seconds_by_step

LAST_DAY = date(2026, 6, 30)
OF_DAYS = ("raw_ga4_events", "dbt_incremental_models", "user_sequences", "user_embeddings", "user_clusters")
OF_TABLES = (
    "dbt_table_models", "enriched_pages", "cluster_members", "cluster_profiles", "cluster_insights", "serving_database",
)  # fmt: skip
NIGHT = f"raw_ga4_events,group:dbt_ga4,{','.join((*OF_DAYS[2:], *OF_TABLES[1:]))}"
# nothing is new on the second measurement of a night
AGAIN = json.dumps({"ops": {"user_embeddings": {"config": {"again": True}}}})

# it is nights that are measured
TRAINING = json.dumps({"ops": {"encoder_candidate": {"config": {"epochs": 2, "max_users": 2000}}}})


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=int, nargs="+", default=[30, 90, 360], help="days (default: %(default)s)")
    parser.add_argument("--users-a-day", type=int, default=60, help="new users of the shop a day (%(default)s)")
    parser.add_argument("--days", type=int, default=3, help="days of a night (default: %(default)s)")
    parser.add_argument("--select", help="assets of the projects and of their nights, without training")
    parser.add_argument("--cpu", action="store_true", help="print CPU seconds")
    parser.add_argument("--rounds", type=int, default=3, help="nights of each; the fastest counts (%(default)s)")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="beha2vec-night-cost-"))
    try:
        projects = _projects(folder, sorted(asked.history), asked.users_a_day, asked.select)
        took: dict[int, list[dict[str, float]]] = {days: [] for days in projects}
        for _ in tqdm(range(asked.rounds), desc="nights", unit="round"):
            for days, project in projects.items():
                took[days].append(_night(project, asked.days, asked.select, cpu=asked.cpu))
        _print({days: _fastest(rounds) for days, rounds in took.items()}, "CPU s" if asked.cpu else "s")
        for days, project in projects.items():
            events, active = project.query(
                f"""select count(*), count(distinct user_key) filter (event_date = '{LAST_DAY}')
                from ga4.ml_ga4__sequence_events"""
            )[0]
            print(f"{days} days: {events:,} events, {active:,} users active on the last day")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _projects(folder: Path, history: list[int], users_a_day: int, select: str | None) -> dict[int, Project]:
    longest = history[-1]
    first = LAST_DAY - timedelta(days=longest - 1)
    write_demo_export(folder / "export", users=users_a_day * longest, days=longest, seed=3, start_date=first)
    projects = {}
    for days in tqdm(history, desc="histories"):
        project = make_project(
            folder / str(days),
            source=str(folder / "export"),
            property_id="northfold",
            start_date=str(LAST_DAY - timedelta(days=days - 1)),
            end_date=str(LAST_DAY),
        )
        project.run("beha2vec", "materialize", *(("--select", select) if select else ("--config", TRAINING)))
        projects[days] = project
        # of the largest process so far: histories come in order of their length
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        tqdm.write(f"{days} days materialized in one run: a process took {peak:.1f} GB at most")
    return projects


def _night(project: Project, days: int, select: str | None, *, cpu: bool) -> dict[str, float]:
    """Seconds of each step of a night, or CPU seconds."""
    first = LAST_DAY - timedelta(days=days - 1)
    assets = ("--select", select) if select else ("--select", NIGHT, "--config", AGAIN)
    running = project.start("beha2vec", "materialize", *assets, "--start", str(first), "--end", str(LAST_DAY))
    printed, used, step, before = "", defaultdict[str, float](float), "start", 0.0
    for line in running.stdout or ():
        printed += line
        now = cpu_seconds(running.pid)
        used[step] += now - before
        before = now
        if started := STARTED.search(line):
            step = started[1]
    assert not running.wait(), printed[-6000:]
    return dict(used) if cpu else seconds_by_step(printed)


def _fastest(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of each step: what other work on the machine adds is not the night's."""
    checks = {step for step in rounds[0] if step.startswith("checks_of_")}
    found = {step: min(of[step] for of in rounds) for step in rounds[0] if step not in checks}
    return found | {"checks": min(sum(of[step] for step in checks) for of in rounds)}


def _print(fastest: dict[int, dict[str, float]], unit: str) -> None:
    least = min(fastest)
    header = ["step", *(f"{days} days, {unit}" for days in fastest), *(f"{days} / {least}" for days in fastest)]
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    groups = {"**all of days**": OF_DAYS, "**all of tables**": OF_TABLES}
    for total, group in groups.items():
        steps = [step for step in group if step in fastest[least]]
        for step in (*steps, total):
            of = {days: sum(found[s] for s in (steps if step == total else [step])) for days, found in fastest.items()}
            _row(step, of)
    for step in [step for step in ("start", "checks") if step in fastest[least]]:
        _row(step, {days: found[step] for days, found in fastest.items()})


def _row(step: str, seconds: dict[int, float]) -> None:
    least = seconds[min(seconds)]
    cells = [f"{s:.2f}" for s in seconds.values()] + [f"{s / least:.2f}" for s in seconds.values()]
    print(f"| {step} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
