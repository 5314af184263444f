"""The key of the keyed hashes: 32 random bytes in ``<data_dir>/privacy.key``, made on first use (mode 600)."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

_NAME = "privacy.key"
_BYTES = 32


class PrivacyError(RuntimeError):
    """It cannot be done safely; the message names the remedy."""


def key_path(data_dir: Path) -> Path:
    """The file of the key."""
    return data_dir / _NAME


def key(data_dir: Path) -> bytes:
    """The key of this data folder; made if it is not there.

    Raises:
        PrivacyError: the file is not a key.
    """
    path = key_path(data_dir)
    if not path.exists():
        _make(path)
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        found = b""
    if len(found) != _BYTES:
        raise PrivacyError(f"{path} is not a key of {_BYTES} bytes in hexadecimal: restore it from your copy")
    return found


def _make(path: Path) -> None:
    """Write it under another name first, and link it: of two processes at once, one wins and both read the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
