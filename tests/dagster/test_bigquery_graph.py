"""The whole graph with ``BEHA2VEC_WAREHOUSE=bigquery``, on a local stand-in of BigQuery: what DuckDB gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

from tests.bigquery_service import BigQueryService
from tests.dagster.project import DAYS, Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]
# BigQuery has one type of whole numbers
WHOLE = re.compile(r"TINYINT|SMALLINT|INTEGER|HUGEINT|UBIGINT|BIGINT")


@pytest.fixture(scope="module")
def service() -> Iterator[BigQueryService]:
    with BigQueryService() as running:
        yield running


@pytest.fixture(scope="module")
def in_bigquery(
    service: BigQueryService, materialized: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The graph on the days of `materialized`, in BigQuery."""
    folder = tmp_path_factory.mktemp("bigquery")
    service.load(sorted((materialized.folder / "data/demo_export").rglob("events_*")), data_set="analytics_northfold")
    project = make_project(
        folder / "p",
        source=service.source(data_set="analytics_northfold"),
        warehouse="bigquery",
        bigquery_project="my-project",
        start_date=DAYS[0],
        end_date=DAYS[-1],
    )
    (project.folder / "audiences.yml").write_text("- {name: active, rule: sessions >= 2}")
    project.settings["GOOGLE_APPLICATION_CREDENTIALS"] = str(service.credentials(folder))
    project.output = project.materialize("*").stdout
    return project


# when something was made
MADE_AT = {"trained_at", "accepted_at", "evaluated_at", "fitted_at", "promoted_at", "classified_at", "applied_at"}


def test_published_rows_are_those_of_duckdb(materialized: Project, in_bigquery: Project) -> None:
    with duckdb.connect() as connection:
        for name, project in (("here", materialized), ("there", in_bigquery)):
            connection.execute(f"attach '{project.folder / 'data' / 'serving.duckdb'}' as {name} (read_only)")
        described: dict[str, dict[str, dict[str, str]]] = {}
        for name in ("here", "there"):
            for schema, table, column, kind in connection.execute(
                f"""select schema_name, table_name, column_name, data_type from duckdb_columns()
                where database_name = '{name}' and schema_name in ('beha2vec', 'ga4') order by all"""
            ).fetchall():
                columns = described.setdefault(f"{schema}.{table}", {}).setdefault(name, {})
                columns[column] = WHOLE.sub("BIGINT", kind)
        differences = []
        for table, columns in described.items():
            if columns["here"] != columns.get("there"):
                differences.append(f"{table}: {sorted(columns['here'].items() ^ columns.get('there', {}).items())}")
                continue
            kept = [
                f'round("{name}", 6)' if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
                for name, kind in columns["here"].items()
                if name not in MADE_AT
            ]
            rows = [f"select {', '.join(kept)} from {name}.{table}" for name in ("here", "there")]
            for one, other in (rows, rows[::-1]):
                found = connection.execute(f"select count(*) from (({one}) except all ({other}))").fetchone()
                if found != (0,) and table != "beha2vec.rounding":  # a secret of the installation
                    differences.append(f"{table}: {found} {connection.execute(f'({one}) except all ({other}) limit 2').fetchall()}"[:600])
    assert len(described) > 50
    assert not differences, "\n".join(differences)
