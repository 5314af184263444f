"""The published shop, made once for all tests of a session's worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.explorer.published import Published
from tests.explorer.explorer_world import make_serving
from tests.explorer.more_world import make_more


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_serving(tmp_path_factory.mktemp("shop") / "serving.duckdb")


@pytest.fixture(scope="session")
def published(serving: Path) -> Published:
    return Published(serving)


@pytest.fixture(scope="session")
def more_serving(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop with what look-alikes, pages and model read beside."""
    return make_more(serving, tmp_path_factory.mktemp("more") / "serving.duckdb")
