"""What tests of the chat share."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from tests.chat.chat_world import make_serving
from tests.semantic.semantic_world import make_world


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published database; tests that change it take a copy."""
    return make_serving(tmp_path_factory.mktemp("chat") / "serving.duckdb")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published database of a shop with known numbers; nothing writes to it."""
    return make_world(tmp_path_factory.mktemp("shop") / "serving.duckdb")


@pytest.fixture(scope="session")
def vocabulary(shop: Path) -> Vocabulary:
    """The words that are understood of that shop."""
    contents = Published(shop).contents()
    assert contents is not None
    return Vocabulary(contents)


@pytest.fixture(scope="session")
def data(shop: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(shop), read_only=True) as connection:
        yield connection
