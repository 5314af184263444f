"""Who else may write a file that a send obeys: the explorer has a folder of its own, and may be attacked."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from beha2vec_core.settings import Settings

_WRITE, _ENTER = stat.S_IWGRP | stat.S_IWOTH, stat.S_IXGRP | stat.S_IXOTH
_MOST_LINKS = 40  # as Linux has it


def who_else_writes(settings: Settings) -> str:
    """Why nothing is sent: others may write the files that say what to send; empty: only this user may.

    Ask before the files are read: what others cannot write now, they cannot have changed when it is read.
    """
    for file in (settings.audiences.file, settings.activation.file):
        if where := _writable_by_others(file):
            return (
                f"nothing is sent, because other users or services can write {where}: only this user and root may have "
                "the right to write the file, its folders and links to it (chmod go-w; docs/security.md)"
            )
    return ""


def _writable_by_others(file: Path) -> Path | None:
    """The file, or the folder or link on the way to it, where others may write it or put another one in its place."""
    # as /tmp, where all put files, and change their own only: others may have moved a file of this user there, or made
    # a hard link to it, so only a folder is safe
    sticky = None
    for step in _way_to(file):
        try:
            found = step.lstat()
        except OSError:  # it is not there: others may put it there
            return sticky if step.parent == sticky else None
        if step.parent == sticky and not stat.S_ISDIR(found.st_mode):
            return sticky
        is_ours = found.st_uid in (0, os.geteuid())
        if stat.S_ISLNK(found.st_mode):
            if not is_ours:
                return step
            continue
        read_only = bool(os.statvfs(step).f_flag & os.ST_RDONLY)
        if found.st_uid == 0 and read_only:  # mounted by root, as a ConfigMap
            continue
        # what this user owns and may not change here is mounted for another service to write
        if not is_ours or read_only:
            return step
        is_reached = all(folder.stat().st_mode & _ENTER for folder in step.parents)  # by others of this machine
        if is_reached and found.st_mode & _WRITE:
            if not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
                return step
            sticky = step
    return None


def _way_to(file: Path) -> Iterator[Path]:
    """Each folder and link that the system goes through to open a file, from the root on, and the file."""
    rest = list(reversed(file.absolute().parts))
    at, links = Path("/"), 0
    while rest:
        step = at / rest.pop()
        if step.name == "..":
            at = at.parent
            continue
        yield step
        if not step.is_symlink():
            at = step
        elif links == _MOST_LINKS:
            return
        else:
            links += 1
            rest += reversed(step.readlink().parts)
