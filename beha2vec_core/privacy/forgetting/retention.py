"""How long each layer is kept: days beyond the settings BEHA2VEC_RETENTION_DAYS_* are removed, nothing else is."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, get_args

import duckdb
import pyarrow.parquet as pq

from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.files import remove_stale_scratch, replacing
from beha2vec_core.privacy.forgetting.find import columns_of, tables_of
from beha2vec_core.privacy.forgetting.in_bigquery import remove_days_in_bigquery
from beha2vec_core.privacy.partitions import forget_originals
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits
from beha2vec_core.store.compact import changed_copy, compact
from beha2vec_core.store.sample import discard_numbers
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import DAY_COLUMNS, IDENTIFIERS, PEOPLE, Layer, create_tables
from beha2vec_core.store.warehouse import Warehouse, transaction

LAYERS: tuple[Layer, ...] = get_args(Layer)
# a file with more than this share of free blocks is rewritten
_FREE_SHARE = 0.25
# of tables that are not registered
_LAYER_OF_SCHEMA: dict[str, Layer] = {"ga4": "events", "beha2vec": "embeddings"}


class LayerRemoved(NamedTuple):
    """What was removed of a layer: all of it before a day, as days and as rows (of files: the rows in them)."""

    layer: Layer
    keep_days: int
    before: date
    days: int
    rows: int


def apply_retention(settings: Settings, now: datetime | None = None) -> list[LayerRemoved]:
    """Remove what is older than the settings allow, in each layer that has a limit. Doing it again changes nothing.

    Args:
        settings: the limits, and where the data are.
        now: the moment that days count back from; default: now.

    Raises:
        WarehouseBusyError: another process holds the warehouse.
        ActivationError: another process sends.
        SourceNotReachedError: BigQuery is the warehouse, and does not answer.
    """
    cuts = {layer: cut for layer in LAYERS if (cut := settings.first_kept_day(layer, now or datetime.now(UTC)))}
    storage = settings.storage
    forget_originals(storage.raw_path, settings.privacy.keep_originals_days)
    if not cuts:
        return []
    days: dict[Layer, set[date]] = {layer: set() for layer in cuts}
    rows: dict[Layer, int] = dict.fromkeys(cuts, 0)
    with Warehouse.of(storage).exclusive("retention"):
        remove_stale_scratch(storage.data_dir, limits.SPILL)
        remove_stale_scratch(storage.raw_path, "ingest")
        # the log first: a day whose partition is half gone would not add up
        if "raw" in cuts and storage.warehouse_path.exists():
            _mark_removed(settings, cuts["raw"])
        folders: tuple[tuple[Layer, Path], ...] = (("raw", storage.raw_path), ("sequences", storage.sequences_path))
        for layer, folder in folders:
            for day, partition in _partitions_before(cuts.get(layer), folder):
                rows[layer] += sum(pq.read_metadata(file).num_rows for file in partition.glob("*.parquet"))
                days[layer].add(day)
                shutil.rmtree(partition)
        if storage.warehouse_path.exists():
            _remove_from_tables(storage.warehouse_path, cuts, days, rows)
            for day, partition in _partitions_before(cuts.get("events"), storage.users_path):
                if removed := _remove_users(partition, storage.warehouse_path):
                    rows["events"] += removed
                    days["events"].add(day)
        if storage.serving_path.exists():
            _remove_from_published(storage.serving_path, cuts)
        if "embeddings" in cuts and storage.ledger_path.exists():
            with open_ledger(storage.ledger_path, storage.lock_timeout_seconds) as ledger:
                rows["embeddings"] += ledger.remove_before(cuts["embeddings"])
    for layer, removed in remove_days_in_bigquery(settings, cuts).items():
        rows[layer] += removed
    return [
        LayerRemoved(layer, settings.privacy.retention_days(layer) or 0, cut, len(days[layer]), rows[layer])
        for layer, cut in cuts.items()
    ]


def _partitions_before(cut: date | None, folder: Path) -> list[tuple[date, Path]]:
    days = ((date.fromisoformat(path.name.removeprefix("event_date=")), path) for path in folder.rglob("event_date=*"))
    return sorted((day, path) for day, path in days if cut and day < cut)


def _remove_users(partition: Path, warehouse: Path) -> int:
    """Remove a day of GA4's tables of users, and return how many rows.

    People who did not allow personal ads stay while a session of theirs is kept: GA4 may never say it again, and
    without it they could be contacted. Before dbt has made sessions, all of them stay.
    """
    seen = "select {id} from warehouse.ga4.int_ga4__sessions where property_id = $1 and {id} is not null"
    target = partition / "users.parquet"
    with limits.connect() as connection:
        connection.execute(f"attach {quote(warehouse)} as warehouse (read_only)")
        connection.execute(f"create table users as from read_parquet({quote(target)}, hive_partitioning = false)")
        property_id = partition.parent.name.removeprefix("property_id=")
        ((removed,),) = connection.execute("delete from users where is_allowed").fetchall()
        if ("ga4", "int_ga4__sessions") in tables_of(connection, "warehouse"):
            ((unseen,),) = connection.execute(
                f"""delete from users where coalesce(user_pseudo_id not in ({seen.format(id="user_pseudo_id")}), true)
                and coalesce(user_id not in ({seen.format(id="user_id")}), true)""",
                [property_id],
            ).fetchall()
            removed += unseen
        ((left,),) = connection.execute("select count(*) from users").fetchall()
        if removed and left:
            with replacing(target) as temporary:
                connection.execute(f"copy users to {quote(temporary)} (format parquet)")
    if not left:
        shutil.rmtree(partition)
    return int(removed)


def _mark_removed(settings: Settings, cut: date) -> None:
    with limits.connect(settings.storage.warehouse_path) as connection:
        create_tables(connection)
        connection.execute(
            """update raw.ga4_ingest_log set status = 'removed', problem = 'older than BEHA2VEC_RETENTION_DAYS_RAW'
            where event_date < ? and status in ('ingested', 'kept')""",
            [cut],
        )


def _rules(
    connection: duckdb.DuckDBPyConnection, database: str, cuts: dict[Layer, date]
) -> dict[str, tuple[Layer, str]]:
    """Tables that one of the cuts is for, with layer and the column of their day: as registered, or by their columns.

    Those of dbt are not registered, nor are our views, which are tables in the published copy.
    """
    rules: dict[str, tuple[Layer, str]] = {}
    for schema, table in tables_of(connection, database):
        registered = PEOPLE.get(f"{schema}.{table}".removesuffix("_current"))
        relation = f"{database}.{identifier(schema)}.{identifier(table)}"
        layer, day = _LAYER_OF_SCHEMA.get(schema), None
        if registered:
            layer, day = registered.layer, registered.day
        elif layer and (columns := columns_of(connection, relation)).keys() & IDENTIFIERS.keys():
            day = next((one for one in DAY_COLUMNS if one in columns), None)
        if layer in cuts and day:
            rules[relation] = layer, day
    return rules


def _remove_from_tables(
    path: Path, cuts: dict[Layer, date], days: dict[Layer, set[date]], rows: dict[Layer, int]
) -> None:
    with limits.connect() as connection:
        connection.execute(f"attach {quote(path)} as warehouse")
        with transaction(connection):
            for relation, (layer, day) in _rules(connection, "warehouse", cuts).items():
                # a quarantined row of no day has no age, so it goes
                old = f"coalesce({day}::date < date '{cuts[layer]}', true)"
                found = connection.execute(f"select distinct {day}::date from {relation} where {old}").fetchall()
                days[layer] |= {one for (one,) in found if one is not None}
                ((removed,),) = connection.execute(f"delete from {relation} where {old}").fetchall()
                rows[layer] += int(removed)
        connection.execute("checkpoint warehouse")
        sizes = connection.execute("call pragma_database_size()").fetchall()
        total, free = next((row[3], row[5]) for row in sizes if row[0] == "warehouse")
    if total and free / total > _FREE_SHARE:
        compact(path)


def _remove_from_published(path: Path, cuts: dict[Layer, date]) -> None:
    """Readers may have the file open, so a copy is changed and renamed over it."""
    with limits.connect() as connection:
        connection.execute(f"attach {quote(path)} as published (read_only)")
        rules = _rules(connection, "published", cuts)
        old = {relation: f"{day}::date < date '{cuts[layer]}'" for relation, (layer, day) in rules.items()}
        if not any(
            connection.execute(f"select 1 from {relation} where {test} limit 1").fetchall()
            for relation, test in old.items()
        ):
            return
    with changed_copy(path) as connection:
        for relation, test in old.items():
            connection.execute(f"delete from {relation.replace('published.', 'copy.', 1)} where {test}")
        discard_numbers(connection, "copy")
