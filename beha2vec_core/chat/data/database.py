"""The published database, open until a new publication has replaced it and the next question is asked.

To open one takes DuckDB longer than most questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from beha2vec_core.store.published import NotPublishedError, open_published

T = TypeVar("T")


class NotInData(LookupError):
    """The database cannot answer; the message says what is missing."""


class Database:
    """The published database, as it is when a question is asked."""

    def __init__(self, path: Path) -> None:
        """Remember the file; nothing is opened yet."""
        self.path = path
        self._kept: tuple[object, dict[str, Any]] = None, {}

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():
            raise NotInData("there are no results yet: run beha2vec materialize first")
        try:
            kept = self._of_this_publication()
            if "connection" not in kept:
                kept["connection"] = open_published(self.path)
            with kept["connection"].cursor() as cursor:
                cursor.execute("use published")
                yield cursor
        except NotPublishedError as error:
            raise NotInData(f"{self.path.name} cannot be read: see beha2vec doctor") from error
        except duckdb.CatalogException as error:
            name = re.search(r"name (\S+) does not exist", str(error))
            raise NotInData(
                f"the published database has no {name[1] if name else 'such table'}: materialize serving_database with "
                "this release"
            ) from error

    def _of_this_publication(self) -> dict[str, Any]:
        """What is kept of the file that is there now: its connection, and what was read once."""
        stat = self.path.stat() if self.path.exists() else None
        identity = stat and (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if identity is None or self._kept[0] != identity:
            self._kept = identity, {}
        return self._kept[1]

    def _once(self, name: str, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What is read once per publication."""
        kept = self._of_this_publication()
        if name not in kept:
            with self._connection() as connection:
                kept[name] = read(connection)
        found: T = kept[name]
        return found


def records(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | dict[str, object] | None = None
) -> list[dict[str, Any]]:
    """Rows as dictionaries, so that columns of later releases may be missing."""
    cursor = connection.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
