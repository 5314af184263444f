"""What earlier releases stored with personal data: found, and cleaned by `beha2vec migrate`."""

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.files import replacing
from beha2vec_core.ga4.readers import MAX_QUARANTINED_TEXT
from beha2vec_core.privacy.clean import clean_address, clean_reason, clean_row, clean_text
from beha2vec_core.privacy.partitions import clean_partitions, cleaned_parquet, is_clean, uncleaned_partitions
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store import limits
from beha2vec_core.store.catalog import columns_of
from beha2vec_core.store.compact import changed_copy
from beha2vec_core.store.sql import quote
from beha2vec_core.store.warehouse import Warehouse, transaction
from beha2vec_core.words import counted

# built from raw partitions; what they hold is rebuilt once those are clean
_DBT_MODELS = "dbt_incremental_models"


class Uncleaned(NamedTuple):
    """Partitions, days of sequences and quarantined rows that the present rules have not cleaned."""

    partitions: list[Path]
    sequences: list[Path]
    quarantined: int

    @property
    def pending(self) -> list[str]:
        """What would be done, in words."""
        found = {
            counted(len(self.partitions), "raw partition"): self.partitions,
            f"{counted(len(self.sequences), 'day')} of user_sequences": self.sequences,
            counted(self.quarantined, "quarantined row"): self.quarantined,
        }
        return [f"personal data: {what} to clean" for what, there in found.items() if there]


def find_uncleaned(connection: duckdb.DuckDBPyConnection | None, storage: Storage) -> Uncleaned:
    """What `clean_stored` would clean; changes nothing. Without a warehouse there may still be partitions."""
    partitions = uncleaned_partitions(storage.raw_path)
    sequences = sorted(storage.sequences_path.glob("*/*.parquet"))
    if not partitions:  # else all, as they are made from uncleaned ones
        sequences = [file for file in sequences if not is_clean(file)]
    return Uncleaned(partitions, sequences, _uncleaned_rows(connection) if connection else 0)


def _uncleaned_rows(connection: duckdb.DuckDBPyConnection) -> int:
    columns = columns_of(connection, "raw.ga4_quarantine")
    if not columns:
        return 0
    older = f"where privacy_rules is distinct from {rules().version}" if "privacy_rules" in columns else ""
    ((found,),) = connection.execute(f"select count(*) from raw.ga4_quarantine {older}").fetchall()
    return int(found)


def clean_stored(warehouse: Warehouse, storage: Storage, progress: Callable[[str], None]) -> int:
    """Clean quarantine, sequences and partitions, each in one step: a killed call is done again.

    Where a partition changed, the next run builds the dbt models from all history. Sequences of older days are not
    built again, so the pages in them are cleaned here. Returns the number of values changed in partitions.

    Raises:
        CompactError: no room on the disk.
    """
    there = warehouse.path.exists()
    if there:
        _clean_quarantine(warehouse)
    changed = 0

    def say(file: Path, values: int) -> None:
        nonlocal changed
        changed += values
        progress(f"{file.parent.name}: personal data removed from {counted(values, 'value')}")

    found = find_uncleaned(None, storage)
    if found.partitions and there:
        # before the first: a killed call may have changed some
        with warehouse.connect("migrate") as connection:
            connection.execute(
                """insert or ignore into cache.pending_full_refresh
                select ?, 'personal data was removed from the raw partitions' from duckdb_tables()
                where database_name = current_database() and schema_name = 'ga4' and table_name = 'stg_ga4__events'""",
                [_DBT_MODELS],
            )
    if found.sequences:
        with warehouse.exclusive("migrate"):
            if files := _clean_sequences(found.sequences):
                progress(f"{storage.sequences_path.name}: personal data removed from pages of {counted(files, 'day')}")
    clean_partitions(found.partitions, storage.raw_path, say)
    return changed


def _clean_sequences(files: Iterable[Path]) -> int:
    """Clean the pages in stored sequences; how many files had any. Files are replaced by rename."""
    changed = 0
    with limits.connect() as connection:
        for file in files:
            scan = f"read_parquet({quote(file)}, hive_partitioning = false)"
            found = connection.execute(f"select distinct unnest(page) as page from {scan}").fetchall()
            cleaned = {page: after for (page,) in found if page is not None and (after := _clean_page(page)) != page}
            if not cleaned and is_clean(file):
                continue
            changed += bool(cleaned)
            connection.execute(
                "set variable cleaned = map(?::varchar[], ?::varchar[])", [list(cleaned), list(cleaned.values())]
            )
            pages = "list_transform(page, lambda one: coalesce(getvariable('cleaned')[one], one))"
            with replacing(file) as temporary:
                connection.execute(
                    f"copy (select * replace ({pages} as page) from {scan}) to {quote(temporary)} ({cleaned_parquet()})"
                )
    return changed


@lru_cache(100_000)
def _clean_page(page: str) -> str:
    """A page_key, ``host/path`` or ``screen:name``, without what is personal."""
    if page.startswith("screen:"):
        return clean_text(page)
    return clean_address(f"https://{page}").removeprefix("https://")


def _clean_quarantine(warehouse: Warehouse) -> None:
    """Clean rows; in a copy of the file, as the old texts would stay in the file's free blocks."""
    version = rules().version
    with warehouse.exclusive("migrate"):
        with closing(warehouse.open()) as connection:
            rows = connection.execute(
                "select rowid, reason, content from raw.ga4_quarantine where privacy_rules is distinct from ?",
                [version],
            ).fetchall()
            changes = [
                [*cleaned, row]
                for row, reason, content in rows
                if (cleaned := (reason and clean_reason(reason), content and clean_row(content, MAX_QUARANTINED_TEXT)))
                != (reason, content)
            ]
            if not changes:
                connection.execute("update raw.ga4_quarantine set privacy_rules = ?", [version])
                return
        with changed_copy(warehouse.path) as connection, transaction(connection):
            for change in changes:
                connection.execute("update copy.raw.ga4_quarantine set reason = ?, content = ? where rowid = ?", change)
            connection.execute("update copy.raw.ga4_quarantine set privacy_rules = ?", [version])
