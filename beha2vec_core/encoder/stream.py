"""Sequences that come in batches, brought to a size that encodes well and bounds memory."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from beha2vec_core.events.sequences import SequenceError


def user_tables(batches: Any, users: int) -> Iterator[pa.Table]:
    """The rows of a stream in its order, as tables of ``users`` rows, the last of fewer; one is held at a time.

    ``batches`` is a RecordBatchReader, a dataset or its scanner, or an iterable of record batches or tables.

    Raises :class:`SequenceError` for anything else, and where schemas differ.
    """
    held: list[pa.Table] = []
    count = 0
    for batch in _record_batches(batches):
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        if not isinstance(table, pa.Table):
            raise SequenceError(f"a stream is of record batches or tables, not of {type(batch).__name__}")
        while count + table.num_rows >= users:
            room = users - count
            yield _joined([*held, table.slice(0, room)])
            held, count, table = [], 0, table.slice(room)
        if table.num_rows:
            held.append(table)
            count += table.num_rows
    if held:
        yield _joined(held)


def _record_batches(batches: Any) -> Iterator[Any]:
    if isinstance(batches, ds.Dataset):  # by itself it would read far ahead
        yield from batches.to_batches(batch_readahead=1, fragment_readahead=1)
    elif isinstance(batches, pa.Table | ds.Scanner):
        yield from batches.to_batches()
    elif isinstance(batches, Iterable):
        yield from batches
    else:
        raise SequenceError(
            f"cannot read a stream from {type(batches).__name__}; give a RecordBatchReader, a dataset or record batches"
        )


def _joined(tables: list[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables)
    except pa.ArrowInvalid as error:
        raise SequenceError(f"the batches of a stream differ in schema; give each the same one: {error}") from error
