"""A small world with people in every kind of place: partitions, databases, exports, caches, Dagster's records."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.report import IngestReport
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.ga4.user_tables import ingest_user_tables
from beha2vec_core.pages.fetching.cache import DiskCache
from beha2vec_core.privacy.forgetting.find import Found
from beha2vec_core.privacy.forgetting.forget import Certificate, forget, locate
from beha2vec_core.privacy.key import key
from beha2vec_core.settings import Settings
from beha2vec_core.store.export import Format, What, export
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.written import note_written
from tests.ga4.ingest_world import event, write

DAYS = [date(2024, 3, 1) + timedelta(days=n) for n in range(3)]
# Ann has a phone and a laptop; Ben and Cora share a tablet; Dan never logs in.
PHONE, LAPTOP, TABLET, DAN = "1111111111.1700000001", "2222222222.1700000002", "3333333333.1700000003", "44.1700000004"
ANN, BEN, CORA = "ann-4711", "ben-4712", "cora-4713"
VISITS = [(PHONE, ANN), (PHONE, None), (LAPTOP, ANN), (TABLET, BEN), (TABLET, CORA), (TABLET, None), (DAN, None)]


def client_key(device: str) -> str:
    """A stand-in for dbt's key."""
    return hashlib.md5(f"p1|{device}".encode()).hexdigest()


@dataclass
class PrivacyWorld:
    """The world's settings, Dagster's home, and a folder elsewhere that results were exported to."""

    settings: Settings
    home: Path
    exported: Path

    def find(self, *who: str) -> list[Found]:
        return locate(self.settings, who, self.home)[1]

    def forget(self, *who: str, **options: Any) -> Certificate:
        return forget(self.settings, who, self.home, **options)

    def ingest(self) -> IngestReport:
        found = find_export(str(self.settings.export.source), "p1")
        ingest_user_tables(found.user_tables, DAYS, self.settings.storage.users_path)
        return ingest_days(found.files, DAYS, self.settings.storage.raw_path)

    def raw_rows(self, where: str = "true") -> list[tuple[object, ...]]:
        """Rows of the raw partitions without where they were read."""
        return duckdb.execute(
            f"""select * exclude (_source_file, _source_line)
            from read_parquet('{self.settings.storage.raw_path}/*/*/*.parquet') where {where} order by all"""
        ).fetchall()

    def tables(self, database: Path, but: str) -> dict[str, list[tuple[object, ...]]]:
        """Each table's rows, of tables with one of the columns those that a condition takes."""
        found = {}
        with duckdb.connect(str(database), read_only=True) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                columns = {row[0] for row in connection.execute(f"describe {schema}.{table}").fetchall()}
                keys = [f"{one} is distinct from {{}}" for one in ("user_key", "client_key") if one in columns]
                where = " and ".join(keys).replace("{}", f"'{but}'") or "true"
                found[f"{schema}.{table}"] = connection.execute(
                    f"from {schema}.{table} where {where} order by all"
                ).fetchall()
        return found


