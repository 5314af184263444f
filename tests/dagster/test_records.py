"""Records of days that are written in batches are those that Dagster writes one by one."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from beha2vec_dagster.lib.partitions import RANGE_END, RANGE_START
from beha2vec_dagster.lib.records import record_in_batches

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-07")
KEYS = [dg.AssetKey("visits"), dg.AssetKey("pages")]


@dg.multi_asset(
    specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in KEYS],
    check_specs=[dg.AssetCheckSpec("full", asset=KEYS[0])],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables() -> Iterator[Any]:
    for key in KEYS:
        yield dg.MaterializeResult(key, metadata={"rows": 3}, tags={"kept": "yes"}, data_version=dg.DataVersion("v"))
    yield dg.AssetCheckResult(passed=True, asset_key=KEYS[0], check_name="full")


def records(home: Path, *, in_batches: bool) -> dict[str, object]:
    """What Dagster knows of a run of five days, by its own questions."""
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        if in_batches:
            record_in_batches(instance)
        days = {RANGE_START: "2026-01-01", RANGE_END: "2026-01-05"}
        result = dg.Definitions(assets=[tables]).resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, tags=days
        )  # fmt: skip
        events = {key: instance.get_latest_materialization_event(key) for key in KEYS}
        latest = {key: event and event.asset_materialization for key, event in events.items()}
        checks = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(KEYS[0], "full"), limit=9
        )
        return {
            "of the run": Counter(
                (entry.dagster_event_type, event.asset_key, event.partition)
                for entry in instance.all_logs(result.run_id)
                if (event := entry.dagster_event) and event.asset_key
            ),
            "days": {key: instance.get_materialized_partitions(key) for key in KEYS},
            "statuses": {key: instance.get_status_by_partition(key, DAYS.get_partition_keys(), DAYS) for key in KEYS},
            "latest": {key: (made.partition, made.metadata) for key, made in latest.items() if made},
            "tags": {
                key: [dict(tags) for tags in instance.get_event_tags_for_asset(key, {"kept": "yes"})] for key in KEYS
            },
            "checks": [check.status for check in checks],
        }


def test_a_run_of_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")  # less than the run has
    one_by_one = records(tmp_path / "one_by_one", in_batches=False)
    in_batches = records(tmp_path / "in_batches", in_batches=True)
    assert in_batches == one_by_one
    assert one_by_one["days"] == {key: {*DAYS.get_partition_keys()[:5]} for key in KEYS}
    # Dagster writes them one by one after all if a batch fails
    assert "Exception while storing event batch" not in capfd.readouterr().err
