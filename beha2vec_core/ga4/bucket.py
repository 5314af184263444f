"""The files of an export in a bucket of S3 or of Google Cloud Storage: each is fetched just before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from beha2vec_core.buckets import BucketError, error_of, open_bucket, shown
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.source_files import Origin, SourceNotReachedError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_COPIED_AT_ONCE = 16 * 2**20


@dataclass(frozen=True)
class Object(Origin):
    """An object of a bucket."""

    name: str
    size: int
    modified: float
    address: str
    system: FileSystem = field(compare=False)

    @property
    def path(self) -> PurePosixPath:
        """Its folders and its name."""
        return PurePosixPath(self.address)

    def fetch(self, target: Path, rows: int | None = None) -> None:
        """Copy the object to a file, all of it.

        Raises:
            UnreadableFileError: it is gone.
            SourceNotReachedError: the bucket does not give it.
        """
        with target.open("wb") as file:
            for part in self._parts():
                file.write(part)

    def _parts(self) -> Iterator[bytes]:
        """What the object holds; errors of the disk are raised where it is written."""
        try:
            with self.system.open_input_stream(self.address) as object_:
                while part := object_.read(_COPIED_AT_ONCE):
                    yield part
        except FileNotFoundError:
            raise UnreadableFileError(f"{self.name}: it is not in the bucket any more; export it again") from None
        except OSError:  # its message may name accounts
            raise SourceNotReachedError(
                f"{self.name}: the bucket does not give it. Check the network and the rights on the bucket, and start "
                "the run again, which goes on where this one ended"
            ) from None


def find_objects(url: str) -> list[Object]:
    """The objects of a folder, or one; see `buckets.open_bucket` for the address.

    Raises:
        SourceNotReachedError: the bucket cannot be listed.
    """
    from pyarrow.fs import FileSelector, FileType

    if "*" in url:
        raise SourceNotReachedError(
            f"BEHA2VEC_SOURCE={shown(url)}: a pattern is not possible in a bucket. Give a folder, or one file"
        )
    try:
        system, folder = open_bucket(url)
        (found,) = system.get_file_info([folder])
        if found.type == FileType.File:
            listed, folder = [found], str(PurePosixPath(folder).parent)
        else:
            listed = system.get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
    except BucketError as error:
        raise SourceNotReachedError(f"{shown(url)}: {error}") from None
    except (OSError, ValueError):
        raise SourceNotReachedError(str(error_of(f"{shown(url)} cannot be listed", url))) from None
    return [
        Object(PurePosixPath(one.path).relative_to(folder).as_posix(), one.size, one.mtime_ns / 1e9, one.path, system)
        for one in listed
        if one.type == FileType.File and not any(part.startswith(".") for part in PurePosixPath(one.path).parts)
    ]
