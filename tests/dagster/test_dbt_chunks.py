"""A long range is built by several dbt calls: the same rows as one call, and a stopped build goes on where it was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.bigquery.models import mark_folder
from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.settings import ExportSettings, SettingsError
from beha2vec_core.store import chunks
from beha2vec_core.store.tables import create_tables
from beha2vec_dagster.defs.dbt.build import DbtBuild
from beha2vec_dagster.defs.dbt.days import build_days
from tests.dagster.project import DAYS, Project, make_project

pytestmark = pytest.mark.xdist_group("graph")

MODELS = "group:dbt_ga4"
FULL_REFRESH = json.dumps({"ops": {"dbt_incremental_models": {"config": {"full_refresh": True}}}})
BEGUN = "select distinct event_date::varchar from cache.dbt_days_begun order by all"
TWO_DAYS = {"BEHA2VEC_DBT_CHUNK_DAYS": "2"}
RECORDS = "select (select count(*) from cache.dbt_chunks), (select count(*) from cache.pending_full_refresh)"


def rows(project: Project) -> dict[str, list[tuple]]:
    """All rows of dbt's tables; sums of fractions up to the order in which they were added.

    Features only of the last date: the others depend on the days of the run (all: `tests/dbt/test_day_by_day.py`).
    """
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'ga4' order by all"
        ).fetchall()
        found = {}
        for (name,) in names:
            types = connection.execute(f"select column_name, column_type from (describe ga4.{name})").fetchall()
            rounded = ", ".join(f"round({column}, 6) as {column}" for column, kind in types if kind == "DOUBLE")
            last = f"where as_of = (select max(as_of) from ga4.{name})" if name == "ml_ga4__user_features" else ""
            select = f"select * {f'replace ({rounded})' if rounded else ''} from ga4.{name} {last} order by all"
            found[name] = connection.execute(select).fetchall()
        return found


def assert_same(project: Project, expected: dict[str, list[tuple]]) -> None:
    found = rows(project)
    assert list(found) == list(expected)
    for name, of in expected.items():
        assert found[name] == of, name


def kill_after_a_model(project: Project, running: subprocess.Popen[str], nth: int = 1) -> None:
    """Kill a run when the dbt call that it is in, or begins next, has built some models."""
    log = project.folder / "data" / "dbt_target" / "dbt.log"
    before = log.stat().st_size if log.exists() else 0
    while not log.exists() or log.read_bytes()[before:].count(b"OK created sql incremental model") < nth:
        assert running.poll() is None
        time.sleep(0.05)
    project.kill(running)
    assert running.stdout is not None
    running.stdout.close()


def calls(output: str) -> list[str]:
    return re.findall(r"(\S+ to \S+) \(\d+/\d+ dbt calls\)", output)


def test_a_folder_of_the_other_warehouse_is_refused_before_the_first_call(tmp_path: Path) -> None:
    settings = ExportSettings(source="export", data_dir=tmp_path, start_date=DAYS[0], timezone="UTC")
    mark_folder(settings.storage)
    with pytest.raises(SettingsError, match="was used with BEHA2VEC_WAREHOUSE=bigquery"):
        next(build_days(DbtBuild(None, settings, None, None)))


def test_notes_of_days_end_with_their_model_or_with_retention() -> None:
    days = [date(2026, 1, day) for day in (5, 6, 7, 9)]
    with duckdb.connect() as connection:
        create_tables(connection)
        chunks.days_begin(connection, ["a", "b"], days)
        chunks.days_begin(connection, ["of a release before"], [date(2026, 1, 8)])
        chunks.days_built(connection, ["a"], days[:2])
        assert chunks.days_left_begun(connection, ["a"]) == days[2:]
        assert chunks.days_left_begun(connection, ["b"]) == days
        assert chunks.days_left_begun(connection, []) == []
        assert chunks.day_ranges(chunks.days_left_begun(connection)) == "2026-01-05 to 2026-01-09"
        chunks.forget_days_begun(connection, ["a", "b"], None)
        assert chunks.day_ranges(chunks.days_left_begun(connection)) == "2026-01-05 to 2026-01-07, 2026-01-09"
        chunks.forget_days_begun(connection, ["a", "b"], days[1])
        assert chunks.days_left_begun(connection) == days[1:]


@pytest.mark.slow
def test_days_that_a_failed_run_has_begun_are_built_by_the_next(materialized: Project, tmp_path: Path) -> None:
    """All days fail at the last of four models; the next run asks for the first two days only."""
    expected = rows(materialized)
    project = materialized.copy(tmp_path / "p")
    models = ["base_ga4__events", "stg_ga4__events", "int_ga4__events_sessionized", "int_ga4__page_views"]
    with duckdb.connect(str(project.warehouse)) as connection:
        for name in models:
            connection.execute(f"drop table ga4.{name}")
        connection.execute("create table ga4.int_ga4__page_views (page_view_key date, occurred_on date)")
    assert project.materialize(",".join(models), check=False).returncode == 1
    assert project.query("select count(distinct event_date) from ga4.stg_ga4__events") == [(len(DAYS),)]
    refused = project.materialize("serving_database", check=False)
    assert refused.returncode == 1
    assert f"a run was stopped while dbt built {DAYS[0]} to {DAYS[-1]}" in refused.stdout + refused.stderr

    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("drop table ga4.int_ga4__page_views")
    again = project.materialize(",".join(models), "--start", DAYS[0], "--end", DAYS[1])
    assert f"4 days ({DAYS[2]} to {DAYS[-1]}) are built too" in again.stdout
    assert_same(project, expected)
    assert project.query(BEGUN) == []


@pytest.mark.slow
def test_chunks_give_the_rows_of_one_call(materialized: Project, tmp_path: Path) -> None:
    expected = rows(materialized)
    project = materialized.copy(tmp_path / "p")
    done = project.materialize(MODELS, "--config", FULL_REFRESH, "--start", DAYS[-1], "--end", DAYS[-1], **TWO_DAYS)
    assert calls(done.stdout) == [f"{DAYS[0]} to {DAYS[1]}", f"{DAYS[2]} to {DAYS[3]}"], "the last call ends the step"
    assert_same(project, expected)
    assert project.query(RECORDS) == [(0, 0)]


@pytest.mark.slow
def test_a_killed_build_goes_on_after_its_last_finished_chunk(materialized: Project, tmp_path: Path) -> None:
    expected = rows(materialized)
    project = materialized.copy(tmp_path / "p")
    arguments = ("--select", MODELS, "--config", FULL_REFRESH)
    running = project.start("beha2vec", "materialize", *arguments, **TWO_DAYS)
    assert running.stdout is not None
    for line in running.stdout:
        if calls(line):
            break
    project.kill(running)
    running.stdout.close()
    assert rows(project) != expected
    assert project.query(RECORDS) == [(1, 1)]

    # a night that does not know of it: all days are pending, so it ends what was begun
    night = project.materialize(MODELS, "--start", DAYS[-1], "--end", DAYS[-1], **TWO_DAYS)
    assert "a build that was stopped has finished 2 days" in night.stdout
    assert calls(night.stdout) == [f"{DAYS[2]} to {DAYS[3]}"]
    assert_same(project, expected)
    assert project.query(RECORDS) == [(0, 0)]


@pytest.mark.slow
def test_a_kill_within_chunk_7_of_20_costs_that_chunk(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", start_date=DAYS[0], end_date="2026-01-24", property_id="northfold")
    write_demo_export(project.folder / "data" / "demo_export", users=60, days=20, seed=3)
    project.materialize("raw_ga4_events")
    whole = project.copy(tmp_path / "whole")
    assert calls(whole.materialize(MODELS).stdout) == [], "one call"

    one_day = {"BEHA2VEC_DBT_CHUNK_DAYS": "1"}
    running = project.start("beha2vec", "materialize", "--select", MODELS, **one_day)
    assert running.stdout is not None
    for line in running.stdout:
        if "(6/20 dbt calls)" in line:
            break
    kill_after_a_model(project, running)
    assert project.query(RECORDS) == [(6, 0)]

    again = project.materialize(MODELS, **one_day)
    assert "a build that was stopped has finished 6 days" in again.stdout
    assert [day[:10] for day in calls(again.stdout)] == [f"2026-01-{day}" for day in range(11, 24)]
    assert_same(project, rows(whole))


@pytest.mark.slow
def test_after_kills_a_shorter_run_leaves_no_day_in_some_tables_only(materialized: Project, tmp_path: Path) -> None:
    """The second of three chunks is killed, then the run of another day that also builds its days."""
    project = materialized.copy(tmp_path / "p")
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("drop schema ga4 cascade")
    clean = project.copy(tmp_path / "clean")
    clean.materialize(MODELS, "--start", DAYS[0], "--end", DAYS[3])

    running = project.start("beha2vec", "materialize", "--select", MODELS, **TWO_DAYS)
    assert running.stdout is not None
    for line in running.stdout:
        if "(1/3 dbt calls)" in line:
            break
    kill_after_a_model(project, running, 5)
    assert project.query(BEGUN) == [(DAYS[2],), (DAYS[3],)]

    first_day = "--start", DAYS[0], "--end", DAYS[0]
    running = project.start("beha2vec", "materialize", "--select", MODELS, *first_day, **TWO_DAYS)
    assert running.stdout is not None
    for line in running.stdout:
        if "(1/2 dbt calls)" in line:
            break
    kill_after_a_model(project, running, 3)
    assert project.query(BEGUN) == [(DAYS[2],), (DAYS[3],)]

    again = project.materialize(MODELS, *first_day, **TWO_DAYS)
    assert f"2 days ({DAYS[2]} to {DAYS[3]}) are built too" in again.stdout
    assert_same(project, rows(clean))
    assert project.query(BEGUN) == []


@pytest.mark.slow
def test_what_has_changed_since_is_built_again(
    materialized: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build of some days stops before its last call; then a raw partition changes, then a setting."""
    project = materialized.copy(tmp_path / "p")

    def build(*days: str, **more: str) -> list[str]:
        """The calls of a build that stops before its last."""
        between = ("--start", days[0], "--end", days[1]) if days else ()
        with monkeypatch.context() as patch:
            patch.setattr(DbtBuild, "whole", stop)
            stopped = project.materialize(MODELS, *between, check=False, **TWO_DAYS | more)
        assert stopped.returncode == 1
        return calls(stopped.stdout)

    def stop(*_: object, **__: object) -> None:
        raise RuntimeError("stopped")

    first, second = f"{DAYS[0]} to {DAYS[1]}", f"{DAYS[2]} to {DAYS[3]}"
    assert build() == [first, second]
    assert build() == [], "they are finished"
    os.utime(next((project.folder / "data" / "raw_ga4_events").glob(f"*/event_date={DAYS[2]}/*.parquet")))
    assert build() == [second], "its raw partition is another"
    assert build(DAYS[0], DAYS[4]) == [first, second], "it is another range"
    assert build(BEHA2VEC_TIMEZONE="Asia/Tokyo", BEHA2VEC_DBT_CHUNK_DAYS="4") == [f"{DAYS[0]} to {DAYS[3]}"]
    assert project.query("select count(*) from cache.dbt_chunks") == [(1,)], "those of other models are forgotten"
