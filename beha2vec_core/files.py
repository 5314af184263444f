"""Files and folders that appear whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def put_in_place(finished: Path, target: Path) -> None:
    """Rename a finished file or folder to its final name, after its content has reached the disk.

    Both are in one file system. A file takes the place of an older one; a folder needs a free name. Without the waits a
    journaling file system may keep the new name and lose the content.
    """
    for path in [finished, *(finished.rglob("*") if finished.is_dir() else ())]:
        _wait_for_disk(path)
    finished.replace(target)
    _wait_for_disk(target.parent)


def _wait_for_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
