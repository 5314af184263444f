"""Many nights without anyone awake: ``python tests/simulation/nights.py --help``.

Each night a day of the export comes, late, broken, twice, corrected or not at all; the sensor says what to run, and on
Sundays an encoder is trained on and promoted, or refused. At the end everything must be as a clean build of the true
export makes it with the same encoder and clusters. The exit status is 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.dagster.project import make_project
from tests.helpers import dbt_server
from tests.simulation.export import SCRIPT, Export, troubles
from tests.simulation.graph import Graph, differences, embedded, enter, read, sequences

FIRST_DAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
SETTINGS = {"source": "export", "property_id": "northfold", "timezone": "Europe/Berlin"}
# it cannot know one page from another
_BLIND = dict.fromkeys(("page_modality", "event_name_modality", "theme_modality", "page_type_modality"), 0) | {
    "epochs": 1
}

# of the script: a short training, too few users to judge an encoder by, and no copies of the results
_COPIES = ("serving_database", "activations")
_LITTLE = {"encoder_candidate": {"config": {"epochs": 3}}, "encoder_evaluation": {"config": {"max_users": 40}}}


def main(arguments: list[str] | None = None) -> int:
    """Simulate, compare, say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=120, help="how many nights (default: %(default)s)")
    parser.add_argument("--history", type=int, default=14, help="days there are at the beginning (%(default)s)")
    parser.add_argument("--users", type=int, default=600, help="users of the shop (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--script",
        action="store_true",
        help="four nights instead, with three troubles, and with less work in each step",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="an empty folder to work in; without it a temporary one, kept where something is wrong",
    )
    parser.add_argument("--summary", type=Path, help="a file for the figures, as JSON")
    asked = parser.parse_args(arguments)
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="beha2vec-nights-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    export = Export(
        folder, history=asked.history, nights=len(SCRIPT) + 1 if asked.script else asked.nights, users=asked.users,
        first_day=SUNDAY - timedelta(days=asked.history) if asked.script else FIRST_DAY,
        timezone=SETTINGS["timezone"], seed=asked.seed, trouble_of=SCRIPT.get if asked.script else troubles,
    )  # fmt: skip
    settings = SETTINGS | {"start_date": str(export.first_day)}
    settings |= {"page_classifiers": "rules"} if asked.script else {}
    dbt_server.use()
    enter(folder, **settings)
    figures, wrong = _simulate(export, _LITTLE if asked.script else {}, _COPIES if asked.script else ())
    wrong += [
        f"after all nights, {found}" for found in differences(folder / "data", _clean_build(folder, export, settings))
    ]
    kept = figures["least share of users who kept their cluster"]
    wrong += [f"at a promotion {kept:.1%} of the users kept their cluster"] if kept is not None and kept < 0.95 else []
    promoted, trained = (figures.get(f"encoders {what}", 0) for what in ("promoted", "trained"))
    wrong += [f"of {trained} encoders trained only {promoted} were promoted"] if promoted < 0.6 * trained else []
    if asked.summary:
        asked.summary.write_text(json.dumps(figures | {"wrong": wrong}))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<45} {value}")
    print("\n".join(f"WRONG: {told}" for told in wrong) or "as a clean build of the true export makes it: all tables")
    if wrong or asked.folder:
        print(f"kept: {folder}, with nights.log")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


