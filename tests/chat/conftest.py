"""What tests of the chat share."""

from pathlib import Path

import pytest

from tests.chat.chat_world import make_serving


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published database; tests that change it take a copy."""
    return make_serving(tmp_path_factory.mktemp("chat") / "serving.duckdb")
