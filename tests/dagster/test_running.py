"""Runs of the command line: how they end, and `beha2vec forget`, which waits for those of any kind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from filelock import FileLock
from typer.testing import CliRunner, Result

from beha2vec_core import progress
from beha2vec_core.cli import app
from beha2vec_core.privacy.forgetting.forget import forget
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.progress import with_progress
from beha2vec_dagster import definitions, materialize
from beha2vec_dagster.lib.console import console
from beha2vec_dagster.lib.records import write_without_waiting
from beha2vec_dagster.materialize import PROCESS_TAG
from tests.dagster.project import REPOSITORY
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


@dg.asset
def clusters(context: dg.AssetExecutionContext) -> None:
    context.log.warning("readers keep the old clusters")


@dg.op
def interrupts_all() -> None:
    time.sleep(1)  # the processes that show the output have started
    how = os.environ["HOW"]
    if how == "SIGINT":
        os.killpg(os.getpgid(os.getppid()), signal.SIGINT)  # as a terminal does
    else:
        os.kill(os.getppid(), signal.Signals[how])
    time.sleep(60)


@dg.job
def interrupted() -> None:
    interrupts_all()


def small() -> dg.Definitions:
    return dg.Definitions(
        assets=[clusters],
        jobs=[dg.define_asset_job("refresh", selection="*"), interrupted],
        loggers={"console": console},
    )


def test_a_job_ends_with_its_warnings_and_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(definitions, "defs", small)
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialize.main(["--job", "refresh", "--start", "2026-01-01", "--end", "2026-01-01"], instance) == 0
        (run,) = instance.get_runs()
    said = capsys.readouterr()
    assert run.job_name == "refresh"
    assert said.err == "\nwarning: clusters: readers keep the old clusters\n"
    assert said.out.splitlines()[-1] == "finished: 1 asset materialized. Next: beha2vec summary, or beha2vec explore"


def test_the_records_before_the_first_step_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-01"), backfill_policy=dg.BackfillPolicy.single_run())
    def days() -> None:
        list(with_progress([1, 2], title="in the step", unit="part"))

    job = dg.define_asset_job("materialize_everything", selection="*")
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(definitions, "defs", lambda: dg.Definitions(assets=[days], jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialize.main(["--start", "2026-01-01", "--end", "2026-01-03"], instance) == 0
    said = capsys.readouterr().out
    assert [line.partition(", ")[0] for line in said.splitlines()[:2]] == [
        f"recording the run: {number} of 3 records" for number in (1, 2)
    ]
    assert "in the step" not in said  # Dagster shows it


def test_records_do_not_wait_for_the_disk_where_none_can_be_broken(tmp_path: Path) -> None:
    write_without_waiting()
    for journal, synchronous in (("delete", 2), ("wal", 1)):
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / journal}", poolclass=sqlalchemy.NullPool)
        for _ in range(2):  # the journal is known from the second connection on
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(f"pragma journal_mode = {journal}"))
                found = connection.execute(sqlalchemy.text("pragma synchronous")).scalar()
        assert found == synchronous
    assert (tmp_path / "wal-wal").exists(), "what closes the file last would write all to the disk"


def test_statements_of_records_are_compiled_once(tmp_path: Path) -> None:
    """Dagster makes an engine for each record: without this, half the time of a record is compiling its statements."""
    write_without_waiting()
    engines: set[sqlalchemy.Engine] = set()
    compiled: list[dict[object, object]] = []

    def note(connection: sqlalchemy.Connection) -> None:
        engines.add(connection.engine)
        compiled.append(connection.get_execution_options()["compiled_cache"])

    sqlalchemy.event.listen(sqlalchemy.Engine, "engine_connect", note)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    sizes = []
    try:
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            for _ in range(3):
                instance.report_runless_asset_event(dg.AssetMaterialization("a"))
                assert instance.get_latest_materialization_event(dg.AssetKey("a"))
                sizes.append(len(compiled[-1]))
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "engine_connect", note)
    assert len(engines) > 1 and len({id(kept) for kept in compiled}) == 1
    assert sizes[1] == sizes[2] > 0


def test_a_plus_selects_all_that_follow() -> None:
    @dg.asset
    def a() -> None: ...

    @dg.asset(deps=[a])
    def b() -> None: ...

    @dg.asset(deps=[b])
    def c() -> None: ...

    job = dg.Definitions(assets=[a, b, c], jobs=[dg.define_asset_job("all", "*")]).resolve_job_def("all")
    for text in ("a+", 'key:"a"+', "a*", "+c", "a+2"):
        assert len(materialize._selected(text, job)) == 3, text
    assert len(materialize._selected("1+c", job)) == 2
    assert len(materialize._selected("a, b", job)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [("SIGINT", 130), ("SIGTERM", 130), ("SIGKILL", -9)])
def test_ctrl_c_cancels_a_run_and_an_end_from_outside_fails_it(tmp_path: Path, how: str, code: int) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    program = """if True:
        import sys
        from beha2vec_dagster import __main__, definitions
        from tests.dagster.test_running import small
        definitions.defs = small
        sys.exit(__main__.main())"""
    done = subprocess.run(
        [sys.executable, "-c", program, "--job", "interrupted", "--start", "2026-01-01", "--end", "2026-01-01"],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path), "HOW": how},
        cwd=REPOSITORY,
        start_new_session=True,
        capture_output=True,  # until the run has ended, too
        text=True,
    )
    assert done.returncode == code
    assert done.stderr == "\nThe run was stopped. Finished parts are kept: run the same command again to go on.\n"
    assert not list((tmp_path / "processes").iterdir()), "no mark stays"
    assert "ERROR" not in done.stdout and "termination" not in done.stdout
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        is_canceled = instance.get_runs()[0].status == dg.DagsterRunStatus.CANCELED  # no failure: no alert
        assert is_canceled == (how == "SIGINT")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "status"),
    [
        ([signal.SIGINT], dg.DagsterRunStatus.CANCELED),
        ([signal.SIGINT, signal.SIGINT], dg.DagsterRunStatus.CANCELED),
        ([signal.SIGTERM], dg.DagsterRunStatus.FAILURE),
    ],
)
def test_a_run_that_is_stopped_while_it_is_recorded_has_ended(
    tmp_path: Path, signals: list[signal.Signals], status: dg.DagsterRunStatus
) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    program = """if True:
        import sys
        import dagster as dg
        from beha2vec_core import progress
        from beha2vec_dagster import __main__, definitions
        days = dg.DailyPartitionsDefinition("2000-01-01")
        @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
        def of_days(): pass
        progress._SECONDS_BETWEEN_LINES = 0
        definitions.defs = lambda: dg.Definitions(assets=[of_days], jobs=[dg.define_asset_job("refresh", "*")])
        sys.exit(__main__.main())"""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program, "--job", "refresh", "--start", "2000-01-01", "--end", "2004-12-31"],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path)},
        cwd=REPOSITORY,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert any(line.startswith("recording the run: 100 of") for line in run.stdout)
        for number in signals:
            run.send_signal(number)
            time.sleep(0.1)
        _, said = run.communicate()
    assert run.returncode == 130
    assert said == "\nThe run was stopped. Finished parts are kept: run the same command again to go on.\n"
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert [run.status for run in instance.get_runs()] == [status]


def test_a_run_whose_process_died_while_it_was_canceled_is_canceled_by_the_next_command(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        (tmp_path / "processes").mkdir()
        tags = {PROCESS_TAG: "mark"}
        run_id = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.CANCELING, tags=tags).run_id

        def status() -> dg.DagsterRunStatus:
            materialize.close_dead_runs(instance)
            run = instance.get_run_by_id(run_id)
            assert run is not None
            return run.status

        with FileLock(tmp_path / "processes" / "mark.lock"):
            assert status() == dg.DagsterRunStatus.CANCELING, "it lives"
        assert status() == dg.DagsterRunStatus.CANCELED


def start_run(world: PrivacyWorld, **tags: str) -> str:
    with dg.DagsterInstance.from_config(str(world.home)) as instance:
        return instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED, tags=tags).run_id


def forget_ann() -> Result:
    return CliRunner().invoke(app, ["forget", "--user", ANN, "--quiet"])


@pytest.mark.slow
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
    start_run(world, **{PROCESS_TAG: "mark"})
    with FileLock(processes / "mark.lock"):
        assert forget_ann().exit_code == 1
    # one without a run yet, since its modules are still loading
    with FileLock(processes / "early.lock"):
        done = forget_ann()
    assert done.exit_code == 1 and "early (a run that is starting)" in done.stderr
    done = forget_ann()
    assert done.exit_code == 0 and "nothing left" in done.stdout


@pytest.mark.slow
def test_records_that_cannot_be_read_stop_forget(world: PrivacyWorld) -> None:
    (world.home / "dagster.yaml").write_text("storage: {sqlite: {base_dir: /proc/none}}\n")
    done = forget_ann()
    assert done.exit_code == 1 and "cannot be read" in done.stderr
    assert not (world.settings.storage.data_dir / "forgotten.csv").exists()


@pytest.mark.slow
def test_a_run_that_begins_meanwhile_makes_the_next_command_finish(world: PrivacyWorld) -> None:
    answers = [[], ["a1b2c3d4 (nightly)"]]
    with pytest.raises(PrivacyError, match="a1b2c3d4"):
        forget(world.settings, [ANN], world.home, runs_in_progress=lambda: answers.pop(0))
    certificate = forget(world.settings, [], world.home)
    assert certificate.left == [] and world.find(ANN) == []
