"""Bring a warehouse to this release's schema, and to the newest storage format that this DuckDB writes.

What only adds needs none of this: `create_tables` does it on each connection. A change that renames, removes or
converts is a `Step` here. The file is copied to one beside it, checked, changed there, and put in its place by one
rename: a kill at any moment leaves the old file whole.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb
from packaging.version import Version

from beha2vec_core.store import limits
from beha2vec_core.store.catalog import current_database
from beha2vec_core.store.compact import CompactError, remove, require_room, rows_by_table, storage, take_place
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import create_tables, record_version, refuse_newer, schema_version
from beha2vec_core.store.warehouse import Warehouse, transaction


class MigrationError(RuntimeError):
    """The warehouse was left as it is; the message names the remedy."""


@dataclass(frozen=True)
class Step:
    """A change of the schema that is more than an addition: the version it leads to, in words, and its SQL."""

    version: int
    change: str
    statements: tuple[str, ...]


# In order and without gaps; the last leads to SCHEMA_VERSION. One that was released is never changed.
STEPS: tuple[Step, ...] = (
    Step(
        2,
        "the next run makes the facts of clusters again, and builds the dbt models from all history",
        (
            "drop table if exists beha2vec.cluster_profiles",
            "create schema if not exists cache",
            "create table cache.pending_full_refresh (asset varchar primary key, reason varchar)",
            """insert into cache.pending_full_refresh
            select 'dbt_incremental_models', 'the warehouse was migrated to schema 2' from duckdb_tables()
            where database_name = current_database() and schema_name = 'ga4' and table_name = 'stg_ga4__events'""",
        ),
    ),
)


class Plan(NamedTuple):
    """What a warehouse has, and what it lacks."""

    schema: int | None  # None: none of our tables is there yet
    storage: str
    newest_storage: str
    steps: tuple[Step, ...]

    @property
    def pending(self) -> list[str]:
        """What a migration would do, in words."""
        todo = [f"schema {step.version}: {step.change}" for step in self.steps]
        if _version(self.storage) < _version(self.newest_storage):
            todo.append(f"storage {self.storage} to {self.newest_storage}: the whole file is rewritten")
        return todo


class Migrated(NamedTuple):
    """What was done: the plan, rows by table, and where the old file is kept."""

    plan: Plan
    rows: dict[str, int]
    backup: Path | None


def make_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """Say what a warehouse lacks; changes nothing.

    Raises:
        WarehouseVersionError: a newer release wrote the file.
    """
    found = schema_version(connection)
    refuse_newer(found)
    steps = tuple(step for step in STEPS if found is not None and step.version > found)
    return Plan(found, storage(connection, current_database(connection)), _newest_storage(), steps)


def migrate(warehouse: Warehouse, backup: bool = True) -> Migrated:
    """Do all that is pending, or nothing.

    Args:
        warehouse: its lock is held until the new file is in its place.
        backup: keep the old file beside it, as ``warehouse.duckdb.bak-<schema>-<storage>``.

    Raises:
        WarehouseVersionError: a newer release wrote the file.
        WarehouseBusyError: another process holds it.
        MigrationError: no room for the copy, the backup's name is taken, or the copy is not like the original.
    """
    path = warehouse.path
    copy = path.with_name(f".{path.name}.migration")
    with warehouse.exclusive("migrate"):
        try:
            with warehouse.open() as connection:
                plan = make_plan(connection)
                if not plan.pending:
                    create_tables(connection)  # records the version where no release has yet
                    return Migrated(plan, {}, None)
                version = f"{plan.schema or 0}-{plan.storage.rstrip('+')}"
                kept = path.with_name(f"{path.name}.bak-{version}") if backup else None
                _check_room(path, kept)
                remove(copy)  # of a killed migration
                connection.execute("checkpoint")  # the backup has to be whole without its log
                contents = _contents(connection)
                _copy(connection, copy)
            rows = _change(copy, plan, contents)
            _put_in_place(copy, path, kept)
        except duckdb.Error as error:
            raise MigrationError(
                f"{path.name} could not be copied: {error}. Nothing was changed; fix that and try again"
            ) from error
        finally:
            remove(copy)
    return Migrated(plan, rows, kept)


def _copy(connection: duckdb.DuckDBPyConnection, copy: Path) -> None:
    # a copy that was not finished is thrown away, so it needs no log
    connection.execute(f"attach {quote(copy)} as migration (storage_version 'latest', recovery_mode no_wal_writes)")
    try:
        connection.execute(f"copy from database {identifier(current_database(connection))} to migration")
    finally:
        connection.execute("detach migration")


def _change(copy: Path, plan: Plan, contents: dict[str, int]) -> dict[str, int]:
    """Compare the copy with the original, then make the steps in it; the rows of each table at the end."""
    with limits.connect(copy) as connection:
        copied = _contents(connection)
        if copied != contents:
            differing = sorted(key for key, _ in copied.items() ^ contents.items())
            raise MigrationError(
                f"the copy differs from the warehouse in {', '.join(differing)}. Nothing was changed; report this"
            )
        try:
            with transaction(connection):
                if plan.schema:
                    record_version(connection, plan.schema, "before versions were recorded")
                for step in plan.steps:
                    for statement in step.statements:
                        connection.execute(statement)
                    record_version(connection, step.version, step.change)
        except duckdb.Error as error:
            raise MigrationError(f"the step to schema {step.version} fails: {error}. Nothing was changed") from error
        create_tables(connection)
        connection.execute("checkpoint")
        return {name: rows for name, rows in _contents(connection).items() if rows >= 0}


def _contents(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of each table; -1 for what has none: a view, a macro."""
    others = connection.execute(
        """select schema_name, view_name from duckdb_views()
        where not internal and database_name = current_database()
        union select schema_name, function_name from duckdb_functions()
        where not internal and database_name = current_database()"""
    ).fetchall()
    return rows_by_table(connection, current_database(connection)) | {f"{schema}.{name}": -1 for schema, name in others}


def _check_room(path: Path, kept: Path | None) -> None:
    try:
        require_room(path)
    except CompactError as error:
        raise MigrationError(str(error)) from None
    if kept and kept.exists():
        raise MigrationError(
            f"{kept.name} already exists, from an earlier migration. Move it away, or give --no-backup"
        )


def _put_in_place(copy: Path, path: Path, kept: Path | None) -> None:
    """The old file stays under a second name, by a copy where the file system has no links."""
    if kept:
        try:
            os.link(path, kept)
        except FileExistsError:
            raise
        except OSError:
            unfinished = kept.with_name(f".{kept.name}")
            shutil.copy2(path, unfinished)
            unfinished.replace(kept)
    take_place(copy, path)


def _newest_storage() -> str:
    with tempfile.TemporaryDirectory() as folder, limits.connect() as connection:
        connection.execute(f"attach {quote(Path(folder) / 'newest')} as newest (storage_version 'latest')")
        return storage(connection, "newest")


def _version(storage: str) -> Version:
    return Version(storage.rstrip("+"))
