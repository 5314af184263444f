"""Runs killed at random moments, and run again: ``python tests/simulation/kills.py --help``.

A night's models, its results, a training with its promotion, or clusters found anew: killed within a step that is
drawn, the whole process group or the main process alone. Right after the kill the warehouse's lock must be free and
each partition the old one or the new one, whole; run again, all tables must be those of an undisturbed run. The exit
status is 1 where not.
"""

from __future__ import annotations

import argparse
import gzip
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.store.warehouse import Warehouse
from tests.dagster.project import Project, make_project
from tests.simulation.graph import differences, seconds_by_step

FIRST_DAY, LAST_DAY = "2026-01-05", "2026-01-10"
_TRAINED = "encoder_candidate,encoder_evaluation,trained_encoder"
_REFINED = "cluster_profiles,cluster_insights,serving_database"
_LOST_SHARE = 0.2


@dataclass(frozen=True)
class Work:
    """A run that is killed: what it selects, from which day on, the steps it is killed in."""

    select: str
    first_day: str
    steps: tuple[str, ...]
    config: str = "{}"


# in this order: the others are begun on what a night's models have left
WORK = {
    "models": Work(
        "raw_ga4_events,group:dbt_ga4", "2026-01-08", ("raw_ga4_events", "dbt_incremental_models", "dbt_table_models")
    ),
    "results": Work(
        f"enriched_pages,user_sequences,user_embeddings,user_clusters,{_REFINED}", "2026-01-08",
        ("enriched_pages", "user_sequences", "user_embeddings", "user_clusters", *_REFINED.split(",")),
    ),
    "training": Work(
        f"{_TRAINED},{_REFINED}", LAST_DAY, tuple(_TRAINED.split(",")),
        '{"ops": {"encoder_candidate": {"config": {"warm_start": true, "checkpoint_every": 5}}}}',
    ),
    "clustering": Work(
        f"cluster_model,user_clusters,{_REFINED}", FIRST_DAY, ("cluster_model", "user_clusters"),
        '{"ops": {"cluster_model": {"config": {"k": 5, "begin_anew": true}}}}',
    ),
}  # fmt: skip
STEPS = [(work, step) for work, of in WORK.items() for step in of.steps]


class World:
    """A project before some work, and after it undisturbed.

    Args:
        folder: to work in.
        project: the whole graph on the demo shop's days; its last day is then delivered again, corrected.
    """

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder = folder
        self._project = project.copy(folder / "before-models")
        _correct(self._project)
        self._after: dict[str, tuple[Project, dict[str, float]]] = {}

    def before(self, work: str) -> Project:
        """What the work begins with."""
        return self._project if work == "models" else self.after("models")[0]

    def after(self, work: str) -> tuple[Project, dict[str, float]]:
        """What the work leaves undisturbed, and how long its steps took, in seconds."""
        if work not in self._after:
            project = self.before(work).copy(self.folder / f"after-{work}")
            self._after[work] = project, seconds_by_step(project.run(*command(work)).stdout)
        return self._after[work]


def _correct(project: Project) -> None:
    """Some events of the last day are no longer told."""
    file = project.folder / "data" / "demo_export" / f"events_{LAST_DAY.replace('-', '')}.ndjson.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    of = random.Random(1)
    file.write_bytes(gzip.compress(b"".join(line for line in lines if of.random() > _LOST_SHARE)))


def command(work: str) -> tuple[str, ...]:
    """What is run."""
    of = WORK[work]
    days = ("--start", of.first_day, "--end", LAST_DAY)
    return ("beha2vec", "materialize", "--select", of.select, "--config", of.config, *days)


def kill(project: Project, work: str, step: str, after: float, *, whole_group: bool) -> bool:
    """Start the work and kill it some seconds after a step has begun. False where it ended before."""
    run = project.start(*command(work))
    begun = threading.Event()

    def follow() -> None:
        for line in run.stdout or ():
            if f'Started execution of step "{step}"' in line:
                begun.set()

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    while not begun.wait(0.05) and run.poll() is None:
        pass
    time.sleep(after)
    killed = run.poll() is None
    if killed:
        project.kill(run, whole_group=whole_group)
    run.wait()
    return killed


def what_is_wrong_after_the_kill(project: Project, whole: list[dict[tuple[str, str], str]]) -> list[str]:
    """The lock is free, every partition is the old or the new one, readers see one state or the other."""
    with Warehouse(project.warehouse, lock_timeout=1).connect("after the kill"):
        pass
    found = partitions(project)
    return [
        f"{table} of {day} is neither the old one nor the new one"
        for (table, day), digest in found.items()
        if all(digest != state.get((table, day)) for state in whole)
    ]


# not the insights: their words follow figures that are sums in any order, and differ in their last bit
_READERS = ("user_embeddings_current", "user_clusters_current")
# a view shows the tables that it joins, old ones beside new ones while dbt runs
_DBT_TABLES = "select table_name from duckdb_tables() where schema_name = 'ga4'"
_VERSIONED = {"beha2vec.user_embeddings": "model_version", "beha2vec.user_clusters": "cluster_model_version"}


