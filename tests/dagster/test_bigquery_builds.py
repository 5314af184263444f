"""dbt's runs with ``BEHA2VEC_WAREHOUSE=bigquery``, on a local stand-in: what is said first, what counts as built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import dagster as dg
import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

import grpc

from beha2vec_core.store.warehouse import Warehouse
from tests.bigquery.service import BigQueryService
from tests.bigquery.transport import ApiError
from tests.dagster.project import Project, make_project
from tests.ga4.ingest_world import event, write

pytestmark = pytest.mark.slow
DAYS = date(2026, 1, 5), date(2026, 1, 6)
READERS = "base_ga4__own_hosts", "base_ga4__url_templates", "base_ga4__events"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BigQueryService]:
    folder = tmp_path_factory.mktemp("export")
    with BigQueryService() as running:
        running.load([write(folder / f"events_{day:%Y%m%d}.ndjson", [event(n, day) for n in range(9)]) for day in DAYS])
        yield running


@pytest.fixture(scope="module")
def project(service: BigQueryService, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("bigquery")
    made = make_project(
        folder / "p",
        source=service.source(),
        warehouse="bigquery",
        bigquery_project="my-project",
        timezone="UTC",
        start_date=str(DAYS[0]),
        end_date=str(DAYS[1]),
    )
    made.settings["GOOGLE_APPLICATION_CREDENTIALS"] = str(service.credentials(folder))
    return made


def built_days(project: Project, model: str) -> set[str]:
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        return instance.get_materialized_partitions(dg.AssetKey(model))


def test_what_the_queries_read_is_known_before_they_run(service: BigQueryService, project: Project) -> None:
    refused = project.materialize(",".join(READERS), check=False, recorded=True, BEHA2VEC_BIGQUERY_MAXIMUM_BYTES="1000")
    said = refused.stdout + refused.stderr
    assert refused.returncode and "raise BEHA2VEC_BIGQUERY_MAXIMUM_BYTES to at least" in said
    assert re.search(r"3 models will read the export in BigQuery: 0\.00 GB, 0\.00 US dollars at list price", said)
    with pytest.raises(ApiError, match="Not found: Dataset my-project:ga4"):  # nothing was built
        service._tables("my-project", "ga4")
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        read = {}
        for model in READERS:
            ((record,),) = [instance.fetch_observations(dg.AssetKey(model), limit=9).records]
            about = record.asset_observation.metadata  # type: ignore[union-attr]
            read[model] = about["bytes_to_read"].value
            assert "US dollars at list price (6.25 a TiB in the US as of 2025" in str(about["price"].value)
    # own hosts need addresses of all days only
    assert read["base_ga4__events"] > read["base_ga4__own_hosts"] > 1000


def test_what_was_not_copied_is_not_built(service: BigQueryService, project: Project) -> None:
    hosts = "base_ga4__own_hosts"
    service.breaks[hosts] = grpc.StatusCode.PERMISSION_DENIED
    failed = project.materialize(hosts, check=False, recorded=True)
    assert failed.returncode and "this account may not read my-project.ga4" in failed.stdout + failed.stderr
    assert service._rows(f'select count(*) from "my-project".ga4.{hosts}') == [(1,)]
    assert not built_days(project, hosts), "the next run has to do it again"
    del service.breaks[hosts]
    data = project.folder / "data"
    free: list[tuple[bool, bool]] = []

    def note(path: str) -> None:
        if path.endswith("/jobs"):
            free.append((Warehouse(project.warehouse).is_free(), Warehouse(data / "dbt_target").is_free()))

    service.refuse = note
    project.materialize(hosts, recorded=True)
    assert len(free) > 3 and set(free) == {(True, False)}, "others use the warehouse while BigQuery works"
    assert built_days(project, hosts) == {str(day) for day in DAYS}
    assert project.query(f"select hostname from ga4.{hosts}") == [("shop.example.com",)]
