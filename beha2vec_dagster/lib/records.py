"""How Dagster's records are written to SQLite: without waiting for the disk, and with files that stay open."""

import sqlite3
from collections import deque

from sqlalchemy import Engine, event

# Dagster opens and closes a file for each record. When SQLite closes the last connection to a file, it writes the whole
# log back to the disk. So we keep one connection to each of the last few files open.
_open: deque[tuple[str, sqlite3.Connection]] = deque(maxlen=8)


def write_without_waiting() -> None:
    """Let this process write Dagster's records without waiting until each is on the disk.

    Dagster writes each record in two transactions, and a run of 90 days has 10,000 of them. A process that is killed
    loses none; a power failure can lose the last ones, and leaves the files whole (SQLite's write-ahead log).
    """
    if not event.contains(Engine, "connect", _set_up):
        event.listen(Engine, "connect", _set_up)


def _set_up(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        (journal,) = connection.execute("pragma journal_mode").fetchone()
        if journal == "wal":
            connection.execute("pragma synchronous = normal")
            ((_number, _name, file),) = connection.execute("pragma database_list").fetchall()
            if file not in [path for path, _held in tuple(_open)]:  # other threads add to it
                held = sqlite3.connect(file, check_same_thread=False)
                held.execute("pragma schema_version").fetchone()  # SQLite opens the file at the first read
                _open.append((file, held))
