"""What tests of the chat share."""

from pathlib import Path

import pytest

from tests.chat.chat_world import make_serving
from tests.helpers.groups import share_a_worker


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published database; tests that change it take a copy."""
    return make_serving(tmp_path_factory.mktemp("chat") / "serving.duckdb")


@pytest.hookimpl(tryfirst=True)  # before xdist reads groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_a_worker(items, Path(__file__).parent, "chat")
