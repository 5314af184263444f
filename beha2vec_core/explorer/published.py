"""The published database as the explorer sees it: one open file, and what was read of it.

A run replaces the file by a rename. Who has it open goes on reading the old one whole; `latest` gives the new one to
the next reader, and with the old one goes all that was remembered of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from weakref import ref

import duckdb
import pandas as pd

from beha2vec_core.store.published import open_published
from beha2vec_core.store.sample import sample_notice

P = ParamSpec("P")
R = TypeVar("R")

_REMEMBERED = 256  # answers; each is bounded by its query's limit
_TABLE = re.compile(r"\b(?:beha2vec|ga4)\.\w+")
# what is missing without a table of dbt's, and the asset that makes it; our own are there unless an earlier release
# published the file
_MADE_BY = {
    "beha2vec.decile_predictions": ("sums of predictions", "user_predictions"),
    "ga4.dim_ga4__pages": ("pages", "dim_ga4__pages"),
    "ga4.dim_ga4__properties": ("properties", "dim_ga4__properties"),
    "ga4.dim_ga4__users": ("facts of users", "dim_ga4__users"),
    "ga4.fct_ga4__conversions": ("conversions", "fct_ga4__conversions"),
    "ga4.fct_ga4__page_views": ("page views", "fct_ga4__page_views"),
    "ga4.fct_ga4__sessions": ("sessions", "fct_ga4__sessions"),
    "ga4.ga4_quality__daily": ("figures of the days", "ga4_quality__daily"),
    "ga4.int_ga4__identity_map": ("ids of users", "int_ga4__identity_map"),
    "ga4.ml_ga4__sequence_events": ("events of users", "ml_ga4__sequence_events"),
    "ga4.ml_ga4__user_features": ("features of users", "ml_ga4__user_features"),
}


class NothingYet(LookupError):
    """What is asked for has not been made; the message says what to materialize, in plain words."""

    def __init__(self, what: str, asset: str) -> None:
        super().__init__(f"There are no {what} yet. Materialize {asset}, then serving_database.")


def _identity(path: Path) -> tuple[int, int, int]:
    """Which file it is, and when it was written: a renamed one has another inode, one written over another time."""
    try:
        found = path.stat()
    except FileNotFoundError:
        open_published(path).close()  # the error names the remedy
        raise
    return found.st_mtime_ns, found.st_ino, found.st_size


class Published:
    """One published file. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            NotPublishedError: there is none, or it cannot be read.
        """
        self.path = path
        self.identity = _identity(path)
        self._connection = open_published(path)
        this = ref(self)  # another reference would keep the file open for longer
        self._remembered: Callable[..., Any] = lru_cache(_REMEMBERED)(
            lambda question, *args, **kwargs: question(this(), *args, **kwargs)
        )
        self._lock = Lock()
        with self.cursor() as cursor:
            self.sample = sample_notice(cursor)  # what to say beside all numbers, if not all users are there
            tables = cursor.execute("select table_schema || '.' || table_name from information_schema.tables")
            self._tables = {name for (name,) in tables.fetchall()}

    @property
    def published_at(self) -> datetime:
        """When the file was written, local time of this machine with its zone."""
        return datetime.fromtimestamp(self.identity[0] / 1e9).astimezone()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own, with temporary tables of one's own."""
        with self._lock:
            cursor = self._connection.cursor()
        try:
            cursor.execute("use published")
            yield cursor
        finally:
            cursor.close()

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of a SELECT. Values of people and data are parameters, never part of the text.

        Raises:
            NothingYet: it reads a table that is not there.
        """
        for table in _TABLE.findall(sql):
            self.require(table)
        with self.cursor() as cursor:
            return cursor.execute(sql, parameters).df()

    def has(self, table: str) -> bool:
        """Whether there is such a table (``ga4.dim_ga4__users``)."""
        return table in self._tables

    def require(self, table: str) -> None:
        """Raise `NothingYet` where the table is not there; `query` does it for those that it reads."""
        if not self.has(table):
            raise NothingYet(*_MADE_BY.get(table, ("data for this view", table.split(".")[1])))

    def ask(self, question: Callable[Concatenate[Published, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``question(self, *args)``, remembered for this file. Frames come as copies that cost nothing."""
        answer = self._remembered(question, *args, **kwargs)
        return cast(R, answer.copy(deep=False) if isinstance(answer, pd.DataFrame) else answer)


_open: dict[Path, Published] = {}
_opening = Lock()


def latest(path: Path) -> Published:
    """The file that is published now: the one open already, unless it has been replaced.

    Raises:
        NotPublishedError: there is none, or it cannot be read.
    """
    with _opening:
        found = _open.get(path)
        if found is None or found.identity != _identity(path):
            found = _open[path] = Published(path)
        return found
