"""Jobs, schedules, pools and the ways to load the code location."""

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from beha2vec_core.explorer.views import VIEWS
from beha2vec_dagster.definitions import build_defs
from beha2vec_dagster.lib.resources import WarehouseResource
from beha2vec_dagster.materialize import _run_config
from tests.dagster.project import DAYS, REPOSITORY, Project, definitions, export_settings, make_project

pytestmark = pytest.mark.xdist_group("graph")


RUN = ("python", "-m", "beha2vec_dagster", "--start", DAYS[0], "--end", DAYS[0])


# each setting once, each way to start once: a start takes seconds
@pytest.mark.parametrize(
    ("command", "name", "value", "remedy"),
    [
        (("beha2vec", "materialize"), "timezone", "Mars/Olympus", "Europe/Berlin"),
        pytest.param(RUN, "page_classifiers", "gpt", "choose from rules, embedding", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_setting_is_reported_at_start(
    command: tuple[str, ...], name: str, value: str, remedy: str, tmp_path: Path
) -> None:
    done = make_project(tmp_path / "p", **{name: value}).run(*command, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"BEHA2VEC_{name.upper()} (is '{value}')" in done.stderr and remedy in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--select", "raw_ga4_event"], "--select raw_ga4_event selects no asset; did you mean raw_ga4_events?"),
        (["--select", "user_clusters,((("], "--select ((( selects no asset; the assets are in the UI's catalog"),
        (
            ["--job", "refresh"],
            "--job refresh is not a job: choose from apply_retention, check_exports, materialize_everything",
        ),
        (["--config", "nowhere.yaml"], "--config: give JSON, or the path of a JSON or YAML file"),
        (["--config", '{"ops": {"x": {}}}'], '--config: Received unexpected config entry "x" at path root:ops.'),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    options: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from beha2vec_dagster import definitions as module
    from beha2vec_dagster.materialize import main

    monkeypatch.setattr(module, "defs", lambda: definitions(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["--start", DAYS[0], "--end", DAYS[0], *options], instance) == 2
    said = capsys.readouterr()
    assert said.err.startswith(sentence) and said.out == ""


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("start_date", ("beha2vec", "rollback")),
        pytest.param("source", ("beha2vec", "materialize"), marks=pytest.mark.slow),
        pytest.param("timezone", RUN, marks=pytest.mark.slow),
    ],
)
def test_a_missing_setting_of_the_export_is_reported_at_start(
    missing: str, command: tuple[str, ...], tmp_path: Path
) -> None:
    done = make_project(tmp_path / "p", **{missing: ""}).run(*command, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"BEHA2VEC_{missing.upper()} is not set: set it in .env to ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_missing_setting_is_reported_where_the_definitions_are_loaded(tmp_path: Path) -> None:
    workspace = str(REPOSITORY / "workspace.yaml")
    project = make_project(tmp_path / "p", source="")
    loaded = project.run("dagster", "definitions", "validate", "-w", workspace, check=False)
    printed = loaded.stdout + loaded.stderr
    assert loaded.returncode != 0 and "BEHA2VEC_SOURCE is not set: set it in .env to " in printed
    assert printed.count('  File "') == 1, "the sentence says it all"


def test_importing_reads_no_settings_and_loads_no_heavy_library(tmp_path: Path) -> None:
    """A wrong setting, and a dbt project that is not there, stop who builds the definitions, not who imports them."""
    project = make_project(tmp_path / "p", timezone="Mars/Olympus")
    code = """
import importlib, os, pkgutil, sys, beha2vec_dagster, beha2vec_core.cli.doctor, beha2vec_core.settings as core
before = dict(os.environ)
def refuse(*_, **__):
    raise AssertionError("settings are read")
core.Settings.__init__ = refuse
for module in pkgutil.walk_packages(beha2vec_dagster.__path__, "beha2vec_dagster."):
    importlib.import_module(module.name)
assert before == dict(os.environ)
assert not {"matplotlib", "torch", "transformers", "sklearn", "sentence_transformers"} & {*sys.modules}
"""
    project.run("python", "-c", code)


def test_nightly_schedule_asks_for_the_last_three_days_in_one_run(tmp_path: Path) -> None:
    defs = definitions(tmp_path, start_date=date(2026, 1, 5), timezone="Europe/Berlin")
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 10, 5, tzinfo=UTC))
    request = defs.resolve_schedule_def("nightly_refresh")(context)
    assert isinstance(request, dg.RunRequest)
    assert {name: value for name, value in request.tags.items() if "range" in name} == {
        "dagster/asset_partition_range_start": "2026-03-07",
        "dagster/asset_partition_range_end": "2026-03-09",
    }


def test_new_exports_are_asked_for_once_with_all_days_after_them(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    defs = definitions(tmp_path, start_date=date(2026, 1, 5), end_date=date(2026, 1, 31), source=str(folder))
    new_exports = defs.resolve_sensor_def("new_exports")
    cursor, printed = None, []

    def deliver(day: int, text: str = "{}", age: int = 3600) -> None:
        folder.mkdir(exist_ok=True)
        file = folder / f"events_202601{day:02d}.json"
        file.write_text(text)
        os.utime(file, (time.time() - age,) * 2)

    def look() -> None:
        nonlocal cursor
        result = new_exports(dg.build_sensor_context(instance, cursor=cursor))
        if isinstance(result, dg.SkipReason):
            return printed.append(str(result.skip_message).split(" ")[:3])
        cursor = result.cursor
        ends = [f"dagster/asset_partition_range_{end}" for end in ("start", "end")]
        asked = [request.tags for request in result.run_requests or []]
        return printed.append([[tags[end][-2:] for end in ends] + [tags["dagster/max_retries"]] for tags in asked])

    with dg.DagsterInstance.ephemeral() as instance:
        look()  # no export yet
        deliver(5)
        look()  # the very first day
        for day in (6, 7):
            deliver(day)
        cursor = None
        instance.report_runless_asset_event(dg.AssetMaterialization("raw_ga4_events", partition="2026-01-05"))
        look()  # the 5th was read already
        look()
        deliver(9)
        deliver(1)  # the 8th is late, the 1st outside the configured days
        look()
        deliver(10, age=1)  # still growing
        look()
        deliver(6, "{} ")  # corrected: days after it look back on it
        look()
        for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS):
            tags = {"dagster/sensor_name": "new_exports", "dagster/asset_partition_range_start": "2026-01-07"}
            instance.add_run(dg.DagsterRun(job_name="refresh_last_days", tags=tags, status=status))
            look()  # nothing new: what failed would fail again
            deliver(11 if status == dg.DagsterRunStatus.FAILURE else 12)
            look()  # the next day makes up for a run that failed
    assert printed == [
        ["no", "GA4", "export:"], [["05", "05", "2"]], [["06", "07", "2"]], [],
        [["09", "09", "2"]], [], [["06", "09", "2"]], [], [["07", "11", "2"]], [], [["12", "12", "2"]],
    ]  # fmt: skip


def test_an_export_that_did_not_come_by_its_deadline_is_an_error(tmp_path: Path) -> None:
    def check(folder: str, **days: date) -> tuple[bool, str, int]:
        defs = definitions(tmp_path / folder, export_deadline_hour=0, timezone="Europe/Berlin", **days)
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def("check_exports").execute_in_process(instance=instance, raise_on_error=False)
            (found,) = result.get_asset_check_evaluations()
        return found.passed, found.severity.value, len(found.metadata["days"].value)

    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    assert check("late", start_date=today - timedelta(days=3)) == (False, "ERROR", 3)
    over = check("over", start_date=date(2026, 1, 5), end_date=date(2026, 1, 10))
    assert over == (True, "ERROR", 0), "days long past are not waited for"


def test_the_week_trains_on_from_the_encoder_in_use(tmp_path: Path) -> None:
    defs = definitions(tmp_path, nightly_hour=23)
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 8, 7, tzinfo=UTC))
    weekly_training = defs.resolve_schedule_def("weekly_training")
    (request,) = weekly_training.evaluate_tick(context).run_requests or []
    job = defs.resolve_job_def("train_encoder")
    dg.validate_run_config(job, request.run_config)
    selected = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert {"encoder_candidate", "encoder_evaluation", "trained_encoder", "serving_database"} <= selected
    assert not {"user_embeddings", "cluster_model", "user_sequences"} & selected, "no partition is asked for"
    assert (weekly_training.cron_schedule, request.tags["dagster/max_retries"]) == ("0 1 * * 0", "2")


