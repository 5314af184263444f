"""`beha2vec forget` waits for runs of any kind, and a killed run of the command line does not stop it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from beha2vec_core.cli import app
from beha2vec_core.privacy.forgetting.forget import forget
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_dagster.materialize import _PROCESS_TAG
from tests.privacy.privacy_world import ANN, PrivacyWorld, make_world


@dg.job
def some_job() -> None: ...


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrivacyWorld:
    world = make_world(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(world.settings.storage.data_dir))
    monkeypatch.setenv("DAGSTER_HOME", str(world.home))
    return world


def start_run(world: PrivacyWorld, **tags: str) -> str:
    with dg.DagsterInstance.from_config(str(world.home)) as instance:
        return instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED, tags=tags).run_id


def forget_ann() -> Result:
    return CliRunner().invoke(app, ["forget", "--user", ANN, "--quiet"])


def test_a_run_stops_forget_until_it_has_ended_or_was_killed(world: PrivacyWorld) -> None:
    run_id = start_run(world)
    done = forget_ann()
    assert done.exit_code == 1 and f"{run_id[:8]} (some_job)" in done.stderr
    assert not (world.settings.storage.data_dir / "forgotten.csv").exists()
    with dg.DagsterInstance.from_config(str(world.home)) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        instance.report_run_canceled(run)
    # of the command line a living one does too, a killed one does not
    processes = world.home / "processes"
    processes.mkdir()
    start_run(world, **{_PROCESS_TAG: "mark"})
    with FileLock(processes / "mark.lock"):
        assert forget_ann().exit_code == 1
    done = forget_ann()
    assert done.exit_code == 0 and "nothing left" in done.stdout


def test_records_that_cannot_be_read_stop_forget(world: PrivacyWorld) -> None:
    (world.home / "dagster.yaml").write_text("storage: {sqlite: {base_dir: /proc/none}}\n")
    done = forget_ann()
    assert done.exit_code == 1 and "cannot be read" in done.stderr
    assert not (world.settings.storage.data_dir / "forgotten.csv").exists()


def test_a_run_that_begins_meanwhile_makes_the_next_command_finish(world: PrivacyWorld) -> None:
    answers = [[], ["a1b2c3d4 (nightly)"]]
    with pytest.raises(PrivacyError, match="a1b2c3d4"):
        forget(world.settings, [ANN], world.home, runs_in_progress=lambda: answers.pop(0))
    certificate = forget(world.settings, [], world.home)
    assert certificate.left == [] and world.find(ANN) == []
