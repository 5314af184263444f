"""A project from ``beha2vec init``, and what the commands say where something is missing."""

import json
import os
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app, doctor, project, runs

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("BEHA2VEC_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def new(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is a new project."""
    assert RUN.invoke(app, ["init", "shop"]).exit_code == 0
    monkeypatch.chdir(folder / "shop")
    return folder / "shop"


def test_a_new_project_has_all_that_dagster_reads(new: Path) -> None:
    assert project.dagster_home() == new / "dagster_home"
    found = {str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()}
    assert (new / ".env").stat().st_mode & 0o777 == 0o600, "it may hold keys"
    assert found == {".env", ".gitignore", "README.md", "workspace.yaml", "dagster_home/dagster.yaml"}
    repository = Path(__file__).parents[2]
    assert (new / "workspace.yaml").read_text() == (repository / "workspace.yaml").read_text()


def test_init_overwrites_nothing(new: Path) -> None:
    (new / ".env").write_text("BEHA2VEC_SOURCE=export\n")
    done = RUN.invoke(app, ["init", "."])
    assert done.exit_code == 1 and "already exists" in done.output
    assert (new / ".env").read_text() == "BEHA2VEC_SOURCE=export\n"


def test_the_demo_sets_its_export_once_and_leaves_another_alone(new: Path) -> None:
    values = project.prepare_demo(None)
    assert values["BEHA2VEC_SOURCE"] in (new / ".env").read_text()
    before = (new / ".env").read_text()
    assert project.prepare_demo(values["BEHA2VEC_SOURCE"]) == values and (new / ".env").read_text() == before
    shorter = project.prepare_demo(values["BEHA2VEC_SOURCE"], 28)
    assert shorter == values | {"BEHA2VEC_END_DATE": "2026-02-01"}
    assert (new / ".env").read_text() == before.replace("END_DATE=2026-03-29", "END_DATE=2026-02-01")
    (new / ".env").write_text("BEHA2VEC_SOURCE=/exports/shop\n")
    done = RUN.invoke(app, ["demo"])
    assert done.exit_code == 1 and "/exports/shop" in done.output and "beha2vec init demo" in done.output


@pytest.mark.parametrize("command", ["ui", "materialize"])
def test_another_folder_is_no_project(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "export").mkdir()
    event = {"event_date": "20260131", "event_timestamp": 1769860800000000, "event_name": "page_view"}
    (folder / "export" / "events_20260131.ndjson").write_text(json.dumps(event) + "\n")
    for name, value in {"SOURCE": "export", "START_DATE": "2026-01-31", "TIMEZONE": "UTC"}.items():
        monkeypatch.setenv(f"BEHA2VEC_{name}", value)
    done = RUN.invoke(app, [command])
    assert done.exit_code and f"{folder} is not a Beha2Vec project" in done.output and "beha2vec init" in done.output


def test_the_demo_needs_a_project_and_settings_that_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = RUN.invoke(app, ["demo"])
    assert done.exit_code == 1 and "is not a Beha2Vec project" in done.output and not (folder / ".env").exists()
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "Foo/Bar")
    done = RUN.invoke(app, ["demo"])
    assert done.exit_code == 2 and "Foo/Bar" in done.output and done.exc_info[0] is SystemExit


def test_a_dotenv_that_is_no_text_is_reported_once(new: Path) -> None:
    (new / ".env").write_bytes(b"BEHA2VEC_SOURCE=\xff\xfe\n")
    done = RUN.invoke(app, ["query", "select 1"])
    assert done.exit_code == 2 and "UTF-8" in done.output and done.exc_info[0] is SystemExit
    assert RUN.invoke(app, ["--version"]).exit_code == 0


def test_a_folder_without_env_says_so(folder: Path) -> None:
    done = RUN.invoke(app, ["materialize"])
    assert done.exit_code == 2 and f"There is no .env in {folder}" in done.output


