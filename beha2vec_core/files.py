"""Files and folders that appear whole or not at all, also after a power cut, and the scratch of killed processes."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FOREIGN_SCRATCH_SECONDS = 24 * 3600


def put_in_place(finished: Path, target: Path) -> None:
    """Rename a finished file or folder to its final name, after its content has reached the disk.

    Both are in one file system. A file takes the place of an older one; a folder needs a free name. Without the waits a
    journaling file system may keep the new name and lose the content.
    """
    for path in [finished, *(finished.rglob("*") if finished.is_dir() else ())]:
        _wait_for_disk(path)
    finished.replace(target)
    _wait_for_disk(target.parent)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write a file to, which then takes the place of the target; the target stays as it is if that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield temporary
        put_in_place(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _wait_for_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def scratch_prefix(kind: str) -> str:
    """How the names of this process's scratch folders begin: they say whose they are."""
    return f".{kind}-{socket.gethostname()}-{os.getpid()}-"


@contextmanager
def scratch(folder: Path, kind: str) -> Iterator[Path]:
    """A folder for this process alone, while it is used; those of processes that are gone are deleted first."""
    remove_stale_scratch(folder, kind)
    with tempfile.TemporaryDirectory(prefix=scratch_prefix(kind), dir=folder, ignore_cleanup_errors=True) as own:
        yield Path(own)


def remove_stale_scratch(folder: Path, kind: str) -> None:
    """Delete scratch folders whose process is gone; those of other running processes stay."""
    for path in folder.glob(f".{kind}-*"):
        host, pid = path.name.removeprefix(f".{kind}-").rsplit("-", 2)[:2]
        with suppress(FileNotFoundError):
            if host == socket.gethostname():
                stale = not _is_running(int(pid))
            else:
                newest = max(one.stat().st_mtime for one in (path, *path.rglob("*")))
                stale = time.time() - newest > _FOREIGN_SCRATCH_SECONDS
            if stale:
                shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
