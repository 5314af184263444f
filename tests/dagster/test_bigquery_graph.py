"""The whole graph with ``BEHA2VEC_WAREHOUSE=bigquery``, on a local stand-in of BigQuery: what DuckDB gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

from beha2vec_core.bigquery.models import NOT_COPIED
from tests.bigquery.service import BigQueryService
from tests.dagster.project import DAYS, Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]
# BigQuery has one type of whole numbers
# when something was made, and how fast: training_curve has seconds
MADE_AT = {"trained_at", "accepted_at", "evaluated_at", "fitted_at", "promoted_at", "classified_at", "training_curve"}
OF_THE_INSTALLATION = {"beha2vec.rounding", "beha2vec.schema_history"}
WHOLE = re.compile(r"TINYINT|SMALLINT|INTEGER|HUGEINT|UBIGINT|BIGINT")


@pytest.fixture(scope="module")
def service() -> Iterator[BigQueryService]:
    with BigQueryService() as running:
        yield running


@pytest.fixture(scope="module")
def in_bigquery(service: BigQueryService, materialized: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
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


def test_published_rows_are_those_of_duckdb(materialized: Project, in_bigquery: Project) -> None:
    with duckdb.connect() as connection:
        for name, project in (("here", materialized), ("there", in_bigquery)):
            connection.execute(f"attach '{project.folder / 'data' / 'serving.duckdb'}' as {name} (read_only)")
        found = connection.execute(
            """select schema_name || '.' || table_name, database_name, column_name, data_type from duckdb_columns()
            where database_name in ('here', 'there') and schema_name in ('beha2vec', 'ga4') order by all"""
        ).fetchall()
        described: dict[str, dict[str, dict[str, str]]] = {}
        for table, name, column, kind in found:
            kinds = described.setdefault(table, {"here": {}, "there": {}})
            kinds[name][column] = WHOLE.sub("BIGINT", kind)
        differences = []
        for table, kinds in described.items():
            if kinds["here"] != kinds["there"]:
                differences.append(f"{table}: {sorted(kinds['here'].items() ^ kinds['there'].items())}")
            elif table not in OF_THE_INSTALLATION:
                # sums of fractions are added in any order
                columns = ", ".join(
                    f'round("{name}", 6)' if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
                    for name, kind in kinds["here"].items()
                    if name not in MADE_AT
                )
                rows = [f"select {columns} from {name}.{table}" for name in ("here", "there")]
                for one, other in (rows, rows[::-1]):
                    some = connection.execute(f"({one}) except all ({other}) limit 2").fetchall()
                    differences += [f"{table}: {row}"[:500] for row in some]
    assert len(described) > 50
    assert not differences, "\n".join(differences)


def test_events_stay_in_bigquery(in_bigquery: Project) -> None:
    assert not list((in_bigquery.folder / "data" / "raw_ga4_events").rglob("*.parquet"))
    tables = {name for (name,) in in_bigquery.query("select table_name from duckdb_tables() where schema_name = 'ga4'")}
    assert tables and not tables & set(NOT_COPIED)
    log = in_bigquery.query("select event_date::varchar, status, rows_in, users from raw.ga4_ingest_log order by all")
    assert [(day, status) for day, status, *_ in log] == [(day, "ingested") for day in DAYS]
    assert all(rows > users > 0 for *_, rows, users in log)


def test_results_are_written_once(service: BigQueryService, in_bigquery: Project) -> None:
    def there(table: str) -> list[tuple[object, ...]]:
        return service.connection.execute(
            f'select count(*), sum(hash(one)) from "my-project".ga4.{table} one'
        ).fetchall()

    tables = ("user_sequences", "user_embeddings", "user_clusters", "cluster_profiles", "cluster_insights")
    before = {table: there(table) for table in tables}
    for table in tables[1:]:
        assert [before[table][0][0]] == list(in_bigquery.query(f"select count(*) from beha2vec.{table}")[0])
    assert before["user_sequences"][0][0] == before["user_embeddings"][0][0] > 100
    in_bigquery.materialize("serving_database")
    assert {table: there(table) for table in tables} == before


def test_nobody_is_forgotten_by_halves(in_bigquery: Project) -> None:
    ((device,),) = in_bigquery.query("select any_value(user_pseudo_id) from ga4.int_ga4__sessions")
    done = in_bigquery.run("beha2vec", "forget", "--user", device, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "delete from `my-project.analytics_northfold.events_" in said and device in said
    assert in_bigquery.query(f"from ga4.int_ga4__sessions where user_pseudo_id = '{device}'")
