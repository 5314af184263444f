"""beha2vec explore: what it starts, warns of, and says where it cannot start."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.explorer import launch
from beha2vec_core.explorer.data import overview
from beha2vec_core.explorer.published import latest
from beha2vec_core.explorer.server import draw_overview, prepare
from beha2vec_core.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # with the demo's database in reach the command would become a server, in place of the tests' process
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))


def test_without_a_published_database_it_says_what_to_do() -> None:
    result = CliRunner().invoke(app, ["explore"])
    assert result.exit_code == 1
    assert "materialize" in result.output and "serving_database" in result.output and "Traceback" not in result.output


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_NEEDED", ("streamlit", "no_such_library"))
    result = CliRunner().invoke(app, ["explore"])
    assert result.exit_code == 1 and "pip install 'beha2vec[explorer]'" in result.output


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.0.7", False), ("shop.example", False)],
)  # fmt: skip
def test_other_machines_need_a_sign_in(host: str, local: bool) -> None:
    assert launch.is_loopback(host) is local
    with nullcontext() if local else pytest.raises(launch.LaunchError, match="EXPLORER_PASSWORD"):
        launch.require_sign_in(Settings(explorer_password=None), host)
    launch.require_sign_in(Settings(explorer_password="p"), host)  # type: ignore[arg-type]
    launch.require_sign_in(Settings(explorer_auth_header="X-User"), host)


def test_what_is_started_is_quiet_local_and_without_secrets() -> None:
    settings = Settings(explorer_password="s3cret")  # type: ignore[arg-type]
    command = launch.command(settings, "127.0.0.1", 8501)
    assert {"--browser.gatherUsageStats=false", "--server.enableXsrfProtection=true", "--server.address=127.0.0.1"} <= {
        *command
    }
    assert "s3cret" not in " ".join(command)
    assert "--server.allowedHosts=127.0.0.1" in command
    behind_proxy = launch.command(Settings(explorer_auth_header="X-User"), "127.0.0.1", 8501)
    assert not any("allowedHosts" in option for option in behind_proxy), "a proxy passes the name people typed on"


def test_a_header_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_EXPLORER_AUTH_HEADER", "X User: me")
    with pytest.raises(SettingsError, match="X-Forwarded-User"):
        Settings.load()


def test_the_help_names_the_extra() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert told.count('extra "explorer"') == 2


def test_the_server_starts_whatever_is_published(serving: Path, tmp_path: Path) -> None:
    """It loads the encoder and draws the overview first; what keeps it from that is the page's to say."""
    prepare(Settings(data_dir=tmp_path))  # nothing is published
    old = tmp_path / "serving.duckdb"
    shutil.copy(serving, old)
    with duckdb.connect(str(old)) as connection:  # as a release before wrote it
        connection.execute("alter table beha2vec.cluster_history rename column event_date to day")
    prepare(Settings(data_dir=tmp_path))
    draw_overview(Settings(data_dir=serving.parent))
    assert latest(serving).ask(overview.totals).users == 280