def copy_world(built: Path, folder: Path) -> PrivacyWorld:
    """A world like one that `make_world` built, to be changed."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    world = world_in(folder)
    (world.settings.storage.data_dir / "written_elsewhere.txt").unlink()
    note_written(world.settings, world.exported)
    return world


def world_in(folder: Path) -> PrivacyWorld:
    """The world of a folder."""
    settings = Settings(source=str(folder / "export"), data_dir=folder / "data", property_id="p1")
    return PrivacyWorld(settings, folder / "dagster_home", folder / "elsewhere")


def make_world(folder: Path) -> PrivacyWorld:
    """Write the export, ingest it, and put people wherever the product does."""
    world = world_in(folder)
    settings = world.settings
    for day in DAYS:
        rows: list[dict[str, object] | str] = [
            event(n, day, user_pseudo_id=device, user_id=login) for n, (device, login) in enumerate(VISITS)
        ]
        shared_link = {"key": "page_location", "value": {"string_value": f"https://shop.example.com/?ref={ANN}&x=1"}}
        rows.append(event(8, day, user_pseudo_id=DAN, event_params=[shared_link]))
        rows += [event(100 + n, day, user_pseudo_id=f"{n}.{n}") for n in range(60)]
        rows.append('{"broken": "row", "user_id": "' + ANN + '"}')
        write(world.settings.storage.data_dir.parent / "export" / f"events_{day:%Y%m%d}.json.gz", rows)
    allowed = {"privacy_info": {"is_ads_personalization_allowed": "false"}}
    for name, id_field, ids in (
        ("pseudonymous_users", "pseudo_user_id", (PHONE, LAPTOP, TABLET, DAN)),
        ("users", "user_id", (ANN, BEN)),
    ):
        users = [{id_field: one, **allowed} for one in ids]
        write(folder / "export" / f"{name}_{DAYS[1]:%Y%m%d}.ndjson", users)
    report = world.ingest()
    with duckdb.connect(str(settings.storage.warehouse_path)) as connection:
        _fill(connection, settings, report)
        publish(connection, settings.storage.serving_path, secret=key(settings.storage.data_dir))
    for form in Format:
        dataset = "my-project.data" if form is Format.BIGQUERY else None
        export(
            settings.storage.serving_path, world.exported / form, form, (What.USER_VECTORS, What.USER_CLUSTERS), dataset
        )
    note_written(settings, world.exported)
    shutil.copy(settings.storage.warehouse_path, f"{settings.storage.warehouse_path}.bak-1")
    for address in (f"shop.example.com/account/{ANN}", "shop.example.com/p/1"):
        DiskCache(settings.storage.page_cache_path).write(address, {"title": "Account"})
    (settings.storage.data_dir / "chat_history").write_text(
        f"# 2024\n+what does {client_key(PHONE)} buy\n+how many users\n"
    )
    _records(world.home)
    return world


def _fill(connection: duckdb.DuckDBPyConnection, settings: Settings, report: IngestReport) -> None:
    create_tables(connection)
    connection.execute("create schema ga4")
    raw = f"read_parquet('{settings.storage.raw_path}/*/*/*.parquet')"
    connection.execute(
        f"""create table ga4.base_ga4__events as select md5(event_timestamp::varchar) as event_key, event_date,
            'p1' as property_id, user_pseudo_id, user_id, md5('p1|' || user_pseudo_id) as client_key,
            md5(user_pseudo_id || event_date) as session_key, event_params[1].value.string_value as page_location
        from {raw};
        create table ga4.stg_ga4__event_items as select event_key, 1 as item_index, 'shirt' as item_name, event_date
        from ga4.base_ga4__events;
        create table ga4.int_ga4__sessions as select session_key, any_value(property_id) as property_id,
            any_value(client_key) as client_key, any_value(user_pseudo_id) as user_pseudo_id,
            any_value(user_id) as user_id, min(event_date) as session_date
        from ga4.base_ga4__events group by session_key;
        create table ga4.int_ga4__page_titles as select distinct session_key, 'a title' as page_title
        from ga4.base_ga4__events;
        create table ga4.int_ga4__identity_map as select client_key, any_value(property_id) as property_id,
            any_value(user_pseudo_id) as user_pseudo_id, client_key as user_key,
            case when count(distinct user_id) = 1 then any_value(user_id) end as user_id, true as is_ads_consented
        from ga4.base_ga4__events group by client_key;
        create table ga4.dim_ga4__pages as
        select 'shop.example.com/account/{ANN}' as page_key, 1 as users union all select 'shop.example.com/p/1', 9;
        create view ga4.dim_ga4__users as select user_key, property_id, user_pseudo_id from ga4.int_ga4__identity_map;
        insert into beha2vec.user_embeddings by name select distinct event_date, 'm1' as model_version,
            client_key as user_key, [0.5, 1.5]::float[] as behavior, [1.0]::float[] as identity
        from ga4.base_ga4__events;
        insert into beha2vec.cluster_models by name select 'c1' as cluster_model_version, 'm1' as model_version,
            now()::timestamp as promoted_at;
        insert into beha2vec.user_clusters by name select event_date, 'c1' as cluster_model_version, 'm1' as
            model_version, user_key, 0 as cluster_key from beha2vec.user_embeddings;
        insert into beha2vec.cluster_members by name select 0 as cluster_key, 'typical' as role, 1 as rank,
            '{client_key(PHONE)}' as user_key;
        insert into beha2vec.enriched_pages by name select page_key, 'account' as theme from ga4.dim_ga4__pages;
        insert into beha2vec.cluster_profiles by name select 0 as cluster_key, 'c0.page' as fact_id,
            page_key as feature from ga4.dim_ga4__pages"""
    )
    connection.executemany("insert into raw.ga4_quarantine values (?, ?, ?, ?, ?, ?, null)", report.quarantine)
    connection.executemany(
        """insert into raw.ga4_ingest_log (property_id, event_date, status, rows_in, accepted, quarantined, users,
            forgotten) values (?, ?, ?, ?, ?, ?, ?, 0)""",
        [(d.property_id, d.event_date, d.status, d.rows_in, d.accepted, d.quarantined, d.users) for d in report.days],
    )
    for day in DAYS:
        target = settings.storage.sequences_path / f"event_date={day}" / "sequences.parquet"
        target.parent.mkdir(parents=True)
        connection.execute(
            f"""copy (select client_key as user_key, list(page_location) as page, list(session_key) as session_key
            from ga4.base_ga4__events where event_date = date '{day}' group by all order by all) to '{target}'"""
        )


def _records(home: Path) -> None:
    """As Dagster keeps a preview: Markdown in JSON, in SQLite; and the log of a step."""
    (home / "history").mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    escaped = PHONE.replace(".", "\\.")
    with sqlite3.connect(home / "history" / "index.db") as connection:
        connection.execute("create table event_logs (id integer primary key, event text, body blob)")
        for text in (f"| {escaped} | {client_key(PHONE)} |", "| nobody |"):
            connection.execute("insert into event_logs (event) values (?)", [json.dumps({"md_str": text})])
    connection.close()
    (home / "storage").mkdir()
    with gzip.open(home / "storage" / "step.err.gz", "wt") as log:
        log.write(f"reading {LAPTOP}\nreading others\n")
