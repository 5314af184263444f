"""What a run takes is said before it starts, and follows from the raw partitions."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beha2vec_core import estimate
from beha2vec_core.estimate import estimate_run, memory_bytes
from beha2vec_core.settings import Settings
from beha2vec_core.store.chunks import EVENT_BYTES, Chunk, RawDay, raw_days, split_days

FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(days=n) for n in range(10)]
MB = 10**6


@pytest.fixture(autouse=True)
def large_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much of this machine's disk is free is not what these tests are about."""
    monkeypatch.setattr(estimate, "free_bytes", lambda folder: 10**12)


def make(folder: Path, megabytes: int, days: list[date] = DAYS, **settings: object) -> Settings:
    """A data folder whose raw partitions have so many megabytes a day, without any content: as many events as usual."""
    for day in days:
        partition = folder / "raw_ga4_events" / "property_id=p" / f"event_date={day}"
        partition.mkdir(parents=True)
        with (partition / "events.parquet").open("wb") as file:
            file.truncate(megabytes * MB)
    return Settings(data_dir=folder, **settings)


def chunk(first: int, last: int) -> Chunk:
    return Chunk(DAYS[first], DAYS[last])


def test_days_are_cut_by_their_events_and_where_one_is_missing() -> None:
    raw = {day: RawDay(570, 10, "") for day in DAYS}
    assert split_days(DAYS, raw, 1000) == [chunk(0, 9)]
    assert split_days(DAYS, raw, 40) == [chunk(0, 3), chunk(4, 7), chunk(8, 9)]
    assert split_days(DAYS, raw, 1) == [chunk(n, n) for n in range(10)], "a day is the least"
    assert split_days(DAYS, raw, 1, most_days=5) == [chunk(0, 4), chunk(5, 9)]
    assert split_days([*DAYS[:3], *DAYS[6:]], raw, 1000) == [chunk(0, 2), chunk(6, 9)]
    assert split_days(DAYS, {DAYS[4]: RawDay(1, 99, "")}, 40) == [chunk(0, 3), chunk(4, 4), chunk(5, 9)]
    assert split_days([], raw, 40) == []


def test_the_state_of_a_day_follows_its_files(tmp_path: Path) -> None:
    make(tmp_path, 1, DAYS[:2])
    before = raw_days(tmp_path / "raw_ga4_events")
    assert [day.bytes for day in before.values()] == [MB, MB]
    other = tmp_path / "raw_ga4_events" / "property_id=q" / f"event_date={DAYS[0]}"
    other.mkdir(parents=True)
    (other / "events.parquet").write_bytes(b"x")
    after = raw_days(tmp_path / "raw_ga4_events")
    assert after[DAYS[0]].bytes == MB + 1 and after[DAYS[0]].state != before[DAYS[0]].state
    assert after[DAYS[1]] == before[DAYS[1]]


def test_rows_that_compress_well_count_as_events(tmp_path: Path) -> None:
    partition = tmp_path / "property_id=p" / f"event_date={DAYS[0]}"
    partition.mkdir(parents=True)
    pq.write_table(pa.table({"event_name": ["page_view"] * 10_000}), partition / "events.parquet")
    (day,) = raw_days(tmp_path).values()
    assert day.events == 10_000 > day.bytes / EVENT_BYTES
    (partition / "events.parquet").write_bytes(b"PAR1" + b"\xff" * 96 + (90).to_bytes(4, "little") + b"PAR1")
    (damaged,) = raw_days(tmp_path).values()
    assert damaged.events == damaged.bytes // EVENT_BYTES


def test_what_fits_into_memory_needs_no_scratch_and_one_call(tmp_path: Path) -> None:
    settings = make(tmp_path, 1, memory_limit="2GB")
    found = estimate_run(settings, DAYS[0], DAYS[-1])
    assert (found.dbt_calls, found.scratch_bytes, found.remedy) == (1, 0, None)
    assert found.memory_bytes == 10 * (MB // EVENT_BYTES) * estimate.WORK_PER_EVENT + estimate.PROCESS_BYTES


@pytest.mark.parametrize(("days", "read"), [(20, 20), (300, 230)])
def test_the_features_of_users_read_the_days_they_look_back_to(tmp_path: Path, days: int, read: int) -> None:
    settings = make(tmp_path, 10, [DAYS[0] + timedelta(days=n) for n in range(days)], memory_limit="100MB")
    found = estimate_run(settings, DAYS[0], DAYS[0])
    assert found.scratch_bytes == read * (10 * MB // EVENT_BYTES) * estimate.FEATURE_WORK_PER_EVENT - memory_bytes(
        "100MB"
    )


def test_what_does_not_fit_is_cut_but_not_below_a_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make(tmp_path, 20, memory_limit="1GB")
    found = estimate_run(settings, DAYS[0], DAYS[-1])
    assert found.dbt_calls == 2 and found.remedy is None
    work = max(7 * estimate.WORK_PER_EVENT, 10 * estimate.FEATURE_WORK_PER_EVENT)
    assert found.scratch_bytes == work * (20 * MB // EVENT_BYTES) - memory_bytes("1GB")
    monkeypatch.setattr(estimate, "free_bytes", lambda folder: 10**9)
    assert estimate_run(settings, DAYS[0], DAYS[-1]).dbt_calls == 5, "the disk is too small for a week"
    small = estimate_run(settings, DAYS[0], DAYS[-1])._replace(results_bytes=0)
    assert "BEHA2VEC_DBT_CHUNK_DAYS" in str(small.remedy)


def test_what_stays_has_to_fit_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make(tmp_path, 20, memory_limit="1GB")
    found = estimate_run(settings, DAYS[0], DAYS[0])
    # the raw partitions are there already
    assert found.results_bytes == 10 * (20 * MB // EVENT_BYTES) * estimate.RESULT_BYTES_PER_EVENT - 10 * 20 * MB
    settings.storage.warehouse_path.write_bytes(b"")
    os.truncate(settings.storage.warehouse_path, 1300 * MB)
    grown = estimate_run(settings, DAYS[0], DAYS[0])
    assert grown.results_bytes == found.results_bytes - 1300 * MB
    monkeypatch.setattr(estimate, "free_bytes", lambda folder: 2 * 10**9)
    remedy = str(estimate_run(settings, DAYS[0], DAYS[0]).remedy)
    assert "larger disk" in remedy and "BEHA2VEC_START_DATE" in remedy


@pytest.mark.parametrize(("machine", "remedy"), [(4, None), (2, "to at most 500MB"), (0.5, "with more memory")])
def test_memory_beside_duckdbs_has_to_fit_into_the_machine(tmp_path: Path, machine: float, remedy: str | None) -> None:
    settings = make(tmp_path, 20, memory_limit="1500MB")
    found = estimate_run(settings, DAYS[0], DAYS[-1])._replace(machine_bytes=machine * 10**9, free_bytes=10**12)
    assert (found.remedy is None) if remedy is None else (remedy in str(found.remedy))
