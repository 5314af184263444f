"""People are forgotten where BigQuery is the warehouse, on the local stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import dagster as dg
import duckdb
import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

from beha2vec_core.bigquery.models import mark_folder, require_nobody_back, require_one_warehouse
from beha2vec_core.privacy.forgetting.forget import forget, locate, on_the_list
from beha2vec_core.privacy.forgetting.retention import apply_retention
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.tables import create_tables
from beha2vec_dagster.defs.serving.assets import build_assets
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.bigquery.service import BigQueryService
from tests.ga4.ingest_world import event, write

ANN, BEN = "1111111111.1700000001", "2222222222.1700000002"
MAIL = "Ann@Example.com"
STORED = sha256(MAIL.lower().encode()).hexdigest()  # as dbt_ga4 stores it in BigQuery
DAY = date(2024, 3, 1)
TABLES = {
    "base_ga4__events": f"""
        select * from (values
            (date '2024-03-01', '{ANN}', '{STORED}', 'https://shop.example.com/', [{{'text': ''}}]),
            (date '2024-03-01', '{BEN}', null, 'https://shop.example.com/?c={ANN}', [{{'text': ''}}]),
            (date '2024-03-01', '{BEN}', null, 'https://shop.example.com/', [{{'text': 'of {ANN}'}}]),
            (date '2024-03-01', '{BEN}', null, null, null)
        ) as t(event_date, user_pseudo_id, user_id, page_location, items)""",
    "user_sequences": f"""
        select * from (values ('ann-key', ['/']), ('ben-key', ['/a', '/?c={ANN}', '/b'])) as t(user_key, pages)""",
    "ga4_pages": f"select * from (values ('/'), ('/?c={ANN}')) as t(page_key)",
    "fct_ga4__purchases": "select 'k' as user_key, 'a text' as coupon limit 0",
    "ga4_days": "select 3 as events, 0.5 as share",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[BigQueryService]:
    with BigQueryService() as running:
        rows = [event(user_pseudo_id=ANN), event(user_pseudo_id="3.3", user_id=MAIL), event(user_pseudo_id=BEN)]
        running.load([write(tmp_path / "events_20240301.ndjson", rows)])
        running.load([write(tmp_path / "pseudonymous_users_20240301.ndjson", [{"pseudo_user_id": ANN}])])
        for name, rows_of in TABLES.items():
            running.write(("who-pays", "ga4", name), f"({rows_of})")
        running.connection.execute('create view "who-pays".ga4.a_view as from "who-pays".ga4.ga4_pages')
        yield running


@pytest.fixture
def settings(service: BigQueryService, tmp_path: Path) -> ExportSettings:
    """With the copy that a run has made of what links people's ids."""
    made = ExportSettings(
        source=service.source(), warehouse="bigquery", data_dir=tmp_path / "data", start_date=DAY, timezone="UTC"
    )
    mark_folder(made.storage)
    with duckdb.connect(str(made.storage.warehouse_path)) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        rows = f"('{ANN}', '{STORED}', 'ann-key'), ('{BEN}', null, 'ben-key')"
        connection.execute(
            f"create table ga4.int_ga4__identity_map as from (values {rows}) t(user_pseudo_id, user_id, user_key)"
        )
    return made


def there(service: BigQueryService, table: str) -> list[tuple[object, ...]]:
    return service.connection.execute(f'from "who-pays".ga4.{table} order by all').fetchall()


def test_nobody_is_removed_while_the_export_has_them(service: BigQueryService, settings: ExportSettings) -> None:
    before = {table: there(service, table) for table in TABLES}
    with pytest.raises(PrivacyError, match=r"Delete them in GA4 .* run these statements in BigQuery") as refused:
        forget(settings, [MAIL])
    assert {table: there(service, table) for table in TABLES} == before
    assert not (settings.storage.data_dir / "forgotten.csv").exists()
    statements = str(refused.value).splitlines()[1:]
    assert [one.partition("--")[2] for one in statements] == [" 2 rows", " 1 rows"]
    for statement in statements:
        service.run({"query": {"query": statement}})
    export = '"my-project".analytics_123456789.events_20240301'
    assert service.connection.execute(f"select user_pseudo_id from {export}").fetchall() == [(BEN,)]
    assert not forget(settings, [MAIL]).left


@pytest.fixture
def forgettable(service: BigQueryService, settings: ExportSettings) -> ExportSettings:
    """Whom the export does not have any more."""
    for name in ("events_20240301", "pseudonymous_users_20240301"):
        service.connection.execute(f'truncate "my-project".analytics_123456789.{name}')
    return settings


