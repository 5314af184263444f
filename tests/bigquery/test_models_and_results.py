"""Copies of dbt's tables from BigQuery, and results written there, on the local stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import grpc
import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

from beha2vec_core.bigquery.models import (
    fetch_table,
    mark_folder,
    put_table,
    require_one_warehouse,
    require_tables,
    rewritten_rows,
    target_of,
    user_tables,
)
from beha2vec_core.bigquery.results import write_results
from beha2vec_core.cli.doctor.storage import check_data_folder
from beha2vec_core.ga4.bigquery import DataSet, table_reports
from beha2vec_core.ga4.ingest import partition_file
from beha2vec_core.ga4.report import IngestError, IngestReport
from beha2vec_core.ga4.source_files import SourceNotReachedError
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.settings import ExportSettings, Settings, SettingsError
from beha2vec_core.store.tables import create_tables
from tests.bigquery.service import BigQueryService
from tests.bigquery.transport import ApiError
from tests.ga4.ingest_world import event, write

WINDOW = {"column": "event_date", "days_before": 1, "days_after": 0}


@pytest.fixture
def service() -> Iterator[BigQueryService]:
    with BigQueryService() as running:
        running.make_data_set("who-pays", "ga4")
        yield running


def settings_of(service: BigQueryService, folder: Path) -> ExportSettings:
    return ExportSettings(
        source=service.source(), warehouse="bigquery", data_dir=folder, start_date=date(2026, 1, 1), timezone="UTC"
    )


def copy_table(
    connection: duckdb.DuckDBPyConnection,
    data_set: DataSet,
    model: str,
    folder: Path,
    day: date | None = None,
    **options: bool,
) -> int:
    """As a run of that day does."""
    replaces = rewritten_rows(WINDOW, (day, day)) if day else ""
    fetched, rows = fetch_table(data_set, model, folder, replaces, **options)
    put_table(connection, fetched)
    assert not fetched.file.exists()
    return rows


def test_a_copy_replaces_the_days_of_the_run_and_no_others(service: BigQueryService, tmp_path: Path) -> None:
    data_set, table = target_of(settings_of(service, tmp_path)), ("who-pays", "ga4", "visits")
    days = "select date '2026-01-01' + n::int as event_date, n, timestamptz '2026-01-01 12:00+00' as seen, [n] as list"
    service.write(table, f"({days} from range(5) as numbers(n))")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'America/New_York'")
        assert copy_table(connection, data_set, "visits", tmp_path) == 5
        kinds = dict(connection.execute("select column_name, column_type from (describe ga4.visits)").fetchall())
        assert kinds == {"event_date": "DATE", "n": "BIGINT", "seen": "TIMESTAMP", "list": "BIGINT[]"}
        assert connection.execute("select any_value(seen)::varchar from ga4.visits").fetchone() == (
            "2026-01-01 12:00:00",
        )
        # all rows change, and the third day is empty now; the window of its run has two days
        service.write(table, f"({days.replace(' n,', ' n + 100 as n,')} from range(5) as numbers(n) where n <> 2)")
        assert copy_table(connection, data_set, "visits", tmp_path, date(2026, 1, 3)) == 1
        rows = connection.execute("select n from ga4.visits order by event_date").fetchall()
        assert rows == [(0,), (101,), (3,), (4,)]
        assert copy_table(connection, data_set, "visits", tmp_path) == 4


def test_results_of_days_are_merged_and_others_replaced(service: BigQueryService, tmp_path: Path) -> None:
    data_set = target_of(settings_of(service, tmp_path))

    def there(table: str, columns: str) -> list[tuple[object, ...]]:
        return service.connection.execute(f'select {columns} from "who-pays".ga4.{table} order by all').fetchall()

    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("""
            insert into beha2vec.user_embeddings (event_date, user_key, behavior, sequence_hash)
            select date '2026-01-01' + n::int, 'u' || n, [0.5, n], 18446744073709551615 from range(3) as numbers(n);
            insert into beha2vec.highlights (rank, headline) values (1, 'first'), (2, 'second')""")
        written = write_results(connection, data_set, tmp_path / "user_sequences")
        assert written["user_embeddings"] == 3 and written["highlights"] == 2
        assert there("user_embeddings", "user_key, behavior, sequence_hash")[2] == (
            "u2",
            [0.5, 2.0],
            "18446744073709551615",
        )
        connection.execute("update beha2vec.user_embeddings set user_key = user_key || 'new' where user_key = 'u2'")
        connection.execute("delete from beha2vec.user_embeddings where event_date = date '2026-01-02'")
        connection.execute("delete from beha2vec.highlights where rank = 2")
        for rows in (1, 0):  # again, nothing changes
            written = write_results(connection, data_set, tmp_path / "user_sequences")
            assert written["user_embeddings"] == rows
            assert there("user_embeddings", "user_key") == [("u0",), ("u2new",)]
            assert there("highlights", "headline") == [("first",)]
        # a table that was dropped there is written whole
        service.drop("user_embeddings", "who-pays", "ga4")
        assert write_results(connection, data_set, tmp_path / "user_sequences")["user_embeddings"] == 2
        assert there("user_embeddings", "user_key") == [("u0",), ("u2new",)]
    assert not [name for name in service._tables("who-pays", "ga4") if name.endswith("__loaded")]
    assert all(job["labels"] == {"application": "beha2vec"} for job in service.jobs)
    queries = [job["query"] for job in service.jobs if "query" in job]
    assert queries and all(query["maximumBytesBilled"] == str(2**40) for query in queries)


def test_a_data_folder_has_one_warehouse(service: BigQueryService, tmp_path: Path) -> None:
    there = settings_of(service, tmp_path)
    here = Settings(data_dir=tmp_path)
    require_one_warehouse(there)
    require_one_warehouse(here)
    file = partition_file(there.storage.raw_path, "1", date(2026, 1, 1))
    file.parent.mkdir(parents=True)
    file.touch()
    with pytest.raises(SettingsError, match=r"has raw events of .*duckdb\. Use a new BEHA2VEC_DATA_DIR"):
        require_one_warehouse(there)
    Forgotten(tmp_path).add(["1.1"], date(2026, 1, 1))
    with pytest.raises(SettingsError, match=r"whom BigQuery still has\. Delete them there first, and use a new BEHA2V"):
        require_one_warehouse(there)
    assert check_data_folder(there).status == "fail" and check_data_folder(here).status == "ok"
    mark_folder(there.storage)
    with pytest.raises(SettingsError, match="set BEHA2VEC_WAREHOUSE back to bigquery"):
        require_one_warehouse(here)


def test_days_whose_tables_are_gone_are_refused(service: BigQueryService, tmp_path: Path) -> None:
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    service.load([write(tmp_path / "events_20260102.ndjson", [event(day=second)])])
    report = IngestReport(days=table_reports(find_export(service.source(), "p").files, [first, second], 10**6))
    with duckdb.connect() as connection:
        create_tables(connection)
        assert service.jobs[-1]["query"]["maximumBytesBilled"] == "1000000"
        require_tables(connection, report)  # it never was there
        connection.execute(
            "insert into raw.ga4_ingest_log by name select 'ingested' as status, ? as event_date", [first]
        )
        with pytest.raises(IngestError, match="no table any more of 1 day from 2026-01-01 to 2026-01-01"):
            require_tables(connection, report)


def test_tables_of_users_are_named_for_dbt(service: BigQueryService, tmp_path: Path) -> None:
    service.load([write(tmp_path / "events_20260101.ndjson", [event()])])
    settings = settings_of(service, tmp_path)
    assert user_tables(settings) == []
    service.load([write(tmp_path / "pseudonymous_users_20260101.ndjson", [{"pseudo_user_id": "1.1"}])])
    assert user_tables(settings) == ["pseudonymous_users_*"]


def test_a_quota_names_the_remedy(service: BigQueryService, tmp_path: Path) -> None:
    def refuse(path: str) -> None:
        raise ApiError(403, "quotaExceeded")

    service.refuse = refuse
    with duckdb.connect() as connection, pytest.raises(FileNotFoundError, match="a quota of BigQuery is used up"):
        create_tables(connection)
        write_results(connection, target_of(settings_of(service, tmp_path)), tmp_path)


def test_the_warehouse_needs_the_export_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"WAREHOUSE": "bigquery", "SOURCE": "export", "START_DATE": "2026-01-01"}.items():
        monkeypatch.setenv(f"BEHA2VEC_{name}", value)
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "UTC")
    with pytest.raises(
        SettingsError, match="BEHA2VEC_WAREHOUSE=bigquery needs the export in BigQuery: set BEHA2VEC_SO"
    ):
        ExportSettings.load()


def test_a_copy_that_breaks_names_the_remedy_and_leaves_the_table(service: BigQueryService, tmp_path: Path) -> None:
    data_set = target_of(settings_of(service, tmp_path))
    service.write(("who-pays", "ga4", "visits"), "(select n from range(5000) as numbers(n))")
    with duckdb.connect() as connection:
        assert copy_table(connection, data_set, "visits", tmp_path) == 5_000
        service.breaks["visits"] = grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(SourceNotReachedError, match=r"this account may not read who-pays\.ga4"):
            copy_table(connection, data_set, "visits", tmp_path)
        assert connection.execute("select count(*) from ga4.visits").fetchone() == (5_000,)


def test_a_view_is_copied_as_a_table(service: BigQueryService, tmp_path: Path) -> None:
    data_set = target_of(settings_of(service, tmp_path))
    service.write(("who-pays", "ga4", "visits"), "(select n from range(2500) as numbers(n))")
    service.connection.execute('create view "who-pays".ga4.long_visits as from "who-pays".ga4.visits where n >= 10')
    with duckdb.connect() as connection:
        connection.execute("create schema ga4; create view ga4.long_visits as select 1 as n")
        for _ in range(2):
            assert copy_table(connection, data_set, "long_visits", tmp_path, is_view=True) == 2_490
        assert connection.execute("select min(n), count(*) from ga4.long_visits").fetchone() == (10, 2_490)
