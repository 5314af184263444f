"""What earlier releases stored with personal data: found, and cleaned by `beha2vec migrate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.ga4.readers import MAX_QUARANTINED_TEXT
from beha2vec_core.privacy.clean import clean_reason, clean_row
from beha2vec_core.privacy.partitions import clean_partitions, uncleaned_partitions
from beha2vec_core.privacy.rules import rules
from beha2vec_core.store.warehouse import Warehouse, transaction
from beha2vec_core.words import counted

# built from raw partitions; what they hold is rebuilt once those are clean
_DBT_MODELS = "dbt_incremental_models"


class Uncleaned(NamedTuple):
    """Partitions and quarantined rows that the present rules have not cleaned."""

    partitions: list[Path]
    quarantined: int

    @property
    def pending(self) -> list[str]:
        """What is to be done, in words."""
        todo = []
        if self.partitions:
            todo.append(f"personal data: {counted(len(self.partitions), 'raw partition')} to clean")
        if self.quarantined:
            todo.append(f"personal data: {counted(self.quarantined, 'quarantined row')} to clean")
        return todo


def find_uncleaned(connection: duckdb.DuckDBPyConnection, raw_path: Path) -> Uncleaned:
    """What `clean_stored` would clean; changes nothing."""
    columns = connection.execute(
        """select column_name from duckdb_columns() where database_name = current_database()
        and schema_name = 'raw' and table_name = 'ga4_quarantine'"""
    ).fetchall()
    older = f"where privacy_rules is distinct from {rules().version}" if ("privacy_rules",) in columns else ""
    found = connection.execute(f"select count(*) from raw.ga4_quarantine {older}").fetchone() if columns else None
    return Uncleaned(uncleaned_partitions(raw_path), int(found[0]) if found else 0)


def clean_stored(warehouse: Warehouse, raw_path: Path, progress: Callable[[str], None]) -> int:
    """Clean quarantine and partitions, each in one step: a killed call is done again. The number of values changed.

    Where a partition changed, the next run builds the dbt models from all history.
    """
    with warehouse.connect("migrate") as connection:
        _clean_quarantine(connection)
    changed = 0

    def say(file: Path, values: int) -> None:
        nonlocal changed
        changed += values
        progress(f"{file.parent.name}: personal data removed from {counted(values, 'value')}")

    pending = uncleaned_partitions(raw_path)
    if pending:
        # before the first: a killed call may have changed some
        with warehouse.connect("migrate") as connection:
            _ask_for_refresh(connection)
        clean_partitions(pending, raw_path, say)
    return changed


def _ask_for_refresh(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """insert or ignore into cache.pending_full_refresh
        select ?, 'personal data was removed from the raw partitions' from duckdb_tables()
        where database_name = current_database() and schema_name = 'ga4' and table_name = 'stg_ga4__events'""",
        [_DBT_MODELS],
    )


def _clean_quarantine(connection: duckdb.DuckDBPyConnection) -> None:
    version = rules().version
    rows = connection.execute(
        "select rowid, reason, content from raw.ga4_quarantine where privacy_rules is distinct from ?", [version]
    ).fetchall()
    with transaction(connection):
        for row, reason, content in rows:
            cleaned = reason and clean_reason(reason), content and clean_row(content, MAX_QUARANTINED_TEXT)
            if cleaned != (reason, content):
                connection.execute(
                    "update raw.ga4_quarantine set reason = ?, content = ? where rowid = ?", [*cleaned, row]
                )
        connection.execute("update raw.ga4_quarantine set privacy_rules = ?", [version])
