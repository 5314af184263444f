"""Login ids that are an e-mail address or a phone number: replaced by a keyed hash, so that a person stays one."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.decoding import decoded


class LoginIds:
    """Hashes of personal login ids: HMAC-SHA256 (RFC 2104) with a key of this installation.

    Without the key nobody can try out addresses; who loses the key sees all such users as new ones.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    @cached_property
    def _key(self) -> bytes:
        """The key, made when it is first needed; only its owner may read the file."""
        if not self._key_file.exists():
            unfinished = self._key_file.with_name(f".{self._key_file.name}.{os.getpid()}")
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as stream:
                stream.write(secrets.token_hex(32) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):  # another process was quicker: its key counts
                os.link(unfinished, self._key_file)
            unfinished.unlink()
        key = bytes.fromhex(self._key_file.read_text().strip())
        if len(key) < 32:
            raise ValueError(f"{self._key_file} is cut short; restore it from a backup, or delete it for a new key")
        return key

    def judged(self, login_id: str) -> str:
        """The id itself, or its hash where it holds an e-mail address or is a phone number."""
        plain = decoded(login_id).strip()
        if any(True for _ in detectors.emails(plain)) or detectors.is_phone(plain):
            return hmac.new(self._key, plain.casefold().encode(), hashlib.sha256).hexdigest()
        return login_id
