"""What a page of another site makes a browser send to `beha2vec ui` is refused; the UI itself works."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import websockets
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from beha2vec_core.cli import project
from beha2vec_dagster.ui import Guard

QUERY = json.dumps({"query": "{ version }"}).encode()
JSON = {"Content-Type": "application/json"}
EXPORTED_START = "2026-02-05"


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a running UI, and the file with what it wrote."""
    folder = tmp_path_factory.mktemp("ui") / "p"
    project.init(folder)
    (folder / ".env").write_text("BEHA2VEC_SOURCE=export\nBEHA2VEC_START_DATE=2026-01-31\nBEHA2VEC_TIMEZONE=UTC\n")
    environment = os.environ | {"BEHA2VEC_START_DATE": EXPORTED_START}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "ui.log"
    command = [sys.executable, "-m", "beha2vec_core", "ui", "--port", str(port)]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT) as server,
    ):
        deadline = time.monotonic() + 240
        while ask(port, "/server_info") is None and time.monotonic() < deadline:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        yield port, log
        children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True).stdout.split()
        server.send_signal(signal.SIGINT)
        server.wait(timeout=90)
    assert len(children) == 2, "the code server and the daemon"
    for child in children:
        assert not Path("/proc", child).exists(), "what it started ended with it"


def ask(
    port: int, path: str, data: bytes | None = None, method: str | None = None, headers: dict[str, str] | None = None
) -> int | None:
    """The status of an answer; None if nothing listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def answer(port: int, query: str) -> dict[str, Any]:
    """The data that GraphQL answers with."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(), JSON)
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response)["data"])


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/runs", {}, 200),
        ("GET", "/runs", {"Host": "rebound.example:3000"}, 403),
        ("GET", "/runs", {"Host": "localhost.evil.example"}, 403),
        ("GET", "/graphql", {}, 403),
        ("POST", "/graphql", JSON, 200),
        ("POST", "/graphql", {"Content-Type": "text/plain"}, 403),
        ("POST", "/graphql", JSON | {"Origin": "http://localhost:3000"}, 200),
        ("POST", "/graphql", JSON | {"Origin": "http://localhost:4000"}, 403),
        ("POST", "/report_asset_check/x", JSON | {"Origin": "https://evil.example"}, 403),
    ],
)
def test_the_rules_of_the_guard(method: str, path: str, headers: dict[str, str], status: int) -> None:
    client = TestClient(Guard(PlainTextResponse("passed on")), "http://localhost:3000")
    assert client.request(method, path, headers=headers).status_code == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:{port}", 200), ("127.0.0.1:{port}", 200), ("rebound.example:{port}", 403), ("localhost.example", 403)],
)
def test_it_answers_to_names_of_this_machine_only(ui: tuple[int, Path], host: str, status: int) -> None:
    headers = {"Host": host.format(port=ui[0])}
    assert ask(ui[0], "/server_info", headers=headers) == status
    assert ask(ui[0], "/graphql", QUERY, headers=headers | JSON) == status


@pytest.mark.slow
def test_graphql_is_taken_from_this_site_only(ui: tuple[int, Path]) -> None:
    port, _ = ui
    assert ask(port, "/graphql?query=%7Bversion%7D") == 403, "by GET, as a picture's address could be"
    assert ask(port, "/graphql", QUERY, headers={"Content-Type": "text/plain"}) == 403, "as a form could send it"
    assert ask(port, "/graphql", QUERY, headers=JSON | {"Origin": "https://evil.example"}) == 403
    assert ask(port, "/graphql", QUERY, headers=JSON | {"Origin": f"http://127.0.0.1:{port}"}) == 200
    assert ask(port, "/report_asset_check/x", b"{}", headers=JSON | {"Origin": "https://evil.example"}) == 403


@pytest.mark.slow
@pytest.mark.parametrize(("origin", "is_open"), [("http://localhost:{port}", True), ("https://evil.example", False)])
def test_websockets_are_taken_from_this_site_only(ui: tuple[int, Path], origin: str, is_open: bool) -> None:
    async def opens() -> bool:
        try:
            address = f"ws://localhost:{ui[0]}/graphql"
            headers = {"Origin": origin.format(port=ui[0])}
            protocols = [websockets.Subprotocol("graphql-ws")]
            async with websockets.connect(address, additional_headers=headers, subprotocols=protocols):
                return True
        except websockets.InvalidStatus:
            return False

    # in a thread of its own: a browser of other tests may have an event loop in this one
    with ThreadPoolExecutor() as threads:
        assert threads.submit(asyncio.run, opens()).result() == is_open


@pytest.mark.slow
def test_the_code_is_loaded_and_its_location_has_the_name_that_schedules_are_kept_by(ui: tuple[int, Path]) -> None:
    def entries() -> list[dict[str, str]]:
        return answer(ui[0], "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }")[
            "workspaceOrError"
        ]["locationEntries"]

    deadline = time.monotonic() + 60
    while [entry["loadStatus"] for entry in entries()] != ["LOADED"] and time.monotonic() < deadline:
        time.sleep(0.5)
    assert entries() == [{"name": "beha2vec", "loadStatus": "LOADED"}]
    written = ui[1].read_text()
    assert "Serving dagster-webserver" in written and "\x1b" not in written and "Warning" not in written, written


@pytest.mark.slow
def test_exported_variables_win_over_dotenv(ui: tuple[int, Path]) -> None:
    """Dagster's programs load .env over the environment; the graph's first day shows which one counts."""
    query = """{ assetNodeOrError(assetKey: {path: ["raw_ga4_events"]}) {
        ... on AssetNode { partitionKeysByDimension(startIdx: 0, endIdx: 1) { partitionKeys } } } }"""
    (days,) = answer(ui[0], query)["assetNodeOrError"]["partitionKeysByDimension"]
    assert days["partitionKeys"][0] == EXPORTED_START


@pytest.mark.slow
@pytest.mark.parametrize(("exported", "is_valid"), [(EXPORTED_START, True), ("", False)])
def test_a_line_of_dotenv_can_let_exported_variables_win_in_dagsters_own_programs(
    tmp_path: Path, exported: str, is_valid: bool
) -> None:
    """As docs/settings.md says of `dagster dev`."""
    (tmp_path / ".env").write_text(
        "BEHA2VEC_SOURCE=export\nBEHA2VEC_START_DATE=${BEHA2VEC_START_DATE:-never}\nBEHA2VEC_TIMEZONE=UTC\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "BEHA2VEC_START_DATE"}
    environment |= {"BEHA2VEC_START_DATE": exported} if exported else {}
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "definitions", "validate", "--module-name", "beha2vec_dagster.definitions"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
    written = done.stdout + done.stderr
    assert (done.returncode == 0) == is_valid, written
    assert ("BEHA2VEC_START_DATE (is 'never')" in written) != is_valid
