"""How Dagster's records are written to SQLite: without waiting for the disk, with files and statements kept."""

import sqlite3
from collections import deque
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

# Dagster opens and closes a file for each record. When SQLite closes the last connection to a file, it writes the whole
# log back to the disk. So we keep one connection to each of the last few files open.
_open: deque[tuple[str, sqlite3.Connection]] = deque(maxlen=8)
_statements: dict[Any, Any] = {}
_MOST_STATEMENTS = 1000


def write_without_waiting() -> None:
    """Let this process write Dagster's records without waiting until each is on the disk.

    Dagster writes each record in two transactions, and a run of 90 days has 10,000 of them. A process that is killed
    loses none; a power failure can lose the last ones, and leaves the files whole (SQLite's write-ahead log).
    """
    registry.register("sqlite", __name__, "SQLiteDialect")
    for name, listener in (("connect", _set_up), ("engine_connect", _keep_statements)):
        if not event.contains(Engine, name, listener):
            event.listen(Engine, name, listener)


class SQLiteDialect(SQLiteDialect_pysqlite):  # type: ignore[misc]  # it has no types
    """SQLAlchemy's dialect, the same for all engines.

    Dagster makes an engine for each record. SQLAlchemy keeps the statements that it has compiled by dialect, so each
    engine compiled each statement again: half the CPU time of a record.
    """

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        """All are the same."""
        return type(self) is type(other)

    def __hash__(self) -> int:
        """One number for all."""
        return hash(type(self))


def _keep_statements(connection: Connection) -> None:
    if isinstance(connection.dialect, SQLiteDialect):
        if len(_statements) > _MOST_STATEMENTS:
            _statements.clear()
        connection.execution_options(compiled_cache=_statements)


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