def test_the_encoder_is_judged_when_trained_and_not_each_night(tmp_path: Path) -> None:
    defs = definitions(tmp_path)
    jobs = {"materialize_everything": True, "train_encoder": True, "refresh_last_days": False}
    for job, judged in jobs.items():
        keys = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
        assert ("encoder_evaluation" in keys) == judged, job


def test_assets_are_described_grouped_and_pooled(tmp_path: Path) -> None:
    described = definitions(tmp_path, owners=["team:data", "ann@shop.example"], explorer_url="http://localhost:8501/")
    graph = described.get_repository_def().asset_graph
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    assert len(nodes) >= 18
    for node in nodes:
        assert node.description and node.group_name != "default" and node.kinds, node.key
        assert node.owners == ["team:data", "ann@shop.example"]
        code = node.metadata["dagster/code_references"].code_references
        assert all(Path(one.file_path).exists() for one in code), "the UI opens the code"
        assert (REPOSITORY / str(node.metadata["docs"].value)).exists()
        address, view = str(node.metadata["explorer"].value).rsplit("/", 1)
        assert address == "http://localhost:8501" and view in {"", *(view.name for view in VIEWS[1:])}
        assert node.tags["layer"] and (node.tags["compute"] == "gpu") == ("gpu" in node.pools), node.key
    assert graph.get(dg.AssetKey("cluster_insights")).kinds == {"template"}
    asked = definitions(tmp_path, llm_api_key="key", llm_model="model").get_repository_def().asset_graph
    assert asked.get(dg.AssetKey("cluster_insights")).kinds == {"openai"}
    assert asked.get(dg.AssetKey("cluster_insights")).tags["compute"] == "llm"
    assert "explorer" not in asked.get(dg.AssetKey("cluster_insights")).metadata
    assert [node.key.to_user_string() for node in nodes if node.freshness_policy] == ["serving_database"]
    pools = {node.key.to_user_string(): sorted(node.pools) for node in nodes if node.pools}
    assert pools == {
        "enriched_pages": ["gpu"],
        "encoder_candidate": ["gpu"],
        "trained_encoder": ["gpu"],
        "encoder_evaluation": ["gpu"],
        "user_embeddings": ["gpu"],
        "prediction_examples": ["gpu"],
        "cluster_insights": ["openai"],
    }