def test_people_leave_each_table(service: BigQueryService, forgettable: ExportSettings) -> None:
    found = {(one.table, one.column): one.rows for one in locate(forgettable, [ANN])[1] if str(one.file) == "BigQuery"}
    assert found == {
        ("base_ga4__events", "user_pseudo_id"): 1,
        ("base_ga4__events", "user_id"): 1,
        ("base_ga4__events", "page_location"): 1,
        ("base_ga4__events", "items"): 1,
        ("user_sequences", "user_key"): 1,
        ("user_sequences", "pages"): 1,
        ("ga4_pages", "page_key"): 1,
    }
    certificate = forget(forgettable, [MAIL])
    assert not certificate.left and not certificate.not_found
    removed = {one["place"]: (one["rows"], one["texts"]) for one in certificate.removed}
    assert removed["BigQuery base_ga4__events"] == (2, 1)  # a value that is nested goes with its row
    assert removed["BigQuery user_sequences"] == (1, 1) and removed["BigQuery ga4_pages"] == (1, 0)
    assert there(service, "base_ga4__events") == [
        (DAY, BEN, None, "https://shop.example.com/?c=[removed]", [{"text": ""}]),
        (DAY, BEN, None, None, None),
    ]
    assert there(service, "user_sequences") == [("ben-key", ["/a", "/?c=[removed]", "/b"])]
    assert there(service, "ga4_pages") == [("/",)] and len(there(service, "ga4_days")) == 1
    texts = [job["query"]["query"] for job in service.jobs if "query" in job]
    assert texts and not [text for text in texts if ANN in text or "ann" in text.lower()], "ids are parameters"
    assert [one for one in locate(forgettable, [ANN])[1] if str(one.file) == "BigQuery"] == []


def test_old_days_are_removed_there_too(service: BigQueryService, settings: ExportSettings) -> None:
    days = "select date '2024-01-01' + (n * 100)::int as {day}, 'k' as {key} from range(3) as numbers(n)"
    for table, day, key in (
        ("fct_ga4__sessions", "session_date", "user_key"),
        ("ga4_quality__daily", "event_date", "property_id"),
        ("user_embeddings", "event_date", "user_key"),
        ("user_sequences", "event_date", "user_key"),
    ):
        service.write(("who-pays", "ga4", table), f"({days.format(day=day, key=key)})")
    limits = {"events": 200, "sequences": 100, "embeddings": 100}
    kept = settings.model_copy(
        update={
            "privacy": settings.privacy.model_copy(
                update={f"retention_days_{layer}": number for layer, number in limits.items()}
            )
        }
    )
    removed = {one.layer: one.rows for one in apply_retention(kept, datetime(2024, 7, 20, tzinfo=UTC))}
    assert removed == {"events": 1, "sequences": 2, "embeddings": 2}
    rows = {name: len(there(service, name)) for name in ("fct_ga4__sessions", "user_embeddings", "user_sequences")}
    assert rows == {"fct_ga4__sessions": 2, "user_embeddings": 1, "user_sequences": 1}
    assert len(there(service, "ga4_quality__daily")) == 3, "which has no people"
    assert not sum(one.rows for one in apply_retention(kept, datetime(2024, 7, 20, tzinfo=UTC)))


def test_runs_stop_where_the_export_has_them_again(service: BigQueryService, forgettable: ExportSettings) -> None:
    forget(forgettable, [MAIL])
    require_one_warehouse(forgettable)
    with duckdb.connect(str(forgettable.storage.warehouse_path)) as connection:
        require_nobody_back(connection, forgettable.storage.data_dir)
        connection.execute("insert into ga4.int_ga4__identity_map values (?, null, 'ann-key')", [ANN])
        with pytest.raises(PrivacyError, match=r"people again \(1 identifier\)\. Run beha2vec forget --again"):
            require_nobody_back(connection, forgettable.storage.data_dir)
    assert on_the_list(forgettable) >= {ANN}
    # so does a job without dbt
    (serving_database,) = build_assets(forgettable, ())
    warehouse = WarehouseResource(database=str(forgettable.storage.warehouse_path), lock_timeout_seconds=5)
    with pytest.raises(PrivacyError, match="people again"):
        serving_database(dg.build_asset_context(), warehouse)
    assert not forgettable.storage.serving_path.exists()
