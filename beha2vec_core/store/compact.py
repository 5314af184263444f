"""Rewrite a DuckDB file: a deleted row's bytes stay in the free blocks of a file until they are used again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from beha2vec_core.files import put_in_place


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
    _remove(copy)  # of a killed run
    try:
        with duckdb.connect() as connection:
            # others may read the file, but what its log has is only in it once it was opened for writing
            mode = "" if path.with_name(f"{path.name}.wal").exists() else " (read_only)"
            connection.execute(f"attach {_text(path)} as original{mode}")
            ((storage,),) = connection.execute(
                "select tags['storage_version'] from duckdb_databases() where database_name = 'original'"
            ).fetchall()
            version = str(storage).rstrip("+")
            connection.execute(f"attach {_text(copy)} as copy (storage_version {_text(version)})")
            connection.execute("copy from database original to copy")
            if _rows(connection, "copy") != _rows(connection, "original"):
                raise CompactError(f"the copy of {path.name} differs from it. Nothing was changed; report this")
            connection.execute("detach copy")
        old = path.stat()
        copy.chmod(old.st_mode)
        with suppress(PermissionError):  # only root gives files away
            os.chown(copy, old.st_uid, old.st_gid)
        put_in_place(copy, path)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    finally:
        _remove(copy)


@contextmanager
def changed_copy(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Change a database that others may read: the block changes a copy, attached as ``copy``, that then replaces it.

    Raises:
        CompactError: no room for the copy.
    """
    copy = path.with_name(f".{path.name}.changed")
    require_room(path)
    _remove(copy)
    try:
        shutil.copy2(path, copy)
        with duckdb.connect() as connection:
            connection.execute(f"attach {_text(copy)} as copy")
            yield connection
        compact(copy)
        put_in_place(copy, path)
    finally:
        _remove(copy)


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


def _rows(connection: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], int]:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
    ).fetchall()
    found = {}
    for schema, table in tables:
        ((rows,),) = connection.execute(f'select count(*) from {database}."{schema}"."{table}"').fetchall()
        found[schema, table] = int(rows)
    return found


def _remove(copy: Path) -> None:
    for name in (copy.name, f"{copy.name}.wal"):
        copy.with_name(name).unlink(missing_ok=True)


def _text(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
