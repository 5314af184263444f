"""A published copy for commands that read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty published copy where commands look for it; fill and close it before running them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "serving.duckdb")) as connection:
        yield connection