def test_resources_can_be_replaced(tmp_path: Path) -> None:
    settings = export_settings(data_dir=tmp_path)
    elsewhere = WarehouseResource(database=str(tmp_path / "elsewhere.duckdb"), lock_timeout_seconds=60)
    resources = build_defs(settings, {"warehouse": elsewhere}).resources
    assert resources is not None and resources["warehouse"] is elsewhere and {"compute", "llm", "dbt"} < {*resources}


def test_asking_for_cuda_where_there_is_none_is_an_error(materialized: Project, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        return
    project = materialized.copy(tmp_path / "p")
    done = project.materialize("encoder_candidate", check=False, BEHA2VEC_DEVICE="cuda")
    assert done.returncode != 0 and "device='auto'" in done.stdout + done.stderr


@pytest.mark.slow
def test_dg_finds_the_definitions(tmp_path: Path) -> None:
    made = make_project(tmp_path / "p", data_dir=str(tmp_path / "data"))
    home = made.environment["DAGSTER_HOME"]
    project = Project(REPOSITORY, made.settings | {"DAGSTER_HOME": home})
    done = project.run("dg", "check", "defs")
    assert "loaded successfully" in done.stdout + done.stderr


def test_numbers_of_a_run_config_are_those_of_json() -> None:
    assert _run_config('{\n\t"learning_rate": 1e-4}') == {"learning_rate": 1e-4}
    assert _run_config("{ops: {encoder_candidate: {config: {epochs: 2}}}}")["ops"]


def test_a_config_that_cannot_be_read_is_one_line() -> None:
    with pytest.raises(ValueError, match="--config: give JSON, or the path of a JSON or YAML file") as refusal:
        _run_config("{a: [}")
    assert "\n" not in str(refusal.value)
