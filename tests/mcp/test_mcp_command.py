"""``beha2vec mcp``: what it needs to start, and whom it answers to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.mcp.server import make_server, make_toolbox
from beha2vec_core.mcp.transports import HttpError, http_app
from beha2vec_core.settings import Settings, SettingsError
from tests.chat.chat_world import make_serving
from tests.mcp.mcp_world import COMMAND, TOKEN, InProcess, ask, environment, listening

pytestmark = pytest.mark.xdist_group("mcp")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("BEHA2VEC_MCP_TOKEN", raising=False)
    return tmp_path


def refused(*options: str) -> str:
    result = CliRunner().invoke(app, ["mcp", *options])
    assert result.exit_code != 0 and "Traceback" not in result.output
    return result.output


def test_without_results_it_says_what_to_do() -> None:
    assert "run beha2vec materialize" in refused()
    assert "run beha2vec materialize" in refused("--http")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setattr("beha2vec_core.cli.mcp.find_spec", lambda _: None)
    assert "pip install 'beha2vec[mcp]'" in refused()


def test_http_needs_a_token(data: Path) -> None:
    (data / "serving.duckdb").touch()
    assert "BEHA2VEC_MCP_TOKEN" in refused("--http")
    assert "BEHA2VEC_MCP_TOKEN" in refused("--http", "--host", "192.0.2.1")


@pytest.mark.parametrize("token", ["short", "s" * 31, f"{'s' * 32} {'s' * 32}", f"{'s' * 40}ö"])
def test_a_weak_token_is_refused_and_not_shown(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_MCP_TOKEN", token)
    with pytest.raises(SettingsError, match="BEHA2VEC_MCP_TOKEN: give at least 32") as error:
        Settings.load()
    assert token not in str(error.value)


def test_the_token_is_a_secret() -> None:
    settings = Settings(mcp_token=f" {TOKEN}\n")
    assert TOKEN not in repr(settings) and settings.without_secrets(f"x {TOKEN}") == "x ***"
    assert settings.mcp.token is not None and settings.mcp.token.get_secret_value() == TOKEN


@pytest.mark.parametrize("hosts", ["https://mcp.shop.example", "mcp.shop.example/mcp", "*", "a b", "x:y"])
def test_names_are_names(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_MCP_HOSTS", hosts)
    with pytest.raises(SettingsError, match="host names without http://"):
        Settings.load()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", ""])
def test_every_address_needs_names(host: str, data: Path) -> None:
    server = make_server(make_toolbox(data / "serving.duckdb"))
    with pytest.raises(HttpError, match="BEHA2VEC_MCP_HOSTS"):
        http_app(server, Settings(mcp_token=TOKEN).mcp, host, 8765)
    http_app(server, Settings(mcp_token=TOKEN, mcp_hosts="mcp.shop.example").mcp, host, 8765)


@pytest.mark.slow
def test_it_answers_to_the_names_of_the_setting_only(data: Path) -> None:
    make_serving(data / "serving.duckdb")
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
    with listening(data, BEHA2VEC_MCP_HOSTS="mcp.shop.example,[2001:db8::1]:9000") as server:
        for host, status in {
            "mcp.shop.example": 200,
            f"mcp.shop.example:{server.port}": 200,
            "[2001:db8::1]:9000": 200,
            f"127.0.0.1:{server.port}": 421,
            "shop.example": 421,
            "mcp.shop.example.evil.example": 421,
        }.items():
            assert server.send(body, host=host)[0] == status, host
        assert server.send(body, host="mcp.shop.example", origin="https://mcp.shop.example")[0] == 200
        assert server.send(body, host="mcp.shop.example", origin="https://shop.example")[0] == 403


@pytest.mark.slow
def test_ctrl_c_ends_it(data: Path) -> None:
    (data / "serving.duckdb").touch()
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=data, env=environment(data)
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == -signal.SIGINT


def test_a_fault_is_one_sentence(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A database that fits no release: what DuckDB says of it stays here."""
    path = make_serving(data / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("alter table beha2vec.cluster_profiles drop column metric")
    facts, tables = ask(InProcess.of(data), ("cluster_facts", {"cluster": 1}), ("tables", {}))
    logged = caplog.text
    assert facts.is_error and not tables.is_error
    assert facts.structured_content == {
        "error": "the look-up failed: try another tool, or publish again with beha2vec materialize"
    }
    assert "the tool 'cluster_facts' failed" in logged and "Traceback" not in logged


def test_a_new_publication_is_read(data: Path) -> None:
    """The file is replaced while the server runs, also by one that is broken."""
    path = make_serving(data / "serving.duckdb")
    server = InProcess.of(data)
    (before,) = ask(server, ("list_clusters", {}))
    whole = path.read_bytes()
    (data / "new").write_bytes(b"this is no database" * 1000)
    (data / "new").replace(path)
    broken = ask(server, ("list_clusters", {}), ("sql", {"statement": "from anonymous.users_by_cluster"}))
    path.unlink()
    (gone,) = ask(server, ("list_clusters", {}))
    (data / "new").write_bytes(whole)
    (data / "new").replace(path)
    (after,) = ask(server, ("list_clusters", {}))
    assert all(answer.is_error and str(data) not in answer.structured_content["error"] for answer in (*broken, gone))
    assert broken[0].structured_content["error"] == "serving.duckdb cannot be read: see beha2vec doctor"
    assert "beha2vec materialize" in gone.structured_content["error"]
    assert not before.is_error and after.structured_content == before.structured_content
