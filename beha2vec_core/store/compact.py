"""Rewrite a DuckDB file: a deleted row's bytes stay in the free blocks of a file until they are used again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from beha2vec_core.files import put_in_place
from beha2vec_core.store import limits
from beha2vec_core.store.sql import identifier, quote


class CompactError(RuntimeError):
    """The file was left as it is; the message names the remedy."""


def compact(path: Path) -> None:
    """Put a copy of all that is in the file in its place, by one rename; the old file's bytes are gone.

    Nobody may write the file meanwhile. Owner, rights, storage version, comments, views and macros stay.

    Raises:
        CompactError: no room for the copy, or the copy is not like the original.
    """
    copy = path.with_name(f".{path.name}.compact")
    require_room(path)
    remove(copy)  # of a killed run
    try:
        with limits.connect() as connection:
            # others may read the file, but what its log has is only in it once it was opened for writing
            mode = "" if path.with_name(f"{path.name}.wal").exists() else " (read_only)"
            connection.execute(f"attach {quote(path)} as original{mode}")
            version = storage(connection, "original").rstrip("+")
            # a copy that was not finished is thrown away, so it needs no log
            options = f"storage_version {quote(version)}, recovery_mode no_wal_writes"
            connection.execute(f"attach {quote(copy)} as copy ({options})")
            connection.execute("copy from database original to copy")
            if rows_by_table(connection, "copy") != rows_by_table(connection, "original"):
                raise CompactError(f"the copy of {path.name} differs from it. Nothing was changed; report this")
            connection.execute("detach copy")
        take_place(copy, path)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    finally:
        remove(copy)


@contextmanager
def changed_copy(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Change a database that others may read: the block changes a copy, attached as ``copy``, that then replaces it.

    Raises:
        CompactError: no room for the copy.
    """
    copy = path.with_name(f".{path.name}.changed")
    require_room(path)
    remove(copy)
    try:
        shutil.copy2(path, copy)
        with limits.connect() as connection:
            connection.execute(f"attach {quote(copy)} as copy")
            yield connection
        compact(copy)
        put_in_place(copy, path)
    finally:
        remove(copy)


def require_room(path: Path) -> None:
    """Check that the disk has room for a copy of a file.

    Raises:
        CompactError: it has not.
    """
    needed, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise CompactError(
            f"{path.name} has to be rewritten, which needs {needed:,} bytes, and {free:,} are free. Make room in "
            f"{path.parent} and run the command again"
        )


def rows_by_table(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """How many rows each table of an attached database has."""
    names = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
    ).fetchall()
    found = {}
    for schema, table in names:
        source = ".".join(identifier(part) for part in (database, schema, table))
        ((rows,),) = connection.execute(f"select count(*) from {source}").fetchall()
        found[f"{schema}.{table}"] = int(rows)
    return found


def storage(connection: duckdb.DuckDBPyConnection, database: str) -> str:
    """The oldest DuckDB that reads the file of an attached database, as ``v1.5.0+``."""
    ((found,),) = connection.execute(
        "select tags['storage_version'] from duckdb_databases() where database_name = ?", [database]
    ).fetchall()
    return str(found)


def take_place(copy: Path, path: Path) -> None:
    """Put a copy in its original's place, with the same owner and rights."""
    old = path.stat()
    copy.chmod(old.st_mode)
    with suppress(PermissionError):  # only root gives files away
        os.chown(copy, old.st_uid, old.st_gid)
    put_in_place(copy, path)


def remove(copy: Path) -> None:
    """Delete a database that need not be there, with its log."""
    for name in (copy.name, f"{copy.name}.wal"):
        copy.with_name(name).unlink(missing_ok=True)
