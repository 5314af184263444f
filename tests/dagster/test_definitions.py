"""Jobs, schedules, pools and the ways to load the code location."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from project import REPOSITORY, Project, make_project

pytestmark = pytest.mark.xdist_group("graph")


def _python(project: Project, code: str) -> object:
    return json.loads(project.run("python", "-c", code).stdout.splitlines()[-1])


def test_a_wrong_setting_is_told_at_start(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", timezone="Mars/Olympus")
    done = project.run("beha2vec", "materialize", check=False)
    assert done.returncode == 2
    assert "BEHA2VEC_TIMEZONE" in done.stderr and "Europe/Berlin" in done.stderr


def test_nightly_schedule_asks_for_the_last_three_days_in_one_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", start_date="2026-01-05", timezone="Europe/Berlin")
    code = """
import json, dagster as dg
from datetime import datetime, timezone
from beha2vec_dagster.jobs import nightly_refresh
context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 10, 5, tzinfo=timezone.utc))
request = nightly_refresh(context)
print(json.dumps({k: v for k, v in request.tags.items() if "range" in k}))
"""
    assert _python(project, code) == {
        "dagster/asset_partition_range_start": "2026-03-07",
        "dagster/asset_partition_range_end": "2026-03-09",
    }


def test_new_exports_are_asked_for_once_with_all_days_after_them(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", start_date="2026-01-05", end_date="2026-01-31", source="export")
    code = """
import json, os, sys, time, dagster as dg
from pathlib import Path
from beha2vec_dagster.sensors import new_exports
folder, cursor, told = Path("export"), None, []
def deliver(day, text="{}", age=3600):
    folder.mkdir(exist_ok=True)
    file = folder / f"events_202601{day:02d}.json"
    file.write_text(text)
    os.utime(file, (time.time() - age,) * 2)
def look():
    global cursor
    context = dg.build_sensor_context(instance, cursor=cursor)
    result = new_exports(context)
    if isinstance(result, dg.SkipReason):
        return told.append(result.skip_message.split(" ")[:3])
    cursor = result.cursor
    ends = [f"dagster/asset_partition_range_{end}" for end in ("start", "end")]
    asked = [request.tags for request in result.run_requests or []]
    told.append([[tags[end][-2:] for end in ends] + [tags["dagster/max_retries"]] for tags in asked])
with dg.DagsterInstance.ephemeral() as instance:
    look()                                    # no export yet
    deliver(5)
    look()                                    # the very first day
    for day in (6, 7):
        deliver(day)
    cursor = None
    instance.report_runless_asset_event(dg.AssetMaterialization("raw_ga4_events", partition="2026-01-05"))
    look()                                    # the 5th was read already
    look()
    deliver(9), deliver(1)                    # the 8th is late, the 1st outside the configured days
    look()
    deliver(10, age=1)                        # still growing
    look()
    deliver(6, "{} ")                         # corrected: days after it look back on it
    look()
    for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS):
        tags = {"dagster/sensor_name": "new_exports", "dagster/asset_partition_range_start": "2026-01-07"}
        instance.add_run(dg.DagsterRun(job_name="refresh_last_days", tags=tags, status=status))
        look()                                # nothing new: what failed would fail again
        deliver(11 if status == dg.DagsterRunStatus.FAILURE else 12)
        look()                                # the next day makes up for a run that failed
print(json.dumps(told))
"""
    assert _python(project, code) == [
        ["no", "GA4", "export"], [["05", "05", "2"]], [["06", "07", "2"]], [],
        [["09", "09", "2"]], [], [["06", "09", "2"]], [], [["07", "11", "2"]], [], [["12", "12", "2"]],
    ]  # fmt: skip


def test_an_export_that_did_not_come_by_its_deadline_is_an_error(tmp_path: Path) -> None:
    code = """
import json, dagster as dg
from beha2vec_dagster.definitions import defs
with dg.DagsterInstance.ephemeral() as instance:
    result = defs.resolve_job_def("check_exports").execute_in_process(instance=instance, raise_on_error=False)
    (found,) = result.get_asset_check_evaluations()
    print(json.dumps([found.passed, found.severity.value, len(found.metadata["days"].value)]))
