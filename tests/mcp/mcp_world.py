"""Real clients of ``beha2vec mcp`` as a real process, over stdio and over HTTP."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Tool

from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.mcp.server import make_server, make_toolbox

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-these-tests-0123456789abcdef"
COMMAND = [sys.executable, "-m", "beha2vec_core", "mcp"]
Call = tuple[str, dict[str, Any]]
T = TypeVar("T")


def environment(data: Path, **settings: str) -> dict[str, str]:
    """Of a process that reads the database in ``data`` and no other setting of this machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BEHA2VEC_", "OPENAI_"))}
    return kept | {"PYTHONPATH": str(REPOSITORY), "BEHA2VEC_DATA_DIR": str(data), **settings}


@dataclass(frozen=True)
class Stdio:
    """A client starts the process."""

    data: Path

    def client(self, mode: str = "auto") -> Client:
        process = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment(self.data), cwd=self.data)
        return Client(process, mode=mode)


@dataclass(frozen=True)
class InProcess:
    """No process of its own, for what does not depend on how the messages travel."""

    toolbox: Toolbox

    @classmethod
    def of(cls, data: Path) -> InProcess:
        return cls(make_toolbox(data / "serving.duckdb"))

    def client(self, mode: str = "auto") -> Client:
        return Client(make_server(self.toolbox), mode=mode)


@dataclass(frozen=True)
class Http:
    """A process that listens."""

    port: int
    log: Path
    token: str = TOKEN

    def client(self, mode: str = "auto") -> Client:
        web = httpx2.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, timeout=60)
        return Client(streamable_http_client(f"http://127.0.0.1:{self.port}/mcp", http_client=web), mode=mode)

    def send(self, body: bytes, *, method: str = "POST", path: str = "/mcp", **headers: str | None) -> tuple[int, str]:
        """Status and body for a request of any bytes; None leaves a header out."""
        sent = {
            "host": f"127.0.0.1:{self.port}",
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "content-length": str(len(body)),
        } | headers
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


def run(talk: Callable[[], Awaitable[T]]) -> T:
    """What is awaited, in a thread of its own: a browser of other tests may have an event loop in this one."""
    with ThreadPoolExecutor() as threads:
        return threads.submit(anyio.run, talk).result()


def ask(server: Stdio | InProcess | Http, *calls: Call, mode: str = "auto") -> list[CallToolResult]:
    """The answers of one client, one call after the other."""

    async def talk() -> list[CallToolResult]:
        async with server.client(mode) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return run(talk)


def tools(server: Stdio | InProcess | Http, mode: str = "auto") -> list[Tool]:
    async def talk() -> list[Tool]:
        async with server.client(mode) as client:
            return (await client.list_tools()).tools

    return run(talk)


@contextmanager
def listening(data: Path, **settings: str) -> Iterator[Http]:
    """``beha2vec mcp --http`` on a free port, until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = data / f"mcp-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "--http", "--port", str(port)],
            cwd=data,
            env=environment(data, **{"BEHA2VEC_MCP_TOKEN": TOKEN} | settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            yield Http(port, log)
            assert process.poll() is None, f"the server ended: {log.read_text()}"
        finally:
            process.terminate()
            process.wait(timeout=30)
