"""The files that may hold people: the data folder, Dagster's home, and where exports and reports were written."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from beha2vec_core.ga4.source_files import SourceNotFoundError
from beha2vec_core.ga4.sources import find_source_files, is_elsewhere
from beha2vec_core.settings import Settings
from beha2vec_core.store.written import written_elsewhere

_LOCKS = (".lock", ".lock.holder")
# how compressed files begin: those that Python opens, and Zstandard, 7z, RAR and LZ4, which it does not
ZIP, GZIP, BZIP2, XZ = b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
CLOSED = (b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x04\x22\x4d\x18")


class Kind(StrEnum):
    """What a file is, by its content; names may lie."""

    DUCKDB = "DuckDB"
    PARQUET = "parquet"
    SQLITE = "SQLite"
    GZIP = "gzip"  # with a text
    TEXT = "text"
    OTHER = "other"


def kind_of(path: Path) -> Kind:
    """The kind of a file; one that is gone meanwhile, as SQLite's beside its databases, is an empty text."""
    try:
        with path.open("rb") as file:
            kind = kind_of_bytes(file.read(4096))
        if kind is Kind.GZIP:
            with suppress(EOFError, gzip.BadGzipFile, zlib.error), gzip.open(path) as inside:
                return Kind.GZIP if kind_of_bytes(inside.read(4096)) is Kind.TEXT else Kind.OTHER
    except FileNotFoundError:
        return Kind.TEXT
    return kind


def kind_of_bytes(head: bytes) -> Kind:
    """The kind of what begins like this; gzip, whatever is in it."""
    if head[8:12] == b"DUCK":
        return Kind.DUCKDB
    if head.startswith(b"PAR1"):
        return Kind.PARQUET
    if head.startswith(b"SQLite format 3\0"):
        return Kind.SQLITE
    if head.startswith(GZIP):
        return Kind.GZIP
    return Kind.OTHER if b"\0" in head or head.startswith((ZIP, BZIP2, XZ, *CLOSED, b"\x80")) else Kind.TEXT


def files_of(settings: Settings, dagster_home: Path | None, more: Iterable[Path] = ()) -> Iterator[Path]:
    """Each file that the product wrote, once, in order; not the export itself, which is its owner's.

    Args:
        more: other files and folders to look at.
    """
    source = source_files(settings)
    seen: set[Path] = set()
    roots = [settings.storage.data_dir, *([dagster_home] if dagster_home else []), *written_elsewhere(settings), *more]
    for root in roots:
        for path in _files_below(root):
            real = path.resolve()
            if real not in seen and real not in source and not path.name.endswith(_LOCKS):
                seen.add(real)
                yield path


def source_files(settings: Settings) -> frozenset[Path]:
    """The files of the export."""
    export = settings.export
    if export.source is None or is_elsewhere(export.source):
        return frozenset()
    try:
        return frozenset(file.path.resolve() for file in find_source_files(export.source, export.property_id))
    except (SourceNotFoundError, OSError):
        return frozenset()


def _files_below(root: Path) -> Iterator[Path]:
    """Files, those behind links too: a raw folder may have moved to a larger disk."""
    if root.is_file():
        yield root
    seen: set[str] = set()  # folders: a link may lead back
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file():
                yield path.resolve() if path.is_symlink() else path


def read_lines(path: Path, kind: Kind) -> Iterator[str]:
    """The lines of a text file, with their ends, whatever it is compressed by or encoded in."""
    with gzip.open(path, "rb") if kind is Kind.GZIP else path.open("rb") as file:
        for line in file:
            yield line.decode("utf-8", errors="surrogateescape")
