"""The storage rules, on the real graph: raises, a held lock, a day read twice, a missing day."""

import gzip
from pathlib import Path

import pytest

from beha2vec_core.store.warehouse import Warehouse
from tests.dagster.project import DAYS, Project
from tests.dbt.conftest import INCREMENTAL_MODELS

pytestmark = pytest.mark.xdist_group("graph")

DAY = DAYS[2]
_PERSONS = ("int_ga4__identity_map", "ml_ga4__sequence_events")
_DAILY = ",".join(
    ["raw_ga4_events", *INCREMENTAL_MODELS, *_PERSONS, "user_sequences", "user_embeddings", "user_clusters"]
)


def _rows(project: Project) -> dict[str, list[tuple]]:
    """Everything the partitioned assets hold, in an order of its own."""
    return {
        table: project.query(f"select * from {table} order by all")
        for table in (
            "ga4.stg_ga4__events", "ga4.fct_ga4__sessions", "ga4.ml_ga4__sequence_events",
            "beha2vec.user_embeddings", "beha2vec.user_clusters",
        )
    }  # fmt: skip


@pytest.mark.slow
def test_running_a_day_again_gives_the_same_rows_in_any_time_zone(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _rows(project)
    far = {"TZ": "America/Los_Angeles"}  # of the machine, not of the property
    project.run("beha2vec", "materialize", "--select", _DAILY, "--start", DAY, "--end", DAY, **far)
    assert _rows(project) == before


def test_a_run_waits_for_the_lock_so_long_and_says_who_holds_it(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with Warehouse(project.warehouse).exclusive("a person's backfill"):
        refused = project.materialize("cluster_profiles", check=False, BEHA2VEC_LOCK_TIMEOUT_SECONDS="1")
        assert refused.returncode != 0
        assert "a person's backfill" in refused.stdout + refused.stderr
        assert "BEHA2VEC_LOCK_TIMEOUT_SECONDS" in refused.stdout + refused.stderr


@pytest.mark.slow
def test_a_run_waits_until_the_lock_is_free(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with Warehouse(project.warehouse).exclusive("a person's backfill"):
        waiting = project.start("beha2vec", "materialize", "--select", "cluster_profiles")
        assert waiting.stdout is not None
        said = next((line for line in waiting.stdout if "waits for warehouse.duckdb" in line), "")
        assert "a person's backfill" in said and waiting.poll() is None
    output, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, output


def test_a_step_that_raises_frees_the_warehouse(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with Warehouse(project.warehouse).connect("break") as connection:
        connection.execute("delete from beha2vec.encoders")
    failed = project.materialize("user_embeddings", check=False)
    assert failed.returncode != 0
    assert "materialize encoder_candidate first" in failed.stdout + failed.stderr
    with Warehouse(project.warehouse, lock_timeout=2).connect("after the raise"):
        pass


@pytest.mark.slow
def test_a_missing_day_alone_is_an_error_and_inside_a_range_a_gap(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    (project.folder / "data" / "demo_export" / f"events_{DAY.replace('-', '')}.ndjson.gz").unlink()
    for partition in (project.folder / "data" / "raw_ga4_events").glob(f"*/event_date={DAY}"):
        (partition / "events.parquet").unlink()
    alone = project.materialize("raw_ga4_events", "--start", DAY, "--end", DAY, check=False)
    assert alone.returncode != 0 and "no events for" in alone.stdout + alone.stderr
    project.materialize(_DAILY, "--start", DAYS[0], "--end", DAYS[-1])
    status = dict(project.query("select event_date::varchar, status from raw.ga4_ingest_log"))
    assert status == {day: "missing" if day == DAY else "ingested" for day in DAYS}
    days = project.query("select distinct event_date::varchar from beha2vec.user_embeddings order by 1")
    assert [day for (day,) in days] == [day for day in DAYS if day != DAY]


@pytest.mark.slow
def test_bad_rows_are_quarantined_counted_and_replaced(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    day = project.folder / "data" / "demo_export" / f"events_{DAY.replace('-', '')}.ndjson.gz"
    good = gzip.decompress(day.read_bytes())
    day.write_bytes(gzip.compress(good + b'{"event_date": "20260107"}\n{broken\n'))
    for _ in range(2):  # reading again replaces
        project.materialize("raw_ga4_events", "--start", DAY, "--end", DAY)
        rows = len(good.splitlines())
        log = f"select rows_in, accepted, quarantined from raw.ga4_ingest_log where event_date = '{DAY}'"
        assert project.query(log) == [(rows + 2, rows, 2)]
        quarantine = project.query("select source_file, source_line, reason from raw.ga4_quarantine order by 2")
        assert [(file, line) for file, line, _ in quarantine] == [(day.name, rows + 1), (day.name, rows + 2)]
        assert "not valid JSON" in quarantine[1][2]
    day.write_bytes(gzip.compress(good))
    project.materialize("raw_ga4_events", "--start", DAY, "--end", DAY)
    assert project.query("select count(*) from raw.ga4_quarantine") == [(0,)]