"""
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    hours = {"export_deadline_hour": "0", "timezone": "Europe/Berlin"}
    late = make_project(tmp_path / "late", start_date=str(today - timedelta(days=3)), **hours)
    assert _python(late, code) == [False, "ERROR", 3]
    over = make_project(tmp_path / "over", start_date="2026-01-05", end_date="2026-01-10", **hours)
    assert _python(over, code) == [True, "ERROR", 0], "days long past are not waited for"


def test_the_week_trains_on_from_the_encoder_in_use(tmp_path: Path) -> None:
    code = """
import json, dagster as dg
from datetime import datetime, timezone
from beha2vec_dagster.definitions import defs
from beha2vec_dagster.jobs import weekly_training
context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 8, 7, tzinfo=timezone.utc))
(request,) = weekly_training.evaluate_tick(context).run_requests
job = defs.resolve_job_def("train_encoder")
dg.validate_run_config(job, request.run_config)
selected = sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)
print(json.dumps([selected, weekly_training.cron_schedule, request.tags["dagster/max_retries"]]))
"""
    selected, cron, retries = _python(make_project(tmp_path / "p", nightly_hour="23"), code)
    assert {"encoder_candidate", "encoder_evaluation", "trained_encoder", "serving_database"} <= set(selected)
    assert not {"user_embeddings", "cluster_model", "user_sequences"} & set(selected), "no partition is asked for"
    assert (cron, retries) == ("0 1 * * 0", "2")


def test_the_encoder_is_judged_when_trained_and_not_each_night(tmp_path: Path) -> None:
    code = """
import json
from beha2vec_dagster.definitions import defs
jobs = ("materialize_everything", "train_encoder", "refresh_last_days")
keys = {job: defs.resolve_job_def(job).asset_layer.selected_asset_keys for job in jobs}
print(json.dumps({job: "encoder_evaluation" in {key.to_user_string() for key in found} for job, found in keys.items()}))
"""
    found = _python(make_project(tmp_path / "p"), code)
    assert found == {"materialize_everything": True, "train_encoder": True, "refresh_last_days": False}


def test_assets_are_described_grouped_and_pooled(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", owners="team:data, ann@shop.example")
    code = """
import json
from beha2vec_dagster.definitions import defs
graph = defs.get_repository_def().asset_graph
assert all(graph.get(key).owners == ["team:data", "ann@shop.example"] for key in graph.materializable_asset_keys)
nodes = [graph.get(k) for k in graph.materializable_asset_keys]
told = {n.key.to_user_string(): [bool(n.description), n.group_name, sorted(n.kinds), sorted(n.pools)] for n in nodes}
print(json.dumps(told))
"""
    nodes = _python(project, code)
    assert isinstance(nodes, dict) and len(nodes) >= 18
    for name, (described, group, kinds, _) in nodes.items():
        assert described and group != "default" and kinds, name
    pools = {name: pool for name, (*_, pool) in nodes.items() if pool}
    assert pools == {
        "enriched_pages": ["gpu"],
        "encoder_candidate": ["gpu"],
        "trained_encoder": ["gpu"],
        "encoder_evaluation": ["gpu"],
        "user_embeddings": ["gpu"],
        "cluster_insights": ["openai"],
    }


def test_asking_for_cuda_where_there_is_none_is_an_error(materialized: Project, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        return
    project = materialized.copy(tmp_path / "p")
    done = project.run("beha2vec", "materialize", "--select", "encoder_candidate", check=False, BEHA2VEC_DEVICE="cuda")
    assert done.returncode != 0 and "device='auto'" in done.stdout + done.stderr


def test_dg_finds_the_definitions(tmp_path: Path) -> None:
    home = make_project(tmp_path / "p").environment["DAGSTER_HOME"]
    project = Project(REPOSITORY, {"BEHA2VEC_DATA_DIR": str(tmp_path / "data"), "DAGSTER_HOME": home})
    done = project.run("dg", "check", "defs")
    assert "loaded successfully" in done.stdout + done.stderr
