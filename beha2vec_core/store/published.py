"""The published database, opened: the one way for all who read it."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from beha2vec_core.store.limits import connect
from beha2vec_core.store.sql import quote


class NotPublishedError(RuntimeError):
    """There is no published database; the message names the remedy."""


def open_published(
    path: Path, *, written: Path | None = None, limits: Mapping[str, str | int] | None = None
) -> duckdb.DuckDBPyConnection:
    """The published database, open for reading only: no other files, no network, no extensions, no change of settings.

    It is attached to a database in memory of its own. So one process may open it several times, whatever the settings,
    and after a new publication it opens the new file, though an earlier connection still reads the old one. A cursor
    has to say ``use published`` before it finds the tables.

    Args:
        written: a folder that tables may be copied to even so.
        limits: DuckDB's settings of threads, memory and temporary files.

    Raises:
        NotPublishedError: there is no such file, or it cannot be read.
    """
    if not path.exists():
        raise NotPublishedError(
            f"there is no published database at {path}: materialize serving_database (beha2vec materialize does all)"
        )
    closed = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")
    config = {"temp_directory": f"{path}.tmp", **(limits or {}), **dict.fromkeys(closed, False)}
    connection = connect(config=config)
    try:
        connection.execute(f"attach {quote(path.absolute())} as published (read_only)")
        connection.execute("use published")
        if written:
            connection.execute(f"set allowed_directories = [{quote(written.absolute())}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        raise NotPublishedError(
            f"{path} cannot be read ({str(error).splitlines()[0]}): materialize serving_database again"
        ) from error
    return connection
