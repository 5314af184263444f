"""What Dagster's records of a run of many days take: ``python tests/benchmarks/records.py --days 30``.

17 assets with as much metadata as our models have, in SQLite: with all metadata in each record, with that of the latest
day only, and without waiting for the disk. Seconds, CPU seconds, and MB on the disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from beha2vec_dagster.lib.partitions import range_tags
from beha2vec_dagster.lib.records import write_without_waiting

START = date(2026, 1, 1)
DAYS = dg.DailyPartitionsDefinition(START.isoformat())
KEYS = [dg.AssetKey(f"table_{number}") for number in range(17)]
COLUMNS = [f"column_{number}" for number in range(50)]
ABOUT = {
    "dagster/column_schema": dg.TableSchema(
        [dg.TableColumn(name, "VARCHAR", description="What the column holds, in a sentence. " * 2) for name in COLUMNS]
    ),
    "dagster/column_lineage": dg.TableColumnLineage(
        {name: [dg.TableColumnDep(dg.AssetKey(parent), name) for parent in ("one", "other")] for name in COLUMNS}
    ),
    "preview": dg.MetadataValue.md("| cell " * 300),
}


def main() -> None:
    """Measure both and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30, help="days of the run (default: %(default)s)")
    days = parser.parse_args().days
    for name, latest, waits in (
        ("each day", False, True),
        ("latest day", True, True),
        ("without waiting", True, False),
    ):
        if not waits:
            write_without_waiting()
        began = time.perf_counter()
        cpu, size = _measure(days, latest=latest)
        seconds = time.perf_counter() - began
        print(f"{name}: {seconds:.1f} seconds, {cpu:.1f} CPU seconds, {size / 1e6:.1f} MB", flush=True)


def _measure(days: int, *, latest: bool) -> tuple[float, int]:
    @dg.multi_asset(
        specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in KEYS],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def tables(context) -> Iterator[dg.MaterializeResult]:  # type: ignore[no-untyped-def, type-arg]
        for key in KEYS:
            context.add_asset_metadata(
                ABOUT, asset_key=key, partition_key=context.partition_keys[-1] if latest else None
            )
            yield dg.MaterializeResult(key)

    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "dagster.yaml").write_text("telemetry: {enabled: false}")
        with dg.DagsterInstance.from_config(home) as instance:
            before = time.process_time()
            dg.Definitions(assets=[tables]).resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance,
                tags=range_tags(START, START + timedelta(days=days - 1)),
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
            seconds = time.process_time() - before
        return seconds, sum(path.stat().st_size for path in Path(home).rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