@pytest.mark.parametrize("command", ["ui", "explore"])
def test_a_port_in_use_names_the_option(new: Path, command: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        done = RUN.invoke(app, [command, "--port", str(port)])
    assert done.exit_code == 1
    assert f"port {port} is in use: give another one with --port" in done.output


def test_materialize_names_what_is_wrong_with_the_export_before_it_starts(new: Path) -> None:
    (new / ".env").write_text(
        "BEHA2VEC_SOURCE=nowhere\nBEHA2VEC_START_DATE=2026-01-31\nBEHA2VEC_END_DATE=2026-02-01\nBEHA2VEC_TIMEZONE=UTC\n"
    )
    done = RUN.invoke(app, ["materialize"])
    assert done.exit_code == 1 and "nowhere" in done.output and len(done.output.splitlines()) == 2
    done = RUN.invoke(app, ["materialize", "--start", "2026-01-01"])
    assert done.exit_code == 2 and "BEHA2VEC_START_DATE=2026-01-31" in done.output


@pytest.mark.parametrize("command", [["query", "select 1"], ["summary"], ["chat", "hello"], ["export"], ["rollback"]])
def test_without_results_the_folder_looked_in_is_named(new: Path, command: list[str]) -> None:
    (new / ".env").write_text("BEHA2VEC_SOURCE=export\nBEHA2VEC_START_DATE=2026-01-31\nBEHA2VEC_TIMEZONE=UTC\n")
    done = RUN.invoke(app, command)
    assert done.exit_code == 1 and f"there are no results in {new / 'data'}: run beha2vec materialize" in done.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--start", "31.01.2026"], "31.01.2026 is not a day: write it as YYYY-MM-DD"),
        (["--start", "2026-03-01"], "the last day, 2026-02-01 (BEHA2VEC_END_DATE), is before the first, 2026-03-01"),
        (["--end", "2026-01-01"], "the last day, 2026-01-01 (--end), is before the first, 2026-01-31"),
    ],
)
def test_days_that_cannot_be_say_so(new: Path, options: list[str], sentence: str) -> None:
    (new / ".env").write_text(
        "BEHA2VEC_SOURCE=x\nBEHA2VEC_START_DATE=2026-01-31\nBEHA2VEC_END_DATE=2026-02-01\nBEHA2VEC_TIMEZONE=UTC\n"
    )
    done = RUN.invoke(app, ["materialize", *options], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert done.exit_code == 2 and sentence in done.output


def test_the_nightly_job_is_of_the_last_days_of_the_export(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (new / ".env").write_text(
        "BEHA2VEC_SOURCE=x\nBEHA2VEC_START_DATE=2026-01-01\nBEHA2VEC_END_DATE=2026-02-01\nBEHA2VEC_TIMEZONE=UTC\n"
    )
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(doctor, "checks_before_a_run", lambda settings: [])
    monkeypatch.setattr(runs, "_print_estimate", lambda *given: None)
    monkeypatch.setattr(runs, "_become_run", lambda *given: started.append(given))
    assert RUN.invoke(app, ["materialize", "--job", "refresh_last_days"]).exit_code == 0
    assert started == [(["--job", "refresh_last_days"], date(2026, 1, 30), date(2026, 2, 1), None)]
    # the whole graph says what it trains again
    (new / "data" / "encoders" / "e1").mkdir(parents=True)
    assert "--job refresh_last_days" in RUN.invoke(app, ["materialize"]).output
    assert RUN.invoke(app, ["materialize", "--job", "train_encoder", "--select", "x"]).exit_code == 2


def test_unknown_settings_are_named_by_every_command(new: Path) -> None:
    (new / ".env").write_text("BEHA2VEC_TIMEZON=UTC\n")
    assert "BEHA2VEC_TIMEZON (did you mean BEHA2VEC_TIMEZONE?)" in RUN.invoke(app, ["query", "select 1"]).output


def test_unknown_settings_are_named_beside_a_wrong_one(new: Path) -> None:
    (new / ".env").write_text("BEHA2VEC_DATADIR=x\nBEHA2VEC_START_DATE=31.1.\n")
    said = RUN.invoke(app, ["doctor"]).output
    assert "BEHA2VEC_DATADIR (did you mean BEHA2VEC_DATA_DIR?)" in said
    assert "BEHA2VEC_START_DATE (is '31.1.'): write a day as YYYY-MM-DD" in said


def test_version_by_command_and_module() -> None:
    by_module = subprocess.run(
        [sys.executable, "-m", "beha2vec_core", "--version"], capture_output=True, text=True, check=True
    )
    assert by_module.stdout == RUN.invoke(app, ["--version"]).output == "beha2vec 0.1.0\n"


@pytest.mark.parametrize(("umask", "denied"), [(0o022, 0o077), (0o027, 0o027)])
def test_what_is_written_is_not_for_others(folder: Path, umask: int, denied: int) -> None:
    """A group reads it only if the umask lets it and nobody else, as with the units of deploy/ do."""
    command = ["demo-data", "--out", "data/export", "--users", "20", "--days", "1"]
    subprocess.run([sys.executable, "-m", "beha2vec_core", *command], check=True, capture_output=True, umask=umask)
    written = [folder / "data", *(folder / "data").rglob("*")]
    assert len(written) > 2 and not [path for path in written if path.stat().st_mode & denied]
    assert all(bool(path.stat().st_mode & 0o040) == (umask == 0o027) for path in written)
