"""Raw partitions without personal data: written so at ingest, and rewritten where older rules cleaned them.

A partition says in its parquet metadata which version of the rules it was cleaned with, so that each is done once and a
killed run goes on where it stopped.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from beha2vec_core.files import put_in_place
from beha2vec_core.privacy.columns import EventCleaner
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.privacy.rules import rules

# beside the raw partitions, in the data folder
ORIGINALS = "raw_ga4_originals"

_VERSION_KEY = "beha2vec_privacy_rules"
_PARTITIONS = "property_id=*/event_date=*/events.parquet"
_COMPRESSION = {"compression": "zstd", "compression_level": 3}


def cleaner_of(raw_path: Path) -> EventCleaner:
    """A cleaner with the key of the installation that the raw partitions belong to."""
    return EventCleaner(LoginIds(raw_path.parent))


def write_cleaned(batches: pa.RecordBatchReader, file: Path, cleaner: EventCleaner) -> None:
    """Write batches of raw events to a file, cleaned, with the version of the rules."""
    nullable = [field.with_nullable(True) for field in batches.schema]
    schema = pa.schema(nullable, metadata={_VERSION_KEY: str(rules().version)})
    with pq.ParquetWriter(file, schema, **_COMPRESSION) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(cleaner.batch(batch).columns, schema=schema))


def uncleaned_partitions(raw_path: Path) -> list[Path]:
    """The partitions that these rules have not cleaned."""
    return [file for file in sorted(raw_path.glob(_PARTITIONS)) if not is_clean(file)]


def is_clean(file: Path) -> bool:
    """Whether a parquet file says that these rules have cleaned it."""
    found = (pq.read_metadata(file).metadata or {}).get(_VERSION_KEY.encode())
    return found is not None and int(found) == rules().version


def cleaned_parquet() -> str:
    """DuckDB's options of ``copy ... to`` for a parquet file that these rules have cleaned."""
    return f"format parquet, compression zstd, kv_metadata {{{_VERSION_KEY}: '{rules().version}'}}"


def clean_partitions(files: Iterable[Path], raw_path: Path, progress: Callable[[Path, int], None]) -> None:
    """Clean stored partitions, each by temp name and rename.

    ``progress`` gets each file and its number of changed values.
    """
    cleaner = cleaner_of(raw_path)
    for file in files:
        before = cleaner.redacted
        temporary = file.with_name(f".{file.name}.cleaned")
        read = file.stat()
        with pq.ParquetFile(file) as stored:
            batches = stored.iter_batches(batch_size=122_880)
            write_cleaned(pa.RecordBatchReader.from_batches(stored.schema_arrow, batches), temporary, cleaner)
        with Forgotten(raw_path.parent).held():  # the list must not change between this check and the rename
            if os.path.samestat(read, file.stat()):
                put_in_place(temporary, file)
            else:  # it was rewritten meanwhile, and is clean
                temporary.unlink()
        progress(file, cleaner.redacted - before)


def forget_originals(raw_path: Path, days: int) -> None:
    """Delete originals that were written more than ``days`` days ago; with 0 all."""
    folder = raw_path.parent / ORIGINALS
    if days <= 0:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for file in folder.glob(_PARTITIONS):
        if time.time() - file.stat().st_mtime > days * 86_400:
            file.unlink()
