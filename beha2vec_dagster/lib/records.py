"""Dagster's records in SQLite. What of them this process may lose is decided here."""

import sqlite3

from sqlalchemy import Engine, event


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
