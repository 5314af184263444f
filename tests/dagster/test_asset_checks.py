"""The catalogue as asset checks: what a run records, what blocks, and that the docs list what there is."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import REPOSITORY, Project, make_project

pytestmark = pytest.mark.xdist_group("graph")

# a warehouse of one day, whose vectors are broken or not, and a run of an asset with all of its checks
RUN = """
import json, sys, dagster as dg, duckdb
from beha2vec_dagster.checks import all_checks
from beha2vec_dagster.resources import WarehouseResource
from beha2vec_dagster.partitions import daily, range_tags
from beha2vec_dagster.settings import settings
from datetime import date
warehouse = WarehouseResource(database=str(settings.warehouse_path))
with warehouse.connect("test") as connection:
    connection.execute("insert into beha2vec.encoders (model_version, trained_at) values ('e', now()::timestamp)")
    connection.execute('''insert into beha2vec.user_embeddings by name select day::date as event_date,
        'e' as model_version, 'u' as user_key, day as as_of, 9 as n_events,
        false as low_evidence, [1, 0] as behavior, [1, 0] as identity
        from generate_series(timestamp '2026-01-05', timestamp '2026-01-08', interval 1 day) as days(day)''')
    connection.execute("create schema ga4")
    connection.execute('''create table ga4.ml_ga4__sequence_events
        (event_date date, page_key varchar, event_name varchar)''')
    connection.execute("update beha2vec.user_embeddings set behavior = [0, 0] where event_date = '2026-01-06'")

@dg.asset(partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run())
def user_embeddings() -> None: ...

@dg.asset(deps=[user_embeddings])
def serving_database() -> None: ...

defs = dg.Definitions(
    [user_embeddings, serving_database], asset_checks=all_checks, resources={"warehouse": warehouse},
    jobs=[dg.define_asset_job("job", dg.AssetSelection.assets("user_embeddings", "serving_database"))],
)
def run(**asked):
    result = defs.resolve_job_def("job").execute_in_process(**asked, raise_on_error=False)
    return {
        "success": result.success, "made": [e.step_key for e in result.all_events if e.is_successful_output],
        "checks": {e.check_name: [e.passed, e.severity.value, {k: v.value for k, v in e.metadata.items()}]
            for e in result.get_asset_check_evaluations()},
    }
print(json.dumps([
    run(tags=range_tags(date(2026, 1, 7), date(2026, 1, 8))), run(tags=range_tags(date(2026, 1, 5), date(2026, 1, 6))),
    run(partition_key="2026-01-08"),
]))
"""


def _python(project: Project, code: str) -> Any:
    return json.loads(project.run("python", "-c", code).stdout.splitlines()[-1])


def test_a_run_looks_at_its_days_and_broken_vectors_stop_what_follows(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", start_date="2026-01-05", end_date="2026-01-31")
    good, bad, one_day = _python(project, RUN)
    assert good["success"] and "serving_database" in good["made"]
    passed, severity, figures = good["checks"]["vectors_are_finite"]
    assert passed and severity == "ERROR" and figures == {"vectors": 2, "broken": 0, "samples": []}
    assert good["checks"]["rows_are_unique"][2]["rows"] == 2
    assert one_day["success"] and one_day["checks"]["rows_are_unique"][2]["rows"] == 1
    # the encoder's files are not there: the check fails by itself, as the warning it is, and the run goes on
    passed, severity, figures = good["checks"]["the_encoder_knows_the_pages"]
    assert (
        not passed
        and severity == "WARN"
        and "vocabulary.json" in figures["told"]
        and "train_encoder" in figures["remedy"]
    )
    assert not bad["success"] and "serving_database" not in bad["made"]
    passed, severity, figures = bad["checks"]["vectors_are_finite"]
    assert not passed and severity == "ERROR" and figures["vectors"] == 2 and figures["samples"] == ["2026-01-06 u"]
    assert "2026-01-06 u" in figures["told"] and "beha2vec rollback" in figures["remedy"]
    assert bad["checks"]["nothing_is_null"][0], "the others are made all the same"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """What the definitions have: checks of ours, the steps of train_encoder by level, sensors of alerts."""
    code = """
import json
from dagster._core.execution.api import create_execution_plan
from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_dagster.alerts import alert_on_failed_checks, alert_on_failed_runs
from beha2vec_dagster.checks import all_checks
from beha2vec_dagster.definitions import defs
severity = {(check.asset, check.name): check.severity for check in CHECKS}
graph = defs.get_repository_def().asset_graph
assets = {key.to_user_string() for key in graph.materializable_asset_keys}
checks = [
    (spec.asset_key.to_user_string(), spec.name, severity.get((spec.asset_key.to_user_string(), spec.name), "error"),
        spec.blocking)
    for definition in all_checks for spec in definition.check_specs if spec.key in graph.asset_check_keys]
levels = create_execution_plan(defs.resolve_job_def("train_encoder")).get_steps_to_execute_by_level()
print(json.dumps({"checks": checks, "assets": sorted(assets), "levels": [[s.key for s in level] for level in levels],
    "sensors": [sensor.default_status.value for sensor in (alert_on_failed_runs, alert_on_failed_checks)]}))
"""
    return _python(make_project(tmp_path_factory.mktemp("graph") / "p"), code)


def test_docs_list_every_check_as_it_is(graph: dict[str, list]) -> None:
    checks = graph["checks"]
    assert {asset for asset, *_ in checks} <= set(graph["assets"]), "a check of no asset is never made"
    documented = []
    for line in (REPOSITORY / "docs" / "checks.md").read_text().splitlines():
        if line.startswith("| `"):
            name, assets, what, severity, blocks, remedy = (cell.strip() for cell in line.strip("|").split("|"))
            assert what and remedy, name
            for asset in assets.split(", "):
                blocking = blocks == "yes" or asset.endswith("*")
                documented.append([asset.strip("`*"), name.strip("`"), severity, blocking])
    assert sorted(documented) == sorted(checks)


def test_a_promotion_is_looked_at_before_profiles_are_made(graph: dict[str, list]) -> None:
    """The job train_encoder switches readers to other clusters: their profiles come after it, and after its checks."""
    place = {step: number for number, level in enumerate(graph["levels"]) for step in level}
    assert place["trained_encoder"] < place["checks_of_trained_encoder"] < place["cluster_profiles"]
    assert place["cluster_profiles"] < place["cluster_insights"] < place["serving_database"]


def test_where_nobody_is_configured_the_sensors_of_alerts_are_off(graph: dict[str, list]) -> None:
    assert graph["sensors"] == ["STOPPED", "STOPPED"]
