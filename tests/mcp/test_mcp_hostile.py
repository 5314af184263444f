"""Hostile clients: nothing of single users, no file and no secret leaves, and the server goes on."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.sql import SqlLimits
from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.mcp import server
from tests.chat.chat_world import DEVICE, LOGIN, SMALL, USER
from tests.chat.hostile_sql import FILE, NOT_FOR_MODELS, REFUSED
from tests.helpers.cases import few_fast
from tests.helpers.hostile_text import HOSTILE_TEXTS
from tests.mcp.conftest import SECRET
from tests.mcp.mcp_world import COMMAND, TOKEN, Call, Http, ask, environment, run

pytestmark = pytest.mark.xdist_group("mcp")  # so that one worker starts the servers

ENDLESS = "select count(*) from range(10000000000000000)"


@pytest.fixture(autouse=True)
def _goes_on(http: Http) -> Iterator[None]:
    """After each attack the server answers as before."""
    yield
    status, text = http.send(request("tools/call", {"name": "tables", "arguments": {"search": "browser"}}))
    assert status == 200 and "anonymous.users_by_browser" in json.loads(text)["result"]["structuredContent"]["tables"]


def sql(*statements: str) -> list[Call]:
    return [("sql", {"statement": statement}) for statement in statements]


def errors(http: Http, *calls: Call) -> list[str]:
    """One sentence for each call: none of them is answered."""
    found = []
    for call, answer in zip(calls, ask(http, *calls), strict=True):
        assert answer.is_error and answer.structured_content.keys() == {"error"}, call
        found.append(answer.structured_content["error"])
    assert all(10 < len(error) < 600 and "\n" not in error for error in found)
    return found


# --- statements


def test_hostile_statements_are_refused(http: Http, data: Path) -> None:
    file = data / "secret.csv"
    file.write_text(f"a,b\n{SECRET},1\n")
    before = (data / "serving.duckdb").read_bytes()
    statements = [statement.replace(FILE, str(file)) for statement in (*NOT_FOR_MODELS, *REFUSED)]
    assert len(statements) > 200
    found = errors(http, *sql(*statements))
    assert SECRET not in "".join(found)
    assert all(error.startswith(("Not run: ", "DuckDB: ", "the arguments do not fit: ")) for error in found)
    assert (data / "serving.duckdb").read_bytes() == before and not list(data.glob("secret.csv.*"))


def test_huge_results_are_cut(http: Http) -> None:
    statements = [
        "select * from range(1000000)",
        "select repeat('x', 100000) from range(200)",
        "select list_transform(range(100), lambda i: repeat('x', 1000)) from range(50)",
        f"select {', '.join(f'repeat(chr(120), 900) as c{n}' for n in range(200))}",
        "select '\U0001f6d2' || repeat('\\\"', 2000) from range(200)",
    ]
    for answer in ask(http, *sql(*statements)):
        assert len(json.dumps(answer.structured_content)) < 60_000
        assert answer.is_error or answer.structured_content.get("more_rows") or answer.structured_content.get("cut")


@pytest.mark.slow
def test_endless_statements_end_and_others_are_answered_meanwhile(http: Http) -> None:
    ended: list[str] = []

    async def attack() -> None:
        async with http.client() as client, anyio.create_task_group() as tasks:

            async def call(name: str, arguments: dict[str, Any]) -> None:
                answer = await client.call_tool(name, arguments)
                ended.append(answer.structured_content.get("error", name))

            tasks.start_soon(call, *sql(ENDLESS)[0])
            await anyio.sleep(0.5)
            tasks.start_soon(call, "tables", {})
            while "tables" not in ended:
                await anyio.sleep(0.05)
            assert ended == ["tables"]

    run(attack)
    assert ended[1:] == ["Stopped after 10 s: ask for less, for example by WHERE, or with fewer joined rows."]


def test_only_so_many_calls_run_at_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_WAIT_SECONDS", 0.2)
    database = data / "serving.duckdb"
    limits = SqlLimits(seconds=0.8)
    toolbox = Toolbox(database, Aliases(database), min_users=20, sql_limits=limits, has_screen=False)
    answers: list[str] = []
    refused = threading.Event()

    def begin(*about: Any) -> Any:
        refused.wait()
        return Toolbox.call(toolbox, *about)

    monkeypatch.setattr(toolbox, "call", begin)

    async def attack() -> None:
        async with Client(server.make_server(toolbox)) as client:

            async def call() -> None:
                answers.append((await client.call_tool("sql", {"statement": ENDLESS})).structured_content["error"])
                if len(answers) == 3:
                    refused.set()

            async with anyio.create_task_group() as tasks:
                for _ in range(server.CALLS_AT_ONCE + 3):
                    tasks.start_soon(call)
            assert not (await client.call_tool("tables", {})).is_error

    run(attack)
    kinds = Counter(answer.split(":")[0] for answer in answers)
    assert kinds == {f"{server.CALLS_AT_ONCE} other calls are running": 3, "Not run": 2, "Stopped after 0.8 s": 2}


# --- questions about single users


def test_no_tool_is_about_single_users(http: Http) -> None:
    calls: list[Call] = [
        ("sample_journeys", {"cluster": 1}),
        ("similar_users", {"user": USER}),
        ("similar_users", {"user": "user_1"}),
        ("cluster_facts", {"cluster": SMALL}),
        ("compare_clusters", {"first": SMALL, "second": 0}),
    ]
    found = errors(http, *calls)
    assert all("there is no tool" in error for error in found[:3])
    assert all("fewer than 20 users" in error for error in found[3:])
    assert not any(secret in "".join(found) for secret in (USER, "user_1", DEVICE, LOGIN))


@pytest.mark.parametrize(
    "ids",  # one that exists, and one that does not
    few_fast(
        [
            (LOGIN, "C9000187"),
            (DEVICE, "1291951877.1751418266"),
            ("jane@shop.example", "jack@shop.example"),
            (USER, "c" * 31 + "3"),
        ],
        every=4,
    ),
)
def test_answers_do_not_show_which_ids_exist(http: Http, ids: tuple[str, str]) -> None:
    answers = []
    for name in ids:
        calls: list[Call] = [
            *sql(f"select '{name}' as user", f"select 'user {name}'::int"),
            *sql(f"select '{name[:4]}' || '{name[4:]}' as user"),
            ("predictions", {"target": f"user {name}"}),
            ("cluster_facts", {"cluster": 0, "search": f"user {name}"}),
            ("tables", {"search": f"user {name}"}),
            ("list_clusters", {f"user {name}": 1}),
            (f"user {name}", {}),
        ]
        answers.append([json.dumps(answer.structured_content).replace(name, "X") for answer in ask(http, *calls)])
    assert answers[0] == answers[1]


# --- arguments and names


def test_wrong_arguments_are_answered_with_what_is_wrong(http: Http) -> None:
    deep: Any = "x"
    for _ in range(80):
        deep = [deep]
    found = errors(
        http,
        ("cluster_facts", {}),
        ("cluster_facts", {"cluster": "many"}),
        ("cluster_facts", {"cluster": 10**400}),
        ("cluster_facts", {"cluster": 77}),
        ("cluster_facts", {"cluster": deep}),
        ("cluster_facts", {"cluster": 1, "search": "x" * 5000}),
        ("cluster_facts", {"cluster": 1, "path": "/etc/passwd"}),
        ("predictions", {"target": None}),
        ("predictions", {"target": "<b>" * 15}),
        ("sql", {"statement": ["select 1"]}),
        ("sql", {"statement": ""}),
    )
    assert all(error.startswith("the arguments do not fit: ") for error in (*found[:2], *found[4:8], found[9]))
    assert "there is no cluster" in found[2]
    assert (
        "there are 0, 1, 2, 3" in found[3] and "is not predicted. Predicted: purchase, return, add_to_cart" in found[8]
    )


def test_names_with_markup_are_no_tools(http: Http) -> None:
    names = [text[:2000] for text in HOSTILE_TEXTS if not re.search(r"[\ud800-\udfff]", text)]
    assert len(names) > 50
    for name in names:
        # a client of the SDK puts the name into a header too: as bytes, no client stands in the way
        status, text = http.send(request("tools/call", {"name": name, "arguments": {}}))
        result = json.loads(text)["result"]
        assert status == 200 and result["isError"] and result["structuredContent"].keys() == {"error"}
        error = result["structuredContent"]["error"]
        assert error.startswith("there is no tool ") and "list_clusters" in error
        assert not re.search(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", error)


def request(method: str, params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


GOOD = request("tools/list", {})
DEEP = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tables","arguments":'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 50_000,
        b"\xff\xfe{}",
        b"[" + GOOD + b"," + GOOD + b"]",
        GOOD.replace(b"tools/list", b"tools/drop"),
        GOOD.replace(b'"2.0"', b"2"),
        GOOD.replace(b"{}", b'"x"'),
        request("tools/call", {}),
        request("tools/call", {"name": 7}),
        request("tools/call", {"name": "tables", "arguments": "select 1"}),
        request("tools/call", {"name": "tables", "arguments": [1]}),
        request("resources/read", {"uri": "file:///etc/passwd"}),
        request("prompts/get", {"name": "x"}),
        request("logging/setLevel", {"level": "debug"}),
        DEEP + b'{"search":' * 900 + b"1" + b"}" * 902,
        DEEP + b'{"search":' + b"[" * 9000 + b"]" * 9000 + b"}}}",
        DEEP + b'{"search":' + b"1" * 9000 + b"}}}",
        DEEP + b'{"search":NaN}}}',
        DEEP + b'{"search":"\\ud800"}}}',
    ],
    ids=range(22),
)
@pytest.mark.parametrize("version", few_fast([None, "2025-06-18", "2026-07-28", "../../etc"], every=4))
def test_malformed_messages_are_refused(http: Http, body: bytes, version: str | None) -> None:
    status, text = http.send(body, **{"mcp-protocol-version": version})
    assert "Traceback" not in text and "site-packages" not in text and "root:" not in text
    assert status in (200, 400, 404), (status, text)
    answer = json.loads(text)
    assert "error" in answer or answer["result"].get("isError"), text


def test_a_large_message_is_refused(http: Http) -> None:
    status, _ = http.send(request("tools/call", {"name": "sql", "arguments": {"statement": "x" * 200_000}}))
    assert status == 413


# --- who may ask


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer  {TOKEN}",
        "Bearer t\xf6ken",
        f"Bearer wrong, Bearer {TOKEN}",
    ],
)
@pytest.mark.parametrize("method", few_fast(["POST", "GET", "DELETE"], every=3))
def test_without_the_token_nothing_is_answered(http: Http, header: str | None, method: str) -> None:
    status, text = http.send(GOOD, method=method, authorization=header)
    assert status == 401 and "tools" not in text and TOKEN not in text


def test_the_token_counts_in_its_header_only(http: Http) -> None:
    status, _ = http.send(GOOD, path=f"/mcp?token={TOKEN}&access_token={TOKEN}", authorization=None)
    assert status == 401
    status, _ = http.send(GOOD, authorization=None, cookie=f"token={TOKEN}")
    assert status == 401
    assert http.send(GOOD)[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 404), ("/mcp/../etc", 404), ("/.well-known/oauth-protected-resource", 404), ("/sse", 404)],
)
def test_there_is_one_path(http: Http, path: str, status: int) -> None:
    for token in (None, f"Bearer {TOKEN}"):
        assert http.send(GOOD, path=path, authorization=token)[0] == status


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1:1", "localhost.evil.example"],
)
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_foreign_hosts_are_refused(http: Http, host: str | None, version: str) -> None:
    """DNS rebinding: a page of another name that points to this machine."""
    status, text = http.send(GOOD, **{"host": host, "mcp-protocol-version": version})
    assert status in (400, 421) and "tools" not in text


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "http://127.0.0.1:1",
        "file://",
        "http://localhost@evil",
    ],
)
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_foreign_origins_are_refused(http: Http, origin: str, version: str) -> None:
    status, text = http.send(GOOD, **{"origin": origin, "mcp-protocol-version": version})
    assert status == 403 and "tools" not in text


def test_local_names_are_answered(http: Http) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert http.send(GOOD, host=f"{name}:{http.port}", origin=f"http://{name}:{http.port}")[0] == 200


def test_the_sdks_client_with_a_wrong_token_is_refused(http: Http) -> None:
    wrong = Http(http.port, http.log, token="wrong" * 8)
    with pytest.raises(BaseException) as refusal:
        ask(wrong, ("list_clusters", {}))
    reasons = [refusal.value]
    while isinstance(reasons[-1], BaseExceptionGroup):
        reasons.append(reasons[-1].exceptions[0])
    assert isinstance(reasons[-1], MCPError | httpx2.HTTPError), reasons


# --- stdio


@pytest.mark.slow
def test_rubbish_on_stdin_does_not_stop_the_server(data: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    lines = [
        b"rubbish",
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"jsonrpc": "2.0", "id": 9}',
        request("tools/drop", {}),
        request("initialize", hello),
        b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        b"{}",
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 77}}',
        request("tools/call", {"name": "sql", "arguments": {"statement": "from ga4.dim_ga4__users"}}),
        request("tools/list", {}).replace(b'"id": 1', b'"id": 2'),
    ]
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=data,
        env=environment(data),
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b"\n".join(lines) + b"\n")
        process.stdin.flush()
        printed, tools = "", set[str]()
        while not tools:  # the end of input would cancel what is not answered yet
            line = process.stdout.readline().decode()
            assert line, process.stderr.read().decode()
            printed += line
            answer = json.loads(line)
            tools = {tool["name"] for tool in answer["result"]["tools"]} if answer.get("id") == 2 else tools
        rest, errors = process.communicate(timeout=60)
    assert "sql" in tools and process.returncode == 0
    assert USER not in printed + rest.decode() + errors.decode()
