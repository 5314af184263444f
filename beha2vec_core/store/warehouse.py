"""The one door to the warehouse: an inter-process lock around short DuckDB connections.

DuckDB lets one process write a file, and while it does no other process can even read it. So all processes wait for an
advisory lock (``<warehouse>.lock``) for a bounded time, and the error names its holder. The lock is the operating
system's: it is gone when its holder dies, however it dies.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from filelock import FileLock, Timeout

from beha2vec_core.store.limits import duckdb_config

if TYPE_CHECKING:
    from beha2vec_core.settings.groups import Storage

log = logging.getLogger("beha2vec.warehouse")

# a wait is logged soon, then repeatedly
_FIRST_REPORT_SECONDS, _REPORT_EVERY_SECONDS = 1.0, 10.0
_OUTSIDER_SECONDS = 8.0

# opens a database for the purpose it is given
Connect = Callable[[str], AbstractContextManager[duckdb.DuckDBPyConnection]]


class WarehouseBusyError(RuntimeError):
    """The lock was not acquired in time; the message names its holder and the remedy."""


class WarehouseVersionError(RuntimeError):
    """The file was written by another release of beha2vec or DuckDB; the message names the remedy."""


class Warehouse:
    """A DuckDB file that many processes share, one at a time.

    Args:
        path: the DuckDB file; its folder is made on first use.
        lock_timeout: seconds to wait for the lock.
        config: DuckDB settings, the same for every connection of the process.
        on_wait: called after a wait for the lock of more than a second, with its seconds and who held it.
    """

    def __init__(
        self,
        path: Path,
        lock_timeout: float = 600.0,
        config: Mapping[str, str | int] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        self.path = path.absolute()
        self.lock_timeout = lock_timeout
        self.config = config or {}
        self.on_wait = on_wait
        self._lock = FileLock(str(self.path) + ".lock", thread_local=False)
        # FileLock is re-entrant for its process; threads of one process have to take turns too.
        self._threads = threading.Lock()
        self._thread: int | None = None  # the one that holds the lock

    @classmethod
    def of(cls, storage: Storage) -> Warehouse:
        """The warehouse of the settings."""
        return cls(storage.warehouse_path, storage.lock_timeout_seconds, duckdb_config(storage))

    @property
    def _holder_path(self) -> Path:
        return Path(str(self.path) + ".lock.holder")

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the file without a connection, for another process to use it (dbt does). Not re-entrant.

        Raises:
            WarehouseBusyError: another process or thread held it for longer than ``lock_timeout``.
            RuntimeError: this thread holds it already and would wait for itself.
        """
        waited = self._acquire(purpose)
        try:
            if waited and self.on_wait:
                self.on_wait(*waited)
            yield
        finally:
            self._release()

    @contextmanager
    def connect(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection under the lock. Keep it for seconds: compute outside, then come back to write.

        Raises:
            WarehouseBusyError: as in `exclusive`.
            WarehouseBusyError: or a program that does not take the lock (a DuckDB shell, a notebook) has the file
                open; the message names it.
            WarehouseVersionError: a newer DuckDB wrote the file.
        """
        with self.exclusive(purpose):
            connection = self.open()
            try:
                yield connection
            finally:
                connection.close()

    def open(self) -> duckdb.DuckDBPyConnection:
        """Open the file, waiting some seconds for outsiders that do not know the lock; for who is in `exclusive`."""
        deadline = time.monotonic() + min(self.lock_timeout, _OUTSIDER_SECONDS)
        while True:
            try:
                return duckdb.connect(str(self.path), config=dict(self.config))
            except duckdb.ConnectionException as error:  # a connection of this process, past the door
                raise WarehouseBusyError(
                    f"{self.path.name} is open in this process with other settings ({error}). Close that connection, "
                    "and open the file through Warehouse.connect only."
                ) from error
            except duckdb.IOException as error:
                if "newer version of duckdb" in str(error).lower():
                    raise WarehouseVersionError(
                        f"{self.path.name} was written by a newer DuckDB than {duckdb.__version__}. Upgrade beha2vec, "
                        "or restore the backup that beha2vec migrate kept"
                    ) from error
                if "could not set lock" not in str(error).lower():
                    raise
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{self.path.name} is open in a program that does not take its lock (a DuckDB shell, a "
                        f"notebook?): {error}. Close it there, and read "
                        f"{self.path.with_name('serving.duckdb').name} instead."
                    ) from error
            time.sleep(0.1)

    def _acquire(self, purpose: str) -> tuple[float, str] | None:
        """Take the lock; after a wait that was reported, its seconds and who held it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._thread == threading.get_ident():
            raise RuntimeError(
                f"{purpose}: this thread holds {self.path.name} already ({self.holder()}); leave that with-block first"
            )
        begun = time.monotonic()
        deadline, next_report = begun + self.lock_timeout, begun + _FIRST_REPORT_SECONDS
        holder = None
        if not self._threads.acquire(timeout=self.lock_timeout):
            raise WarehouseBusyError(self._busy_message(purpose))
        try:
            while True:
                wait = max(0.0, min(deadline, next_report) - time.monotonic())
                try:
                    self._lock.acquire(timeout=wait, poll_interval=0.05)
                    break
                except Timeout:
                    if time.monotonic() >= deadline:
                        raise WarehouseBusyError(self._busy_message(purpose)) from None
                    next_report = time.monotonic() + _REPORT_EVERY_SECONDS
                    holder = self.holder()
                    log.warning("%s waits for %s, held by %s", purpose, self.path.name, holder)
        except BaseException:
            self._threads.release()
            raise
        self._thread = threading.get_ident()
        note = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "purpose": purpose,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with suppress(OSError):  # a full disk must not cost the lock: the note is for people
            self._holder_path.write_text(json.dumps(note))
        return (time.monotonic() - begun, holder) if holder else None

    def _release(self) -> None:
        with suppress(OSError):
            self._holder_path.unlink()
        self._thread = None
        self._lock.release()
        self._threads.release()

    def holder(self) -> str:
        """Who holds the lock, in words (a dead holder's note may outlive its lock: ask only when refused)."""
        try:
            note = json.loads(self._holder_path.read_text())
            return f"process {note['pid']} on {note['host']} ({note['purpose']}, since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "an unknown process"

    def is_free(self) -> bool:
        """Whether the lock is free right now."""
        if self._thread is not None:
            return False
        if not self.path.parent.exists():
            return True
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._lock.release()
        return True

    def _busy_message(self, purpose: str) -> str:
        return (
            f"{purpose}: {self.path.name} stayed locked for {self.lock_timeout:g} s by {self.holder()}. "
            "Wait for that run to end or stop it, then try again; "
            "BEHA2VEC_LOCK_TIMEOUT_SECONDS sets a longer wait."
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # the first error is the one to report
            connection.rollback()
        raise


def replace_partition(connection: duckdb.DuckDBPyConnection, table: str, rows: str, keys: str) -> int:
    """Replace the rows of ``table`` that ``keys`` (a SQL condition) selects by those of ``rows`` (a query), at once.

    One transaction: a kill in between leaves the old rows whole. Makes the table on first use, with the query's types.
    Returns the number of rows inserted.
    """
    connection.execute(f"create table if not exists {table} as select * from ({rows}) limit 0")
    with transaction(connection):
        connection.execute(f"delete from {table} where {keys}")
        ((inserted,),) = connection.execute(f"insert into {table} by name {rows}").fetchall()
    return int(inserted)
