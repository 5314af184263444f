"""Who else may write a file that the nightly run obeys: the explorer has a folder of its own, and may be attacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from beha2vec_core.audiences.file import Audience
from beha2vec_core.settings import Settings


def who_else_writes(settings: Settings, audiences: Sequence[Audience]) -> str:
    """Why the nightly run does not send: others may write the files that say what to send; empty: none, or no need.

    Args:
        settings: where the files are.
        audiences: of the file.
    """
    if not any(to.send for audience in audiences for to in audience.activate):
        return ""
    for file in (settings.audiences.file, settings.activation.file):
        if file.exists() and (where := _writable_by_others(file.resolve())):
            return (
                f"nothing is sent, as other users or services may write {where}: `send: true` needs files that only "
                "this user and root can change, in folders of the same kind (docs/security.md)"
            )
    return ""


def _writable_by_others(file: Path) -> Path | None:
    """The file, or the folder above it, in which others may write it or put another one in its place."""
    is_reached = True  # by others of this machine
    for path in (*reversed(file.parents), file):
        found = path.stat()
        read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
        if found.st_uid == 0 and read_only:  # mounted by root, as a ConfigMap
            continue
        # what this user owns and may not change here is mounted for another service to write
        if found.st_uid not in (0, os.geteuid()) or read_only:
            return path
        is_sticky = path.is_dir() and found.st_mode & stat.S_ISVTX  # as /tmp, where all keep their own files
        if is_reached and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_sticky:
            return path
        is_reached = is_reached and bool(found.st_mode & (stat.S_IXGRP | stat.S_IXOTH))
    return None
