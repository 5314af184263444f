"""While others work: files vanish, a run begins, and the search leaves the warehouse to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.cli import privacy as privacy_commands
from beha2vec_core.privacy.forgetting import find as find_module
from beha2vec_core.privacy.forgetting import forget as forget_module
from beha2vec_core.privacy.forgetting.find import Found
from beha2vec_core.privacy.forgetting.forget import locate, on_the_list
from beha2vec_core.privacy.forgetting.places import files_of
from beha2vec_core.privacy.people import People
from beha2vec_core.store.warehouse import Warehouse
from tests.privacy.privacy_world import ANN, PrivacyWorld


@pytest.mark.slow
def test_files_that_are_gone_meanwhile_are_no_error(world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files_of
    gone_file = world.home / "history" / "runs" / "a.db-shm"
    for module in (forget_module, find_module):
        monkeypatch.setattr(module, "files_of", lambda *given: [*real(*given), gone_file])
    assert world.forget(ANN).left == []
    on_the_list(world.settings, world.home)


def test_in_a_wrong_folder_no_one_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exit code of 3 would say that the person is nowhere."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["find-person", "--user", ANN])
    assert done.exit_code == 1 and "go to the project's folder" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_interrupted_removal_says_how_to_finish(world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.home.parent)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(world.settings.storage.data_dir))
    answers: list[list[str]] = [[], ["a1b2c3d4 (nightly)"]]
    monkeypatch.setattr(privacy_commands, "_runs_in_progress", lambda home: answers.pop(0) if answers else [])
    monkeypatch.setattr(privacy_commands, "_dagster_home", lambda: world.home)
    run = CliRunner().invoke
    stopped = run(app, ["forget", "--user", ANN, "--quiet"])
    assert stopped.exit_code == 1 and "run beha2vec forget --again" in stopped.stderr
    monkeypatch.setenv("BEHA2VEC_LOCK_TIMEOUT_SECONDS", "0.1")
    with Warehouse.of(world.settings.storage).exclusive("forget"):  # as another process that finishes it
        busy = run(app, ["forget", "--again", "--quiet"])
    assert busy.exit_code == 1 and "stayed locked" in busy.stderr and "interrupted" not in busy.stderr
    assert run(app, ["forget", "--again", "--quiet"]).exit_code == 0


def test_the_search_leaves_the_warehouse_to_others(world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    free = []
    searched = find_module._in_file

    def watched(connection: duckdb.DuckDBPyConnection, path: Path, people: People) -> Iterator[Found]:
        free.append((path.name, Warehouse.of(world.settings.storage).is_free()))
        return searched(connection, path, people)

    monkeypatch.setattr(find_module, "_in_file", watched)
    locate(world.settings, [ANN], world.home)
    assert [name for name, is_free in free if not is_free] == [world.settings.storage.warehouse_path.name]
