"""What a run will take, before it starts: time, memory, and scratch space on the disk.

All of it follows from the number of events with a few measured constants. Each names the command that
measured it; docs/scale.md has the tables. The time leaves out training and embedding, which depend on the device.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.dbt_vars import FEATURE_WEEKS, LOOKBACK_DAYS
from beha2vec_core.ga4.bigquery import DayTable
from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.settings import Settings
from beha2vec_core.store.chunks import EVENT_BYTES, RawDay, days_between, raw_days, split_days
from beha2vec_core.words import counted

# Bytes that base_ga4__events works on, in memory or on the disk, for each event that a dbt call builds.
# tests/benchmarks/dbt_build.py --events 1000000, without a limit: 2.1 GB.
WORK_PER_EVENT = 2_100
# int_ga4__events_sessionized reads some days around those of the call, but fewer columns.
# BEHA2VEC_MEMORY_LIMIT=512MB tests/benchmarks/dbt_build.py --events 1000000, the size of warehouse.duckdb.tmp sampled:
# 0.5 GB in memory and 0.5 GB on the disk.
SESSION_WORK_PER_EVENT = 1_000
_DAYS_AROUND = 11
# ml_ga4__user_features is built at once from the days that its weekly dates look back to. docs/scale.md, Measured:
# 4.3 million events with 512 MB spilled 2.8 GB. On sites with more users than feature_users it is less: 20.3 million
# spilled 7.4 GB.
FEATURE_WORK_PER_EVENT = 760
_FEATURE_DAYS = FEATURE_WEEKS * 7 + LOOKBACK_DAYS
# Bytes on the disk: raw partitions, the warehouse (371), the published copy (287; twice, because a new one is written
# beside the old one) and sequences (13). deploy/sizes.py, docs/deployment.md.
RESULT_BYTES_PER_EVENT = EVENT_BYTES + 371 + 2 * 287 + 13
# Memory of the processes beside DuckDB's: Dagster 0.5 GB, dbt 0.3 GB, and what steps do in Python.
# tests/benchmarks/scale.py --events 1000000, with 512 MB.
PROCESS_BYTES = 1_500 * 10**6
# Seconds of all steps without training and embedding: for each event, for each call of dbt, and once.
# tests/benchmarks/scale.py --events 1000000 20000000, two cores: 250 s and 1,950 s.
SECONDS_PER_EVENT = 120e-6
SECONDS_PER_DBT_CALL = 10
SECONDS_ONCE = 60
# Bytes of an event in an export that is compressed (gzip), or of plain text, or of a table of BigQuery, which counts
# its bytes before compression (not measured: gzip makes text about ten times smaller). The folders of
# tests/benchmarks/scale.py --events 100000 1000000.
COMPRESSED_BYTES, PLAIN_BYTES = 85, 850
_PLAIN = (".json", ".ndjson", ".jsonl", ".csv")

# Calls of fewer days mostly repeat the days around them, which sessions need.
_LEAST_DAYS = 7
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


class Estimate(NamedTuple):
    """What a run of some days takes."""

    days: int
    seconds: float  # of all steps but training and embedding
    memory_bytes: float  # of all processes at the most
    machine_bytes: float  # memory of the machine or container
    scratch_bytes: float  # on the disk at the most, for a while
    results_bytes: float  # that the data folder grows by
    free_bytes: float  # of that disk now
    dbt_calls: int  # calls of dbt for the incremental models

    @property
    def remedy(self) -> str | None:
        """What to change where the run does not fit into the memory or on the disk; None: it fits."""
        if self.memory_bytes > self.machine_bytes:
            left = (self.machine_bytes - PROCESS_BYTES) / 1e6
            lower = f"set BEHA2VEC_MEMORY_LIMIT to at most {left:.0f}MB (docs/scale.md), or " if left >= 1 else ""
            return f"{lower}use a machine with more memory: this one has {_gigabytes(self.machine_bytes)}"
        if self.scratch_bytes + self.results_bytes <= self.free_bytes:
            return None
        larger = "free some space, or set BEHA2VEC_DATA_DIR to a larger disk"
        if self.results_bytes > self.free_bytes:
            return f"{larger}, or take fewer days (BEHA2VEC_START_DATE)"
        return f"{larger}, raise BEHA2VEC_MEMORY_LIMIT, or lower (or remove) BEHA2VEC_DBT_CHUNK_DAYS"

    @property
    def summary(self) -> str:
        """All of it in one line."""
        minutes = max(1, round(self.seconds / 60))
        return (
            f"{counted(self.days, 'day')} in {counted(self.dbt_calls, 'dbt call')}: about {counted(minutes, 'minute')} "
            f"without training and embedding, {_gigabytes(self.memory_bytes)} of memory, "
            f"{_gigabytes(self.scratch_bytes)} of scratch and {_gigabytes(self.results_bytes)} of results "
            f"({_gigabytes(self.free_bytes)} of disk free)"
        )


def estimate_run(settings: Settings, first: date, last: date, export: Sequence[SourceFile] = ()) -> Estimate:
    """What a run of the days from first to last takes.

    Args:
        settings: the memory limit, the data folder, the days of a dbt call.
        export: files of the export, for days that have no raw partitions yet.
    """
    days = days_between(first, last)
    whole = days_between(min(first, settings.export.start_date or first), max(last, settings.export.end_date or last))
    storage = settings.storage
    there = raw_days(storage.raw_path)
    raw = _with_expected(there, days, export, len(whole))
    stored = sum(day.bytes for day in there.values())
    stored += sum(path.stat().st_size for path in (storage.warehouse_path, storage.serving_path) if path.exists())
    memory, free = memory_bytes(storage.memory_limit), free_bytes(storage.data_dir)
    chunks = split_days(days, raw, chunk_events(settings, days, raw), storage.dbt_chunk_days)
    total = sum(raw[day].events for day in days if day in raw)
    largest = max(sum(raw[day].events for day in chunk.days if day in raw) for chunk in chunks)
    everything = sum(day.events for day in raw.values())
    around = min(everything, largest + _DAYS_AROUND * everything / len(raw))
    features = sum(raw[day].events for day in sorted(raw)[-_FEATURE_DAYS:])
    work = max(largest * WORK_PER_EVENT, around * SESSION_WORK_PER_EVENT, features * FEATURE_WORK_PER_EVENT)
    return Estimate(
        days=len(days),
        seconds=SECONDS_ONCE + SECONDS_PER_DBT_CALL * len(chunks) + SECONDS_PER_EVENT * total,
        memory_bytes=PROCESS_BYTES + min(work, memory),
        machine_bytes=memory_bytes("100%"),
        scratch_bytes=max(0.0, work - memory),
        results_bytes=max(0.0, everything * RESULT_BYTES_PER_EVENT - stored),
        free_bytes=free,
        dbt_calls=len(chunks),
    )


def _with_expected(
    raw: Mapping[date, RawDay], days: Sequence[date], export: Sequence[SourceFile], span: int
) -> dict[date, RawDay]:
    """Raw partitions by day; for days without, what the export's files of ``span`` days will become."""
    expected: dict[date, float] = {}
    undated = 0.0
    for file in export:
        plain = file.path.suffix.lower() in _PLAIN or isinstance(file.origin, DayTable)
        events = file.size / (PLAIN_BYTES if plain else COMPRESSED_BYTES)
        if file.day is None:
            undated += events
        else:
            expected[file.day] = expected.get(file.day, 0) + events
    of_days = {day: round(expected.get(day, 0) + undated / span) for day in days}
    return {day: RawDay(events * EVENT_BYTES, events, "") for day, events in of_days.items()} | dict(raw)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


@cache  # a database is opened for it
def memory_bytes(limit: str) -> int:
    """What DuckDB makes of a memory limit such as 4GB or 80%, in bytes; it knows the limits of a container."""
    with duckdb.connect(config={"memory_limit": limit}) as connection:
        ((shown,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    amount, unit = re.fullmatch(r"([\d.]+) (\w+)", str(shown)).groups()  # type: ignore[union-attr]
    return int(float(amount) * 1024 ** _UNITS.get(unit[0].upper(), 0))


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder, which need not exist yet."""
    return shutil.disk_usage(existing_folder(folder)).free


def existing_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def chunk_events(settings: Settings, days: Sequence[date], raw: Mapping[date, RawDay]) -> float:
    """Events that one dbt call should build.

    As many as fit into the memory limit; but at least a week of these days, if half of the free disk can hold what
    does not fit.
    """
    memory = memory_bytes(settings.storage.memory_limit)
    events = [raw[day].events for day in days if day in raw]
    week = _LEAST_DAYS * sum(events) / len(events) if events else 0
    disk = (memory + free_bytes(settings.storage.data_dir) / 2) / WORK_PER_EVENT
    return max(memory / WORK_PER_EVENT, min(week, disk))
