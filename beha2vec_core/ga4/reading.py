"""What the readers of all formats need: open a file, cut it into batches, and pieces of SQL.

A reader is a generator of (select, rows): SQL that gives ``rows`` rows, each with the canonical columns (null where
absent), the provenance columns, ``event_date_text``, ``_reason`` (why the row could not be read, else null) and
``_content`` (the row as it stood). The SQL must be run before the generator goes on.
"""

from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from beha2vec_core.store.sql import quote

# Text that is read at once: bounds memory, and leaves DuckDB enough rows to share among its threads.
BATCH_BYTES = 32 * 2**20
_ARROW_CHUNK = 2_048  # rows: DuckDB reads the chunks of an Arrow table in parallel
Item = TypeVar("Item")


class UnreadableFileError(ValueError):
    """A file as a whole cannot be trusted: cut short, not of its format, or without the columns it needs."""


# How compressed files begin, and what Arrow calls the form.
_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\x04\x22\x4d\x18": "lz4"}


def open_file(path: Path) -> BufferedReader:
    """A stream of the file's bytes, decompressed where it is gzip, zstd, bzip2 or lz4, whatever its name says.

    Raises:
        OSError: it cannot be opened; later, while it is read: it is damaged or cut short.
    """
    with path.open("rb") as probe:
        begin = probe.read(max(map(len, _CODECS)))
    codec = next((codec for magic, codec in _CODECS.items() if begin.startswith(magic)), None)
    stream: Any = pa.CompressedInputStream(path, codec) if codec else path.open("rb", 0)
    return BufferedReader(stream, 2**20)


def batches(items: Iterator[tuple[Item, int]]) -> Iterator[list[Item]]:
    """Cut (item, size in bytes) into lists of some `BATCH_BYTES`; an unreadable end comes after what was read."""
    batch: list[Item] = []
    size = 0
    unreadable = None
    try:
        for item, bytes_here in items:
            batch.append(item)
            size += bytes_here
            if size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except UnreadableFileError as error:
        unreadable = error
    if batch:
        yield batch
    if unreadable:
        raise unreadable


def blocks(stream: BufferedReader, longest: int) -> Iterator[bytes]:
    """Cut a stream into pieces of some `BATCH_BYTES`, of whole lines; one longer than ``longest`` loses its end."""
    while block := stream.read(BATCH_BYTES):
        block += stream.readline(longest)
        is_cut = False
        while not block.endswith(b"\n") and (rest := stream.readline(longest)):
            is_cut = True
            if rest.endswith(b"\n"):
                break
        yield block + b"\n" if is_cut else block


def chunked(columns: dict[str, pa.Array]) -> pa.Table:
    """An Arrow table that DuckDB reads with all its threads."""
    table = pa.table(columns)
    return pa.Table.from_batches(table.to_batches(max_chunksize=_ARROW_CHUNK), table.schema)


def whole(text: str) -> str:
    """SQL that reads text as a whole number, else null.

    ``1234.0`` is one; ``1.47E+15`` is what a spreadsheet left of one, with its last digits lost.
    """
    return rf"try_cast(regexp_extract({text}, '^\s*([+-]?[0-9]+)(\.0*)?\s*$', 1) as bigint)"


def leftovers_json(entries: list[tuple[str, str]]) -> str:
    """SQL of a JSON object of the entries (key, JSON or null) that are not null; null where all are."""
    if not entries:
        return "null::varchar"
    values = ", ".join(f"struct_pack(k := {quote(key)}, v := ({value})::json)" for key, value in entries)
    found = f"list_filter([{values}], lambda entry: entry.v is not null)"
    some = " or ".join(f"({value}) is not null" for _, value in entries)
    return f"case when {some} then to_json(map_from_entries({found}))::varchar end"


def merged_json(one: str, other: str) -> str:
    """SQL of one JSON object of the members of two, each of them an object with members, or null."""
    return f"coalesce(left({one}, -1) || ', ' || substr({other}, 2), {one}, {other})"
