"""A file of an export, on this machine or elsewhere; `sources` finds them."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePath
from typing import Literal

from beha2vec_core.words import counted

Format = Literal["ndjson", "parquet", "csv"]
TableKind = Literal["daily", "fresh", "intraday"]

COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".lz4")  # what `reading.open_file` opens


class SourceNotFoundError(FileNotFoundError):
    """The configured source names no readable file."""


class SourceNotReachedError(SourceNotFoundError):
    """The configured source cannot be asked: its address, credentials, rights, a quota. The message has the remedy."""


class Origin(ABC):
    """A part of an export that is not on this machine: an object of a bucket, a table."""

    name: str  # for messages and provenance
    size: int  # its bytes
    modified: float  # when it was last written to, in seconds since 1970

    @property
    @abstractmethod
    def path(self) -> PurePath:
        """What a file of it would be called; folders and the suffix mean what they do for files."""

    @abstractmethod
    def fetch(self, target: Path, rows: int | None = None) -> None:
        """Write it to a file; only its first ``rows`` rows, if that is cheaper.

        Raises:
            UnreadableFileError: it is gone.
            SourceNotReachedError: the source does not give it.
        """


@dataclass(frozen=True, order=True)
class SourceFile:
    """One file of an export.

    ``name`` is its path below the folder that all files share, for messages and provenance; ``day`` is None where only
    the rows show it. Of one that is elsewhere (``origin``), ``path`` is a name only: see `on_this_machine`.
    """

    path: Path
    name: str
    property_id: str
    day: date | None
    kind: TableKind
    format: Format
    origin: Origin | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Its bytes; of a table, those before compression."""
        return self.origin.size if self.origin else self.path.stat().st_size

    @property
    def modified_ns(self) -> int:
        """When it was last written to, in nanoseconds since 1970."""
        return int(self.origin.modified * 1e9) if self.origin else self.path.stat().st_mtime_ns

    def lies_in(self, folder: Path) -> bool:
        """Whether it is a file below a folder of this machine."""
        return self.origin is None and self.path.resolve().is_relative_to(folder.resolve())

    @property
    def compressed(self) -> str:
        """The suffix of its compression, empty where it is not compressed."""
        suffix = self.path.suffix.lower()
        return suffix if suffix in COMPRESSED else ""


@dataclass(frozen=True)
class Export:
    """What a source holds: files of events, and files of GA4's tables of users."""

    files: list[SourceFile]
    user_tables: list[SourceFile]

    @property
    def notice(self) -> str | None:
        """What holds no events, as a sentence; None where all does."""
        if not self.user_tables:
            return None
        files, name = counted(len(self.user_tables), "file"), self.user_tables[0].name
        return f"{files} of GA4's tables of users, read for consent to personal ads, not for events; first {name}"


@contextmanager
def on_this_machine(file: SourceFile, folder: Path | None = None, rows: int | None = None) -> Iterator[SourceFile]:
    """The file, or a copy of it that is here for a while, which only its owner can read.

    Args:
        folder: where the copy is made; default: the folder of temporary files.
        rows: how many rows of its beginning are needed; default: all.
    """
    if file.origin is None:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="fetched-", dir=folder) as here:
        copy = Path(here) / file.path.name
        file.origin.fetch(copy, rows)
        yield replace(file, path=copy, origin=None)


def source_days(files: Iterable[SourceFile]) -> list[date]:
    """The days that file names promise, in order."""
    return sorted({file.day for file in files if file.day is not None})