def _simulate(export: Export, ops: dict[str, Any], without: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    import dagster as dg

    # in memory: a third of the time of a night this small
    with dg.DagsterInstance.ephemeral() as instance, Path("nights.log").open("w") as log:
        simulation = Simulation(export, Graph(instance, log, without), ops)
        started = time.time()
        nights = tqdm(range(export.nights), desc="nights", unit="night")
        for night in nights:
            simulation.live_through(night)
            counts = simulation.counts
            nights.set_postfix_str(f"{counts['runs that succeeded']} runs, {counts['encoders promoted']} encoders")
    figures = dict(sorted(simulation.counts.items())) | {
        "least share of users who kept their cluster": min(simulation.stayed, default=None),
        "these shares, by promotion": [round(share, 3) for share in simulation.stayed],
        "seconds a night": round((time.time() - started) / export.nights, 1),
    }
    return figures, simulation.wrong


class Simulation:
    """What has happened so far, and what was wrong with it."""

    def __init__(self, export: Export, graph: Graph, ops: dict[str, Any]) -> None:
        self.export, self.graph, self.data = export, graph, Path("data").absolute()
        # the configuration of each run that trains an encoder
        self.ops = ops
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        # of the users without new events, at each promotion
        self.stayed: list[float] = []
        asked = graph.ask_sensor()
        if asked is None or not graph.run("materialize_everything", asked, {"ops": ops}).success:
            raise RuntimeError("the history could not be materialized; see nights.log")
        # the sequences that readers' vectors were made from
        self._embedded = self._sequences(export.first_day, export.day(-1))

    def live_through(self, night: int) -> None:
        """What comes, what the sensor asks for, and on Sundays another encoder."""
        day, came = self.export.day(night), self.export.deliver(night)
        self.counts.update(f"days that came: {state}" for state in came.values())
        asked = self.graph.ask_sensor()
        if (asked is None) != (not came.keys() - {d for d, state in came.items() if state == "missing"}):
            self._is_wrong(night, f"{came} came and the sensor asks for {asked}")
        if asked:
            self._refresh(night, asked, should_fail=self._unreadable(night) or "broken" in came.values())
        if day.isoweekday() == 7:
            self._train(night)

    def _unreadable(self, night: int) -> bool:
        trouble = self.export.trouble_of(night)
        return trouble is not None and trouble.kind == "unreadable"

    def _refresh(self, night: int, asked: dict[str, str], *, should_fail: bool) -> None:
        from beha2vec_dagster.lib.partitions import RANGE_END, RANGE_START

        with _disk_trouble(self.data / "encoders", self._unreadable(night)):
            result = self.graph.run("refresh_last_days", asked)
        self.counts[f"runs that {'succeeded' if result.success else 'failed'}"] += 1
        if result.success == should_fail:
            self._is_wrong(night, f"the run of {asked} {'succeeded' if result.success else 'failed'}")
        if not result.success:
            return
        days = [date.fromisoformat(asked[end]) for end in (RANGE_START, RANGE_END)]
        sequences = self._sequences(*days)
        expected, found = len(sequences.items() - self._embedded.items()), embedded(result)
        if found != expected:
            self._is_wrong(night, f"{found} users were embedded, {expected} are new or have changed")
        self.counts["users embedded"] += found or 0
        self.counts["users active in the days of a run"] += len(sequences)
        self._embedded |= sequences

    def _train(self, night: int) -> None:
        self.counts["encoders trained"] += 1
        tick = datetime.combine(self.export.day(night), datetime.min.time(), UTC)
        request = self.graph.ask_schedule("weekly_training", tick)
        blind = self.counts["encoders trained"] % 10 == 7
        ops = {"encoder_candidate": {"config": _BLIND}} if blind else request.run_config["ops"]
        before, in_use = self._clusters()
        result = self.graph.run("train_encoder", dict(request.tags), {"ops": self.ops | ops})
        after, now_in_use = self._clusters()
        if result.success:
            self.counts["encoders promoted"] += 1
            in_clusters = {user: cluster for user, cluster in before.items() if cluster >= 0}
            kept = sum(after.get(user) == cluster for user, cluster in in_clusters.items())
            self.stayed.append(kept / len(in_clusters))
            days = {day for day, _ in self._embedded}
            sequences = self._sequences(self.export.first_day, self.export.day(night))
            self._embedded |= {key: digest for key, digest in sequences.items() if key[0] in days}
        else:
            self.counts["encoders refused"] += 1
        if result.success == (now_in_use == in_use) or (not result.success and after != before):
            self._is_wrong(night, f"readers had {in_use} and have {now_in_use}, and {result.success=}")
        if blind and result.success:
            self._is_wrong(night, "an encoder that cannot tell pages apart was promoted")

    def _clusters(self) -> tuple[dict[str, int], str]:
        """What readers see: the cluster of each user, and the encoder, which must be one."""
        with read(self.data) as connection:
            users = connection.execute("select user_key, cluster_key from beha2vec.user_clusters_current").fetchall()
            ((version,),) = connection.execute(
                "select distinct model_version from beha2vec.user_embeddings_current"
            ).fetchall()
        return dict(users), version

    def _sequences(self, first: date, last: date) -> dict[tuple[str, str], str]:
        return sequences(self.data, first, last)

    def _is_wrong(self, night: int, told: str) -> None:
        self.wrong.append(f"night {night} ({self.export.day(night)}): {told}")


@contextmanager
def _disk_trouble(folder: Path, wanted: bool) -> Iterator[None]:
    """While it lasts, the encoders cannot be read."""
    away = folder.with_name("away")
    if wanted:
        folder.rename(away)
    try:
        yield
    finally:
        if wanted:
            away.rename(folder)


def _clean_build(folder: Path, export: Export, settings: dict[str, str]) -> Path:
    """The true export materialized in one run elsewhere, with the encoder and the clusters in use. Returns its data."""
    data = folder / "data"
    clean = make_project(folder / "clean", **settings | {"source": str(export.truth)})
    days = ("--start", str(export.first_day), "--end", str(export.day(export.nights - 1)))
    upstream = "raw_ga4_events,group:dbt_ga4,enriched_pages,user_sequences"
    clean.materialize(upstream, *days)
    with duckdb.connect(str(clean.warehouse)) as connection:
        connection.execute(f"attach '{data / 'warehouse.duckdb'}' as nights (read_only)")
        for table, key in (("encoders", "model_version"), ("cluster_models", "cluster_model_version")):
            connection.execute(
                f"""insert into beha2vec.{table} by name
                from nights.beha2vec.{table} semi join (
                    from nights.beha2vec.cluster_models where promoted_at is not null
                    order by promoted_at desc limit 1) using ({key})"""
            )
    for name in ("encoders", "cluster_models"):
        shutil.copytree(data / name, clean.folder / "data" / name)
    clean.materialize("user_embeddings,user_clusters,cluster_profiles", *days)
    return clean.folder / "data"


if __name__ == "__main__":
    sys.exit(main())
