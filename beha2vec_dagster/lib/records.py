"""Dagster's records in SQLite, written in batches.

A run of many days has two records for each day of each asset: planned and materialized. Dagster's SQLite storage opens
two databases for each and compiles its statements again, which takes longer than dbt. Dagster hands records over in
batches if ``DAGSTER_EVENT_BATCH_SIZE`` is set, but this storage would split them again.
"""

import os
from collections.abc import Sequence
from functools import partial

from dagster import AssetKey, DagsterEventType, DagsterInstance, EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

_MOST = 1000
_OF_ASSETS = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


def record_in_batches(instance: DagsterInstance) -> None:
    """Let an instance write the records of a run's days in batches, if it keeps them in SQLite files."""
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(_MOST))
        storage.store_event_batch = partial(_store, storage)  # type: ignore[method-assign]


def _store(storage: SqliteEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    """Store the events of a run as the storage's ``store_event`` does, in one transaction of each database."""
    of_assets = [event for event in events if event.dagster_event_type in _OF_ASSETS]
    latest: dict[AssetKey | None, tuple[EventLogEntry, int]] = {}
    if of_assets:
        with storage.run_connection(of_assets[0].run_id) as run:
            for event in of_assets:
                run.execute(storage.prepare_insert_event(event))
        with storage.index_transaction() as index:
            for event in of_assets:
                number = index.execute(storage.prepare_insert_event(event)).inserted_primary_key[0]
                storage._store_asset_event_tags(index, [event], [number])
                latest[event.get_dagster_event().asset_key] = event, number
            for event, number in latest.values():
                storage._store_asset_event(index, event, number)
    for event in events:
        if event.dagster_event_type not in _OF_ASSETS:
            storage.store_event(event)
