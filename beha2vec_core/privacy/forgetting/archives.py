"""What is in files of other kinds, compressed or not, in blocks: an archive may be larger than memory when unpacked."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from beha2vec_core.privacy.forgetting.places import BZIP2, CLOSED, GZIP, XZ, ZIP, Kind, kind_of_bytes

_BLOCK = 4 << 20
_OVERLAP = 64 << 10  # what stands across two blocks is whole in the second
# an archive may be built to never end: limits of its depth, and of the bytes read of one file
_LEVELS = 4
_MOST = 20 << 30
_STREAMS: dict[bytes, Callable[[Any], Any]] = {
    GZIP: lambda file: gzip.GzipFile(fileobj=file), BZIP2: bz2.BZ2File, XZ: lzma.LZMAFile,
}  # fmt: skip
_DAMAGED = (
    EOFError, ValueError, RuntimeError, struct.error, lzma.LZMAError, zlib.error, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip


def read_contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file of another kind, and what is compressed in it, at any level.

    Raises:
        OSError: some of it cannot be searched: it is compressed in a way that this program cannot open, damaged, too
            large, or a database.
    """
    with path.open("rb") as file:
        left = path.stat().st_size + _MOST
        try:
            for block in _contents(file, _LEVELS):
                left -= len(block)
                if left < 0:
                    raise OSError(f"what is compressed in it has more than {_MOST / 1e9:.1f} GB")
                yield block
        except _DAMAGED as error:
            raise OSError(f"what is compressed in it cannot be read: {error}") from error


def _contents(file: IO[bytes], levels: int) -> Iterator[bytes]:
    head = block = file.read(_BLOCK)
    while block:
        yield block
        more = file.read(_BLOCK)
        block = block[-_OVERLAP:] + more if more else b""
    kind = kind_of_bytes(head)
    if head.startswith(CLOSED):
        raise OSError("it is compressed in a way that this program cannot open")
    if kind in (Kind.DUCKDB, Kind.PARQUET, Kind.SQLITE):
        raise OSError(f"a {kind} file that is compressed cannot be searched")
    if not (head.startswith((ZIP, *_STREAMS)) or _is_tar(head)):
        return
    if not levels:
        raise OSError(f"it is compressed more than {_LEVELS} times")
    if len(head) < _BLOCK:
        file = io.BytesIO(head)  # to go back in a compressed stream is to read it again
    file.seek(0)
    for member in _members(file, head):
        yield from _contents(member, levels - 1)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _members(file: IO[bytes], head: bytes) -> Iterator[IO[bytes]]:
    """What is in an archive or a compressed file; of several members with one name, each."""
    if head.startswith(ZIP):
        with zipfile.ZipFile(file) as archive:
            for one in archive.infolist():
                with archive.open(one) as member:
                    yield member
    elif _is_tar(head):
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for entry in tar:
                if entry.isreg() and (content := tar.extractfile(entry)):
                    yield content
    else:
        with next(opened for start, opened in _STREAMS.items() if head.startswith(start))(file) as stream:
            yield stream