def partitions(project: Project) -> dict[tuple[str, str], str]:
    """A digest of all that is exact: of tables by day, of files, of what readers see and what is served."""
    data = project.folder / "data"
    found: dict[tuple[str, str], str] = {}
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        exact = dict(
            connection.execute(
                """select table_schema || '.' || table_name, string_agg(column_name, ', ' order by column_name)
                from information_schema.columns
                where data_type not in ('DOUBLE', 'FLOAT', 'FLOAT[]') group by 1"""
            ).fetchall()
        )
        tables = {f"ga4.{name}" for (name,) in connection.execute(_DBT_TABLES).fetchall()}
        for table, columns in exact.items():
            if table in _VERSIONED or (table in tables and "event_date" in columns.split(", ")):
                day = f"concat_ws(' ', event_date, {_VERSIONED.get(table, 'null')})"
                found |= _digests(connection, table, f"select {columns} from {table}", day)
        of_readers = {
            f"beha2vec.{view}": f"select {exact[f'beha2vec.{view}']} from beha2vec.{view}" for view in _READERS
        }
        for view, query in of_readers.items():
            found |= _digests(connection, view, query)
    with duckdb.connect(str(data / "serving.duckdb"), read_only=True) as connection:
        for view, query in of_readers.items():
            found |= _digests(connection, f"served {view}", query)
    with duckdb.connect() as connection:
        for file in sorted(data.glob("*/**/event_date=*/*.parquet")):
            query = f"from read_parquet('{file}', hive_partitioning = false)"
            found |= _digests(connection, str(file.relative_to(data)), query)
    return found


def _digests(
    connection: duckdb.DuckDBPyConnection, name: str, query: str, day: str = "'all days'"
) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        f"""select {day}::varchar, md5(string_agg(told::varchar, '' order by told::varchar))
        from ({query}) as told group by 1"""
    ).fetchall()
    return {(name, str(day)): digest for day, digest in rows}


@dataclass(frozen=True)
class Kill:
    """Where a run is killed: in which step, after which share of the time that it usually takes."""

    step: str
    share: float
    whole_group: bool


def run(project: Project, work: str) -> CompletedProcess[str]:
    """Run it from the command line, whether it succeeds or not."""
    return project.run(*command(work), check=False)


def attempt(
    world: World,
    work: str,
    kills: list[Kill],
    name: str,
    run_again: Callable[[Project, str], CompletedProcess[str]] = run,
) -> tuple[list[str], int]:
    """Kill the work once or more often, run it to its end, compare. Returns what is wrong, and how often it was killed.

    Args:
        world: the project before and after.
        work: a key of ``WORK``.
        kills: one after the other, each on what the one before has left.
        name: of the folder to work in.
        run_again: runs the work after the kills.
    """
    after, took = world.after(work)
    before = world.before(work)
    project = before.copy(world.folder / name)
    whole = [partitions(before), partitions(after)]
    wrong, killed = [], 0
    try:
        for of in kills:
            # earlier if the step ended before: a machine that was busy undisturbed may be free now
            killed += any(
                kill(project, work, of.step, of.share * took[of.step] / sooner, whole_group=of.whole_group)
                for sooner in (1, 2, 4)
            )
            wrong += [f"{of}: {found}" for found in what_is_wrong_after_the_kill(project, whole)]
        again = run_again(project, work)
        if again.returncode:
            wrong.append(f"{kills}: run again, it fails: {again.stderr[-500:]}")
        data = [of.folder / "data" for of in (project, after)]
        wrong += [f"{kills}: run again, {found}" for found in differences(*data)]
    finally:
        shutil.rmtree(project.folder, ignore_errors=True)
    return wrong, killed


def draw(number: int, seed: int, only: str | None = None) -> list[tuple[str, Kill]]:
    """So many kills: each step as often as any other, at moments that the seed draws."""
    of = random.Random(seed)
    places = [place for place in STEPS if only in (None, place[0])]
    steps = [places[index % len(places)] for index in range(number)]
    return [(work, Kill(step, of.random(), whole_group=of.random() < 0.5)) for work, step in steps]


def main() -> int:
    """Kill, run again, say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=56, help="how many (default: %(default)s)")
    parser.add_argument("--users", type=int, default=500, help="users of the shop (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=WORK, help="kill this work only; else all of it")
    parser.add_argument("--workers", type=int, default=2, help="projects at once (%(default)s)")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="beha2vec-kills-"))
    started = time.time()
    try:
        world = World(folder, _materialized(folder / "project", asked.users))
        for work in tqdm([asked.only] if asked.only else WORK, desc="undisturbed"):
            world.after(work)
        plan = draw(asked.kills, asked.seed, asked.only)
        with ThreadPoolExecutor(asked.workers) as pool:
            futures = [pool.submit(attempt, world, work, [of], f"kill-{n}") for n, (work, of) in enumerate(plan)]
            results = [future.result() for future in tqdm(futures, desc="kills", unit="kill")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    killed = Counter(of.step for (_, of), (_, times) in zip(plan, results, strict=True) for _ in range(times))
    wrong = [told for found, _ in results for told in found]
    for step, times in killed.items():
        print(f"{step:<25} killed {times} times")
    print(f"{sum(killed.values())} kills in {(time.time() - started) / 60:.0f} minutes")
    print(
        "\n".join(f"WRONG: {told}" for told in wrong) or "old or new after each kill, and as undisturbed when run again"
    )
    missed = {of.step for _, of in plan} - killed.keys()
    return 1 if wrong or missed else 0


def _materialized(folder: Path, users: int) -> Project:
    project = make_project(folder, start_date=FIRST_DAY, end_date=LAST_DAY, property_id="northfold")
    project.run("beha2vec", "demo-data", "--users", str(users), "--days", "6", "--seed", "3")
    project.run("beha2vec", "materialize")
    return project


if __name__ == "__main__":
    sys.exit(main())
