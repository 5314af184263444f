"""The catalogue as asset checks: what a run records, what blocks, and that the docs list what there is."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.execution.api import create_execution_plan

from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_dagster.defs.operations.checks import build_checks
from beha2vec_dagster.lib.partitions import daily_partitions, range_tags
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.dagster.project import REPOSITORY, definitions, export_settings

pytestmark = pytest.mark.xdist_group("graph")


def _runs(folder: Path) -> list[dict[str, Any]]:
    """A warehouse of four days, one with broken vectors; a run of a good part, of the broken one, and of one day."""
    settings = export_settings(data_dir=folder / "data", end_date=date(2026, 1, 31))
    warehouse = WarehouseResource(database=str(settings.storage.warehouse_path), lock_timeout_seconds=60)
    with warehouse.connect("test") as connection:
        connection.execute("insert into beha2vec.encoders (model_version, trained_at) values ('e', now()::timestamp)")
        connection.execute(
            """insert into beha2vec.user_embeddings by name select day::date as event_date,
            'e' as model_version, 'u' as user_key, day as as_of, 9 as n_events,
            false as low_evidence, [1, 0] as behavior, [1, 0] as identity
            from generate_series(timestamp '2026-01-05', timestamp '2026-01-08', interval 1 day) as days(day)"""
        )
        connection.execute("create schema ga4")
        connection.execute(
            """create table ga4.ml_ga4__sequence_events
            (event_date date, page_key varchar, event_name varchar)"""
        )
        connection.execute("update beha2vec.user_embeddings set behavior = [0, 0] where event_date = '2026-01-06'")

    @dg.asset(partitions_def=daily_partitions(settings), backfill_policy=dg.BackfillPolicy.single_run())
    def user_embeddings() -> None: ...

    @dg.asset(deps=[user_embeddings])
    def serving_database() -> None: ...

    job = dg.Definitions(
        [user_embeddings, serving_database],
        asset_checks=build_checks(settings),
        resources={"warehouse": warehouse},
        jobs=[dg.define_asset_job("job", dg.AssetSelection.assets("user_embeddings", "serving_database"))],
    ).resolve_job_def("job")

    def run(**asked: Any) -> dict[str, Any]:
        result = job.execute_in_process(**asked, raise_on_error=False)
        checks = {
            found.check_name: (
                found.passed, found.severity.value, {name: value.value for name, value in found.metadata.items()}
            )
            for found in result.get_asset_check_evaluations()
        }  # fmt: skip
        made = [event.step_key for event in result.all_events if event.is_successful_output]
        return {"success": result.success, "made": made, "checks": checks}

    return [
        run(tags=range_tags(date(2026, 1, 7), date(2026, 1, 8))),
        run(tags=range_tags(date(2026, 1, 5), date(2026, 1, 6))),
        run(partition_key="2026-01-08"),
    ]


def test_a_run_looks_at_its_days_and_broken_vectors_stop_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    open_file = Warehouse.open

    def counted(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
        opened.append(warehouse.path)
        return open_file(warehouse)

    monkeypatch.setattr(Warehouse, "open", counted)
    good, bad, one_day = _runs(tmp_path)
    assert len(opened) == 4, "by the test, then once in each run for all six checks"
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
        and "vocabulary.json" in figures["message"]
        and "train_encoder" in figures["remedy"]
    )
    assert not bad["success"] and "serving_database" not in bad["made"]
    passed, severity, figures = bad["checks"]["vectors_are_finite"]
    assert not passed and severity == "ERROR" and figures["vectors"] == 2 and figures["samples"] == ["2026-01-06 u"]
    assert "2026-01-06 u" in figures["message"] and "beha2vec rollback" in figures["remedy"]
    assert bad["checks"]["nothing_is_null"][0], "the others are made all the same"


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return definitions(tmp_path_factory.mktemp("graph"))


def test_docs_list_every_check_as_it_is(defs: dg.Definitions) -> None:
    graph = defs.get_repository_def().asset_graph
    severity = {(check.asset, check.name): check.severity for check in CHECKS}
    checks = []
    for definition in defs.asset_checks or []:
        for spec in definition.check_specs:
            assert spec.asset_key in graph.materializable_asset_keys, "a check of no asset is never made"
            asset = spec.asset_key.to_user_string()
            checks.append([asset, spec.name, severity.get((asset, spec.name), "error"), spec.blocking])
    documented = []
    for line in (REPOSITORY / "docs" / "checks.md").read_text().splitlines():
        if line.startswith("| `"):
            name, assets, what, severity, blocks, remedy = (cell.strip() for cell in line.strip("|").split("|"))
            assert what and remedy, name
            for asset in assets.split(", "):
                blocking = blocks == "yes" or asset.endswith("*")
                documented.append([asset.strip("`*"), name.strip("`"), severity, blocking])
    assert sorted(documented) == sorted(checks)


def test_a_promotion_is_looked_at_before_profiles_are_made(defs: dg.Definitions) -> None:
    """The job train_encoder switches readers to other clusters: their profiles come after it, and after its checks."""
    levels = create_execution_plan(defs.resolve_job_def("train_encoder")).get_steps_to_execute_by_level()
    place = {step.key: number for number, level in enumerate(levels) for step in level}
    assert place["trained_encoder"] < place["checks_of_trained_encoder"] < place["cluster_profiles"]
    assert place["cluster_profiles"] < place["cluster_insights"] < place["serving_database"]


def test_where_nobody_is_configured_the_sensors_of_alerts_are_off(defs: dg.Definitions) -> None:
    for name in ("alert_on_failed_runs", "alert_on_failed_checks"):
        assert defs.resolve_sensor_def(name).default_status == dg.DefaultSensorStatus.STOPPED


def test_the_copy_is_published_after_what_it_copies(defs: dg.Definitions) -> None:
    """Also in a run of some assets, whatever lies between them: each is waited for."""
    graph = defs.resolve_asset_graph()
    serving, later = dg.AssetKey("serving_database"), dg.AssetKey("activations")
    assert graph.get(serving).parent_keys == graph.materializable_asset_keys - {serving, later}
    everything = defs.resolve_job_def("materialize_everything")
    some = dg.AssetSelection.assets("raw_ga4_events", serving) | dg.AssetSelection.groups("dbt_ga4")
    job = everything.get_subset(asset_selection=some.resolve(graph))
    levels = create_execution_plan(job).get_steps_to_execute_by_level()
    place = {step.key: number for number, level in enumerate(levels) for step in level}
    assert (
        place["raw_ga4_events"]
        < place["dbt_incremental_models"]
        < place["dbt_table_models"]
        < place["serving_database"]
    )
