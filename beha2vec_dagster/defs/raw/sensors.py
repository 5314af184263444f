"""Sensors: what starts a run when something happened, at whatever hour."""

import hashlib
import json
import time
from datetime import UTC, date, datetime

import dagster as dg

from beha2vec_core.ga4.arrivals import Fingerprints, changed_days, fingerprints
from beha2vec_core.ga4.source_files import SourceNotFoundError
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_core.settings import ExportSettings
from beha2vec_dagster.defs.operations.jobs import UNATTENDED, refresh_last_days
from beha2vec_dagster.lib.partitions import RANGE_START, daily_partitions, range_tags


def build_sensors(settings: ExportSettings) -> list[dg.SensorDefinition]:
    """The sensor of new files of the export."""
    daily = daily_partitions(settings)

    @dg.sensor(
        job=refresh_last_days,
        minimum_interval_seconds=300,
        description="Days of the export that are new or have changed (files by name, size and time), and all later "
        "days, whose sequences include them; after a failed run, its days too. Use it instead of a "
        "schedule if exports arrive at irregular times.",
    )
    def new_exports(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """One run from the first changed day to the last day there is."""
        try:
            files = find_source_files(settings.export.source, settings.export.property_id)
        except SourceNotFoundError as error:
            return dg.SkipReason(str(error))
        kept = settings.first_kept_day("raw", datetime.now(UTC)) or settings.export.start_date
        partitions = {day for key in daily.get_partition_keys() if (day := date.fromisoformat(key)) >= kept}
        found = {day: state for day, state in fingerprints(files, now=time.time()).items() if day in partitions}
        seen = _read(context.cursor) if context.cursor else _materialized(context.instance, found)
        changed = changed_days(seen, found)
        cursor = json.dumps({day.isoformat(): state for day, state in sorted((seen | found).items())})
        if not changed:
            undated = sum(file.day is None for file in files)
            note = f"; {undated} files name no day, only the schedule nightly_refresh reads them" if undated else ""
            return dg.SensorResult(skip_reason=f"no day of the export has changed{note}", cursor=cursor)
        first = min([*changed, *_first_day_of_a_failed_run(context.instance)])
        last = max(partitions & (seen.keys() | found.keys()))
        state = hashlib.blake2b("".join(found[day] for day in changed).encode(), digest_size=8).hexdigest()
        request = dg.RunRequest(run_key=f"{first}...{last}:{state}", tags=range_tags(first, last) | UNATTENDED)
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return [new_exports]


def _read(cursor: str) -> Fingerprints:
    return {date.fromisoformat(day): state for day, state in json.loads(cursor).items()}


def _materialized(instance: dg.DagsterInstance, found: Fingerprints) -> Fingerprints:
    """At first sight the days that were read already count as seen: turning the sensor on does not read all again."""
    read = instance.get_materialized_partitions(dg.AssetKey("raw_ga4_events"))
    return {day: state for day, state in found.items() if day.isoformat() in read}


def _first_day_of_a_failed_run(instance: dg.DagsterInstance) -> list[date]:
    """Where the last run that this sensor asked for has failed: the day it began with, else nothing.

    A failed run is not asked for again by itself, as it would fail again; the next one makes up for it.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": "new_exports"}), limit=1)
    if not runs or runs[0].status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return []
    return [date.fromisoformat(runs[0].tags[RANGE_START])]
