"""A published database that changes while others have it open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


@contextmanager
def published_anew(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that changes a copy, which then takes the place of the file, as a publication does."""
    new = path.with_name(f"new {path.name}")
    shutil.copy(path, new)
    with duckdb.connect(str(new)) as connection:
        yield connection
    new.replace(path)
