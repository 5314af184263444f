"""Real runs, real sensors, a real server: who is told of what, and of what not."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.dagster.project import definitions
from tests.helpers.alert_receivers import Hook, running

pytestmark = pytest.mark.xdist_group("graph")


@dg.asset_check(asset="raw_ga4_events")
def always_warns() -> dg.AssetCheckResult:
    metadata = {"message": "it is <odd>", "remedy": "look"}
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


@pytest.mark.slow
def test_failed_runs_and_checks_are_reported_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(Hook()) as hook:
        defs = definitions(
            tmp_path,
            start_date=date(2026, 1, 5),
            source="nowhere",
            dagster_url="http://dagster.example:3000/",
            alert_webhook_url=f"http://127.0.0.1:{hook.port}/s3cr3t",
        )
        ids, statuses, reactions = _tell(defs)
    output = capfd.readouterr()
    assert "s3cr3t" not in output.out + output.err
    assert statuses == [dg.DefaultSensorStatus.RUNNING] * 2
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


def _tell(defs: dg.Definitions) -> tuple[list[str], list[dg.DefaultSensorStatus], list[int]]:
    """Three runs of the graph and two of a check that warns, after each of which both sensors look, as the daemon does.

    They look once before, so that they begin at now. Gives the runs, the sensors' first status, and what each look met.
    """
    sensors = [defs.resolve_sensor_def(name) for name in ("alert_on_failed_runs", "alert_on_failed_checks")]
    cursors: dict[str, str | None] = {sensor.name: None for sensor in sensors}
    reactions: list[int] = []
    warns = dg.Definitions(
        asset_checks=[always_warns], jobs=[dg.define_asset_job("warns", dg.AssetSelection.all_asset_checks())]
    ).resolve_job_def("warns")

    def look() -> None:
        for sensor in sensors:
            with dg.build_sensor_context(instance, cursor=cursors[sensor.name], sensor_name=sensor.name) as context:
                tick = sensor.evaluate_tick(context)
            cursors[sensor.name] = tick.cursor
            reactions.append(len(tick.dagster_run_reactions))

    def run(job: dg.JobDefinition, **asked: Any) -> str:
        result = job.execute_in_process(instance=instance, raise_on_error=False, **asked)
        look()
        return result.run_id

    with dg.DagsterInstance.ephemeral() as instance:
        look()
        ids = [run(defs.resolve_job_def("check_exports"))]
        everything = defs.resolve_job_def("materialize_everything")
        raw = {"asset_selection": [dg.AssetKey("raw_ga4_events")], "partition_key": "2026-01-05"}
        ids.append(run(everything, **raw))
        ids.append(run(everything, **raw, tags={"dagster/will_retry": "true"}))
        for _ in range(2):
            run(warns)
    return ids, [sensor.default_status for sensor in sensors], reactions
