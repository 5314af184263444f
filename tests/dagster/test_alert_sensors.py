"""Real runs, real sensors, a real server: who is told of what, and of what not."""

import json
from pathlib import Path

import pytest
from project import make_project

from tests.core.alert_world import Hook, running

pytestmark = pytest.mark.xdist_group("graph")

# Both sensors are asked before, so that they begin at now, and after each run, as Dagster's daemon does.
CODE = """
import json, dagster as dg
from beha2vec_dagster import alerts
from beha2vec_dagster.definitions import defs
from beha2vec_dagster.resources import WarehouseResource
from beha2vec_dagster.settings import settings
sensors = {sensor.name: sensor for sensor in (alerts.alert_on_failed_runs, alerts.alert_on_failed_checks)}
cursors, reactions = dict.fromkeys(sensors), []
def look(instance):
    for name, sensor in sensors.items():
        with dg.build_sensor_context(instance, cursor=cursors[name], sensor_name=name) as context:
            tick = sensor.evaluate_tick(context)
        cursors[name] = tick.cursor
        reactions.append(len(tick.dagster_run_reactions))
def run(instance, job, **more):
    result = defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **more)
    look(instance)
    return result.run_id

@dg.asset_check(asset="raw_ga4_events")
def always_warns():
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN,
        metadata={"told": "it is <odd>", "remedy": "look"})
warning = dg.Definitions(asset_checks=[always_warns],
    jobs=[dg.define_asset_job("warns", dg.AssetSelection.all_asset_checks())]).resolve_job_def("warns")

with dg.DagsterInstance.ephemeral() as instance:
    look(instance)
    ids = [run(instance, "check_exports")]
    ids.append(run(instance, "materialize_everything", asset_selection=[dg.AssetKey("raw_ga4_events")],
        partition_key="2026-01-05"))
    ids.append(run(instance, "materialize_everything", asset_selection=[dg.AssetKey("raw_ga4_events")],
        partition_key="2026-01-05", tags={"dagster/will_retry": "true"}))
    for _ in range(2):
        warning.execute_in_process(instance=instance)
        look(instance)
statuses = [sensor.default_status.value for sensor in sensors.values()]
known = {sensor.name for sensor in defs.get_repository_def().sensor_defs}
print(json.dumps([ids, statuses, sorted(set(sensors) - known), reactions]))
"""


def test_failed_runs_and_checks_are_told_once(tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "p", start_date="2026-01-05", source="nowhere", dagster_url="http://dagster.example:3000/"
    )
    with running(Hook()) as hook:
        address = f"http://127.0.0.1:{hook.port}/s3cr3t"
        done = project.run("python", "-c", CODE, BEHA2VEC_ALERT_WEBHOOK_URL=address)
    ids, statuses, unknown, reactions = json.loads(done.stdout.splitlines()[-1])
    assert statuses == ["RUNNING", "RUNNING"] and unknown == []
    assert "s3cr3t" not in done.stdout + done.stderr
    assert len(reactions) == 2 * 6 and sum(reactions) == 5, "each run is seen by one sensor, once"
    late, failed, warns = hook.posts  # a run that begins again is not told, nor a warning that goes on

    assert late["title"] == "Beha2Vec: check_exports: 1 failed check" and late["run_id"] == ids[0]
    (problem,) = late["problems"]
    assert problem["what"] == "check exports_arrive_in_time of raw_ga4_events" and problem["severity"] == "error"
    assert "not there: " in problem["message"] and "BEHA2VEC_EXPORT_DEADLINE_HOUR" in problem["remedy"]
    assert late["url"] == f"http://dagster.example:3000/runs/{ids[0]}"

    assert failed["title"] == "Beha2Vec: materialize_everything: failed" and failed["run_id"] == ids[1]
    assert failed["problems"][0]["what"] == "step raw_ga4_events"
    assert "nowhere" in failed["problems"][0]["message"] and "Traceback" not in failed["text"]

    assert warns["severity"] == "warn" and warns["problems"][0]["message"] == "it is <odd>"
