"""Answers on disk: one small JSON file each, replaced by rename; whatever cannot be read is as good as absent."""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from beha2vec_core.files import replacing

# raised when the text taken from the same page changes
_VERSION = 1


class DiskCache:
    """Records (JSON objects) by key, each with the moment it was stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> tuple[dict[str, Any], timedelta] | None:
        """The record of a key and its age."""
        try:
            record = json.loads(self._file(key).read_text(encoding="utf-8"))
            if record["key"] != key or not isinstance(record["value"], dict):
                return None
            return record["value"], datetime.now(UTC) - datetime.fromisoformat(record["stored_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, key: str, value: dict[str, Any]) -> None:
        """Store a record; a reader sees the old one or the new one, never half of one."""
        record = {"key": key, "stored_at": datetime.now(UTC).isoformat(), "value": value}
        with replacing(self._file(key)) as temporary:
            temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8", errors="replace")

    def prune(self, older_than: timedelta) -> None:
        """Delete the files of records that were not renewed for this long."""
        oldest = (datetime.now(UTC) - older_than).timestamp()
        for file in self.folder.glob("*/*"):
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()

    def _file(self, key: str) -> Path:
        digest = hashlib.sha256(f"{_VERSION} {key}".encode(errors="replace")).hexdigest()
        return self.folder / digest[:2] / f"{digest}.json"
