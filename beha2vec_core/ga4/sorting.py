"""The rows of a day in the order of its partition, sorted in parts that fit into the memory."""

import math
from collections.abc import Sequence
from datetime import date
from itertools import chain, pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from beha2vec_core.files import put_in_place
from beha2vec_core.ga4.readers import FIRST_TIME
from beha2vec_core.ga4.schema import EVENT_SCHEMA, PROVENANCE_SCHEMA
from beha2vec_core.store.sql import quote

# Rows that are cleaned and written at once.
_ROW_GROUP = 122_880
# What a row takes while it is sorted, by the length of its text (2 KB of memory for 850 bytes), and the share of the
# memory that a sort may take: it holds some rows twice, and writes none of them to the disk in time.
_BYTES_OF_TEXT, _SORTED_SHARE = 2.5, 0.25
_ROWS_MEASURED = 2_000


def sorted_parts(connection: duckdb.DuckDBPyConnection, property_id: str, day: date, rows: int) -> list[str]:
    """SQL of the accepted rows of a day, in the order of the partition: parts that can be sorted in memory."""
    columns = ", ".join(f'"{name}"' for name in EVENT_SCHEMA | PROVENANCE_SCHEMA)
    of_day = f"from accepted where property_id = {quote(property_id)} and event_date = date '{day}'"
    ((length, memory),) = connection.execute(
        f"""select avg(strlen(accepted::varchar)), parse_formatted_bytes(current_setting('memory_limit'))
        from (select accepted {of_day} limit {_ROWS_MEASURED})"""
    ).fetchall()
    number = math.ceil(rows * length * _BYTES_OF_TEXT / (memory * _SORTED_SHARE))
    ((ends,),) = connection.execute(
        f"select list_sort(list_distinct(quantile_disc(event_timestamp, ?::double[]))) {of_day}",
        [[part / number for part in range(1, number)] + [1.0]],
    ).fetchall()
    return [
        f"select {columns} {of_day} and event_timestamp > {after} and event_timestamp <= {end}"
        " order by event_timestamp, user_pseudo_id, _source_file, _source_line"
        for after, end in pairwise([FIRST_TIME - 1, *ends])
    ]


def read_parts(connection: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> pa.RecordBatchReader:
    """The rows of queries, one after the other."""
    readers = (connection.sql(part).to_arrow_reader(_ROW_GROUP) for part in parts)
    first = next(readers)
    return pa.RecordBatchReader.from_batches(first.schema, chain(first, chain.from_iterable(readers)))


def write_original(rows: pa.RecordBatchReader, target: Path, scratch: Path) -> None:
    """Write rows as they came; only the owner may read them."""
    temporary = scratch / "original.parquet.part"
    with pq.ParquetWriter(temporary, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)
    temporary.chmod(0o600)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    put_in_place(temporary, target)
