"""The gate of a new encoder: trained_encoder decides and writes, the check reports it, both by the run's limits."""

from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from beha2vec_core.store.tables import as_table, create_tables
from beha2vec_dagster.defs.promotion import assets as promotion
from beha2vec_dagster.defs.promotion.assets import candidate_is_no_worse
from beha2vec_dagster.lib.resources import ComputeResource, WarehouseResource
from tests.dagster.project import export_settings

WORSE = [
    {"method": "encoder", "task": "retrieval", "metric": "mrr", "value": 0.2, "champion_low": -0.1,
        "champion_high": -0.05},
    {"method": "champion", "task": "retrieval", "metric": "mrr", "value": 0.3},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A warehouse with the evaluation of a new encoder that is worse than the one before, by 0.05 at least."""
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("insert into beha2vec.encoders (model_version, trained_at) values ('new', now())")
        rows = as_table("beha2vec.encoder_evaluation", [{"model_version": "new"} | row for row in WORSE])
        connection.register("rows", rows)
        connection.execute("insert into beha2vec.encoder_evaluation by name from rows")
    return tmp_path


def run(folder: Path, *assets: str, **config: Any) -> tuple[bool, tuple[bool, str] | None]:
    """Whether a run with such a configuration of trained_encoder succeeds, and what the check says in it."""

    @dg.asset
    def encoder_evaluation() -> None: ...

    settings = export_settings(data_dir=folder / "data")
    job = dg.Definitions(
        [encoder_evaluation, *promotion.build_assets(settings)],
        asset_checks=[candidate_is_no_worse],
        resources={
            "warehouse": WarehouseResource(database=str(settings.storage.warehouse_path), lock_timeout_seconds=60),
            "compute": ComputeResource(device="cpu"),
        },
        jobs=[dg.define_asset_job("job", dg.AssetSelection.assets(*assets))],
    ).resolve_job_def("job")
    result = job.execute_in_process(
        run_config={"ops": {"trained_encoder": {"config": config}}} if config else None, raise_on_error=False
    )
    found = result.get_asset_check_evaluations()
    assert all("| 0.2 | 0.3 |" in str(check.metadata["figures"].value).replace("\\", "") for check in found)
    assert all("is 0.200, the encoder in use has 0.300" in str(check.description) or check.passed for check in found)
    assert all("(in use: 0.300)" in str(check.description) or not check.passed for check in found)
    return result.success, (found[0].passed, found[0].severity.value) if found else None


def written(folder: Path) -> tuple[bool, str | None]:
    """Whether the encoder was accepted, and why it was refused."""
    with duckdb.connect(str(folder / "data" / "warehouse.duckdb")) as connection:
        query = "select accepted_at is not null, refused from beha2vec.encoders"
        return connection.execute(query).fetchall()[0]


TRAIN = ("encoder_evaluation", "trained_encoder")


def test_the_check_alone_reports_and_writes_nothing(folder: Path) -> None:
    assert run(folder, "encoder_evaluation") == (True, (False, "ERROR"))
    assert written(folder) == (False, None)


def test_a_refusal_is_written_by_the_promotion(folder: Path) -> None:
    assert run(folder, *TRAIN) == (False, (False, "ERROR"))
    accepted, refused = written(folder)
    assert not accepted and "interval of the difference: [-0.100, -0.050]" in str(refused)


def test_a_looser_tolerance_of_the_run_counts(folder: Path) -> None:
    assert run(folder, *TRAIN, tolerance=0.06) == (True, (True, "ERROR"))
    assert written(folder) == (True, None)


def test_what_is_forced_is_promoted_with_a_warning(folder: Path) -> None:
    assert run(folder, *TRAIN, force=True) == (True, (False, "WARN"))
    assert written(folder) == (True, None)
    assert run(folder, "encoder_evaluation") == (True, (False, "WARN")), "looked at again: it was accepted"
