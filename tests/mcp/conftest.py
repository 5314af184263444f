"""What tests of the MCP server share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_world import DEVICE, OTHER, USER, make_serving
from tests.mcp.mcp_world import TOKEN, Http, listening

SECRET = "the secret of the file"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a published database; tests that change it take a copy."""
    return make_serving(tmp_path_factory.mktemp("mcp") / "serving.duckdb").parent


@pytest.fixture(scope="session")
def http(data: Path) -> Iterator[Http]:
    """The server of all tests of one worker; whatever they send it, it logs no secret and no user."""
    with listening(data) as found:
        yield found
        log = found.log.read_text()
    assert TOKEN not in log and "Traceback" not in log, log
    for secret in (USER, OTHER, DEVICE, "jane@", SECRET):
        assert secret not in log
