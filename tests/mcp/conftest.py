"""What tests of the MCP server share."""

from pathlib import Path

import pytest

from tests.chat.chat_world import make_serving


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a published database; tests that change it take a copy."""
    return make_serving(tmp_path_factory.mktemp("mcp") / "serving.duckdb").parent
