"""What the UI tells of dbt's models: columns, where each comes from, and the data tests as checks."""

import json
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.activation.activation_world import ledger_outlives
from tests.dagster.project import DAYS, REPOSITORY, Project, latest_metadata, make_project

pytestmark = pytest.mark.xdist_group("graph")


@pytest.fixture(scope="module")
def manifest(materialized: Project) -> dict:
    """dbt's, as the run has parsed it."""
    return json.loads((REPOSITORY / "dbt_ga4" / "target" / "manifest.json").read_text())


def nodes(manifest: dict, *kinds: str) -> list[dict]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] in kinds]


def test_columns_are_those_of_the_warehouse_each_described(
    instance: dg.DagsterInstance, materialized: Project, manifest: dict
) -> None:
    for node in nodes(manifest, "model", "seed"):
        columns = latest_metadata(instance, node["name"])["dagster/column_schema"].value.columns
        assert [(c.name, c.type) for c in columns] == [
            row[:2] for row in materialized.query(f"describe ga4.{node['name']}")
        ]
        assert all(column.description for column in columns), node["name"]


def test_columns_say_where_they_come_from(instance: dg.DagsterInstance, manifest: dict) -> None:
    known = {node["name"]: set(node["columns"]) for node in nodes(manifest, "model", "seed")}
    known["raw_ga4_events"] = set(manifest["sources"]["source.dbt_ga4.ga4.raw_ga4_events"]["columns"])
    origins = {}
    for node in nodes(manifest, "model"):
        lineage = latest_metadata(instance, node["name"])["dagster/column_lineage"].value.deps_by_column
        assert set(lineage) == set(node["columns"]), node["name"]
        parents = {key.split(".")[-1] for key in node["depends_on"]["nodes"]}
        for column, deps in lineage.items():
            found = {(dep.asset_key.to_user_string(), dep.column_name) for dep in deps}
            assert all(asset in parents and name in known[asset] for asset, name in found), (node["name"], column)
            origins[node["name"], column] = found
    # only a count of rows comes from no column
    told = [origin for origin in origins.values() if origin]
    assert len(told) > 0.95 * len(origins)
    assert origins["dim_ga4__users", "first_source"] >= {("fct_ga4__sessions", "source")}
    assert origins["ml_ga4__user_features", "cart_sessions"] == {
        ("int_ga4__events_sessionized", "event_name"),
        ("int_ga4__events_sessionized", "session_key"),
        ("int_ga4__events_sessionized", "session_date"),
        ("ga4_event_taxonomy", "funnel_step"),
    }
    assert any(("raw_ga4_events", "geo") in origin for origin in told)


def test_data_tests_are_checks(instance: dg.DagsterInstance, manifest: dict) -> None:
    records = [
        record
        for run in instance.get_runs()
        for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    evaluated = {record.dagster_event.event_specific_data.check_name for record in records if record.dagster_event}
    tests = {node["name"] for node in nodes(manifest, "test")}
    assert len(tests) > 80
    assert tests <= evaluated


@pytest.mark.slow
def test_only_a_full_refresh_builds_other_days_than_those_asked(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    rows = "select (select count(*) from ga4.base_ga4__events), (select count(*) from ga4.fct_ga4__page_views)"
    before = project.query(rows)
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(f"delete from ga4.base_ga4__events where event_date = '{DAYS[0]}'")
        connection.execute("delete from ga4.int_ga4__page_views")
    last, day_before = (("--start", day, "--end", day) for day in (DAYS[-1], DAYS[-2]))
    project.materialize("group:dbt_ga4", *last)
    assert project.query(rows) != before, "the first day is still missing"
    config = json.dumps({"ops": {"dbt_incremental_models": {"config": {"full_refresh": True}}}})
    with ledger_outlives(project.folder / "data"):
        project.materialize("group:dbt_ga4", *day_before, "--config", config)
    assert project.query(rows) == before


@pytest.mark.slow
def test_after_a_migration_the_next_run_builds_all_days(materialized: Project, tmp_path: Path) -> None:
    """A warehouse of the release before: its dbt tables lack columns, and hold amounts without a currency."""
    project = materialized.copy(tmp_path / "p")
    rows = "select count(*), count(currency), round(sum(revenue), 2) from ga4.fct_ga4__purchases"
    before = project.query(rows)
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("alter table ga4.base_ga4__events drop column currency")
        connection.execute("alter table ga4.stg_ga4__events drop column currency")
        connection.execute("alter table ga4.int_ga4__events_sessionized drop column currency")
        connection.execute("drop table cache.pending_full_refresh")
        connection.execute("delete from beha2vec.schema_history where version > 1")
        connection.execute("insert or ignore into beha2vec.schema_history values (1, '', now()::timestamp)")
    refused = project.run("beha2vec", "materialize", check=False)
    assert "beha2vec migrate" in refused.stdout + refused.stderr
    with ledger_outlives(project.folder / "data"):
        project.run("beha2vec", "migrate", "--no-backup")
    last = "--start", DAYS[-1], "--end", DAYS[-1]
    for _ in range(2):
        project.materialize("group:dbt_ga4", *last)
        assert project.query(rows) == before
        assert project.query("select count(*) from cache.pending_full_refresh") == [(0,)]


@pytest.mark.slow
def test_an_installation_that_has_moved_builds_again(tmp_path: Path) -> None:
    """dbt's parsed project is in the data folder, and names the folder that the seeds were in."""
    project = make_project(tmp_path / "p", end_date=DAYS[0])
    routes = "select count(*) from ga4.ga4_url_routes"
    materialize = ("-m", "beha2vec_core", "materialize", "--select", "ga4_url_routes")
    project.run("python", *materialize, PYTHONPATH=str(REPOSITORY))
    ((before,),) = project.query(routes)
    place = tmp_path / "python3.12"
    for package in ("beha2vec_core", "beha2vec_dagster", "dbt_ga4"):
        shutil.copytree(REPOSITORY / package, place / package, ignore=shutil.ignore_patterns("target", "instance"))
    with (place / "dbt_ga4" / "seeds" / "ga4_url_routes.csv").open("a") as seed:
        seed.write("999,^/nowhere$,/nowhere\n")
    project.run("python", *materialize, PYTHONPATH=str(place))
    assert project.query(routes) == [(before + 1,)], "the seed of the new place"
