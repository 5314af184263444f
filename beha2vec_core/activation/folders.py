"""Where files of audiences are written: a folder of this machine, or one of a bucket. A file is replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from beha2vec_core import buckets
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.files import put_in_place

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_LOCAL = ("localhost", "127.0.0.1")


class LocalFolder:
    """A folder of this machine, which may be a mounted bucket; what cannot be read or written is an `ActivationError`.

    Args:
        note: called with each file, so that `beha2vec forget` looks there.

    Attributes:
        address: how messages name it.
    """

    def __init__(self, path: Path, note: Callable[[Path], None] = lambda path: None) -> None:
        self.address = str(path)
        self._path = path
        self._note = note

    def problems(self) -> list[str]:
        """Whether it can be written."""
        parent = next((one for one in (self._path, *self._path.parents) if one.exists()), self._path)
        if parent.is_dir() and os.access(parent, os.W_OK):
            return []
        return [f"{self._path} cannot be written: give another folder, or its rights"]

    def read(self, name: str) -> bytes | None:
        """A file; None: there is none."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ActivationError(f"{self._path / name} cannot be read ({error.strerror})") from None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file by rename; only its owner can read it."""
        path = self._path / name
        # one process sends at a time, so a fixed name is free, and a killed process leaves one file at most
        temporary = path.with_name(f".{name}.part")
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._note(path)
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600, exist_ok=False)
            temporary.write_bytes(content)
            put_in_place(temporary, path)
        except OSError as error:
            raise ActivationError(f"{path} cannot be written ({error.strerror})") from None
        finally:
            temporary.unlink(missing_ok=True)


class Bucket:
    """A folder of S3 or of Google Cloud Storage, with the credentials of the environment. Objects appear whole.

    Args:
        url: ``s3://bucket/folder`` or ``gs://bucket/folder``, with the options of pyarrow's file systems: ``?region=``,
            ``?endpoint_override=``.
    """

    def __init__(self, url: str) -> None:
        self.address = buckets.shown(url)
        self._url = url
        self._opened: tuple[FileSystem, str] | None = None

    def problems(self) -> list[str]:
        """The address."""
        parts = urlsplit(self._url)
        options = parse_qs(parts.query)
        found = []
        if buckets.has_credentials(self._url) or not parts.netloc:
            found.append(f"{parts.scheme}:// is followed by the name of the bucket: credentials are in the environment")
        if "http" in options.get("scheme", []) and buckets.server_of(self._url).rpartition(":")[0] not in _LOCAL:
            found.append("scheme=http: personal data would travel unencrypted")
        return found

    def read(self, name: str) -> bytes | None:
        """An object; None: there is none."""
        try:
            system, folder = self._open()
            with system.open_input_stream(f"{folder}/{name}") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):  # the message may name accounts
            raise self._error(f"{name} in {self.address} cannot be read") from None

    def write(self, name: str, content: bytes) -> None:
        """Replace an object: it is there when all of it has arrived."""
        try:
            system, folder = self._open()
            with system.open_output_stream(f"{folder}/{name}") as file:
                file.write(content)
        except (OSError, ValueError):
            raise self._error(f"{name} in {self.address} cannot be written") from None

    def _open(self) -> tuple[FileSystem, str]:
        if self._opened is None:
            self._opened = buckets.open_bucket(self._url)
        return self._opened

    def _error(self, problem: str) -> ActivationError:
        return ActivationError(str(buckets.error_of(problem, self._url)))


Folder = LocalFolder | Bucket
