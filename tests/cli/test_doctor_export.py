"""The doctor's checks of the export and its time zone, on real files of each kind."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beha2vec_core.cli.doctor import export
from tests.cli.test_doctor import DAYS, make, put
from tests.ga4.ingest_world import DATA, DAY, event, needs_data, write

pytestmark = pytest.mark.usefixtures("clean_room")


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0), b"\x1f\x8b\x08", b"<html>403 Forbidden</html>"])
def test_a_bad_file_of_a_day_is_in_the_way_of_that_day_alone(content: bytes, tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    name = f"events_{DAYS[0]:%Y%m%d}.ndjson.gz"
    (tmp_path / "export" / name).write_bytes(content)
    found = export.check_export(make(tmp_path))
    assert found.status == "warn" and f"1 file cannot be read: {name}" in found.message
    is_seen = not content.startswith(b"<")  # rows are read until a file has events
    other = export.check_export(make(tmp_path, start_date=DAYS[1], end_date=DAYS[1]))
    assert other.status == ("warn" if is_seen else "ok")
    alone = export.check_export(make(tmp_path, end_date=DAYS[0]))
    assert alone.status == "fail" and name in alone.message and "export these files again" in alone.remedy


def test_bad_files_are_named_up_to_ten(tmp_path: Path) -> None:
    days = [DAY + timedelta(n) for n in range(14)]
    put(tmp_path, days)
    for day in days[:12]:
        (tmp_path / "export" / f"events_{day:%Y%m%d}.ndjson.gz").write_bytes(b"")
    found = export.check_export(make(tmp_path, end_date=days[-1]))
    assert found.status == "warn" and "; 12 files cannot be read: events_20240301" in found.message
    assert found.message.count("is empty") == 10 and found.message.endswith("; and 2 more")


def test_a_bad_file_without_a_day_may_be_of_any_day(tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    (tmp_path / "export" / "all.ndjson.gz").write_bytes(b"\x1f\x8b\x08")
    found = export.check_export(make(tmp_path))
    assert found.status == "fail" and "all.ndjson.gz" in found.message


def test_a_source_of_other_rows_is_no_export(tmp_path: Path) -> None:
    for n in range(30):
        write(tmp_path / "export" / f"events_{DAY + timedelta(n):%Y%m%d}.ndjson", [{"id": n}])
    found = export.check_export(make(tmp_path))
    assert found.status == "fail" and found.message.startswith("30 files cannot be read: events_20240301.ndjson: its")


def test_the_export_is_described(tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    write(tmp_path / "export" / "analytics_5" / "events_20240302.ndjson", [event(day=DAYS[1])])
    check = export.check_export(make(tmp_path))
    assert check.status == "ok"
    for part in ("4 files", "ndjson 4", "property ga4 3", "property 5 1", "2024-03-01 to 2024-03-03"):
        assert part in check.message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("events_20260131.csv", b"day,user\n1,2\n", "header lacks event_name"),
        ("events_20260131.ndjson.gz", b"\x1f\x8b\x08broken", ""),
        ("events_20260131.ndjson", b"<html><body>403 Forbidden</body></html>\n", "not valid JSON"),
        ("customers.json", b'[{"id": 1, "name": "Ann"}, {"id": 2, "name": "Ben"}]', "event_date is missing"),
        ("events_20260131.parquet", b"PAR1 broken", ""),
    ],
)
def test_a_file_that_is_not_what_its_name_says(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / name).write_bytes(content)
    check = export.check_export(make(tmp_path))
    assert check.status == "fail" and name in check.message and message in check.message and check.remedy


@pytest.mark.parametrize("setting", ["labels_file", "rules_file", "page_overrides_file"])
def test_the_files_of_pages_are_read(setting: str, tmp_path: Path) -> None:
    assert export.check_pages(make(tmp_path)).status == "ok"
    broken = tmp_path / "broken.yml"
    broken.write_text("- [")
    check = export.check_pages(make(tmp_path, **{setting: broken}))
    assert check.status == "fail" and "broken.yml" in check.message
    check = export.check_pages(make(tmp_path, page_classifiers="gpt"))
    assert check.status == "fail" and "BEHA2VEC_PAGE_CLASSIFIERS (is 'gpt')" in check.message


def test_days_missing_inside(tmp_path: Path) -> None:
    put(tmp_path, [DAY + timedelta(n) for n in (0, 2, 3, 7, 8)])
    check = export.check_export(make(tmp_path))
    assert check.status == "warn"
    assert "4 missing days inside: 2024-03-02, 2024-03-05 to 2024-03-07" in check.message


def test_a_day_in_two_forms(tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    put(tmp_path, DAYS[:1], "events_{day:%Y%m%d}.ndjson")
    check = export.check_export(make(tmp_path))
    assert (check.status, "1 day in several formats, first 2024-03-01: ndjson, ndjson.gz" in check.message) == (
        "warn",
        True,
    )


def test_tables_of_users_are_reported_and_change_nothing(tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    before = export.check_export(make(tmp_path))
    put(tmp_path, DAYS, "pseudonymous_users_{day:%Y%m%d}.ndjson.gz")
    check = export.check_export(make(tmp_path))
    assert check.status == "ok"
    assert check.message.startswith(before.message)
    assert "3 files of GA4's tables of users, read for consent" in check.message
    assert "pseudonymous_users" not in export.check_dates(make(tmp_path)).message
    for day in DAYS:
        (tmp_path / "export" / f"events_{day:%Y%m%d}.ndjson.gz").unlink()
    check = export.check_export(make(tmp_path))
    assert (check.status, "only GA4's tables of users" in check.message) == ("fail", True)
    assert check.remedy.startswith("Export the tables events_YYYYMMDD")


def test_arrays_and_zstd_are_sampled(tmp_path: Path) -> None:
    times = [1_709_290_800_000_000 + n * 60_000_000 for n in range(20)]
    rows = [event(event_timestamp=str(time)) for time in times]
    write(tmp_path / "export" / "all.json", json.dumps(rows, indent=2).encode()[:-200])
    with pa.CompressedOutputStream(tmp_path / "export" / "more.json.zst", "zstd") as stream:
        stream.write(json.dumps(rows).encode())
    check = export.check_timezone(make(tmp_path))
    assert (check.status, "of 39 sampled events" in check.message) == ("ok", True)


def test_our_own_partitions_are_no_export(tmp_path: Path) -> None:
    (tmp_path / "data" / "raw_ga4_events").mkdir(parents=True)
    (tmp_path / "data" / "raw_ga4_events" / "events.parquet").touch()
    check = export.check_export(make(tmp_path, source=str(tmp_path)))
    assert (check.status, "our own partitions" in check.message) == ("fail", True)


@pytest.mark.parametrize(
    ("start", "end", "status", "part"),
    [
        ("2024-03-01", "2024-03-03", "ok", "the export has 2024-03-01 to 2024-03-03"),
        ("2024-03-02", "2024-03-02", "ok", "2 of its days are left out"),
        ("2024-02-20", "2024-03-03", "warn", "10 days before it will be missing"),
        ("2024-03-01", "2024-03-05", "warn", "2 days after it will be missing"),
        ("2024-03-01", None, "warn", "(yesterday)"),
        ("2025-03-01", "2025-03-05", "fail", "share no day"),
        ("2023-03-01", "2023-03-05", "fail", "share no day"),
        ("2199-03-01", None, "fail", "there is no data in between"),
    ],
)
def test_dates(start: str, end: str | None, status: str, part: str, tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    check = export.check_dates(make(tmp_path, start_date=start, end_date=end))
    assert check.status == status
    assert part in check.message
    assert status == "ok" or check.remedy == "set BEHA2VEC_START_DATE=2024-03-01 and BEHA2VEC_END_DATE=2024-03-03"


def test_dates_of_an_undated_file_come_from_its_rows(tmp_path: Path) -> None:
    put(tmp_path, DAYS[:1], "all.ndjson")
    check = export.check_dates(make(tmp_path))
    assert "the export has 2024-03-01 to 2024-03-01 (seen in a sample)" in check.message


# --- time zone --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hours", "status"),
    [
        ("UTC", 0, "ok"),
        ("Asia/Tokyo", -9, "ok"),
        ("America/Los_Angeles", 8, "ok"),
        ("UTC", 8, "warn"),
        ("Europe/Berlin", -9, "warn"),
        ("Pacific/Auckland", 10, "fail"),
    ],
)
def test_time_zones(zone: str, hours: float, status: str, tmp_path: Path) -> None:
    put(tmp_path, DAYS, hours=hours)
    check = export.check_timezone(make(tmp_path, timezone=zone))
    assert check.status == status
    if status == "ok":
        assert "100.0% of 720" in check.message
    else:
        assert f"100.0% at UTC{-hours:+.0f}" in check.message
        assert "BEHA2VEC_TIMEZONE" in check.remedy


def test_times_in_milliseconds_are_no_export(tmp_path: Path) -> None:
    write(tmp_path / "export" / "events_20240301.ndjson", [event(event_timestamp="1709251200000")] * 3)
    found = export.check_export(make(tmp_path))
    assert found.status == "fail" and "event_timestamp is not in microseconds" in found.message
    zone = export.check_timezone(make(tmp_path))
    assert (zone.status, zone.remedy) == ("warn", "see the check of the export")


def test_dates_that_fit_no_zone_are_no_time_zone(tmp_path: Path) -> None:
    put(tmp_path, DAYS, hours=24 * 30)
    check = export.check_timezone(make(tmp_path))
    assert check.status == "fail" and "event_date or event_timestamp is wrong" in check.message


def test_each_property_in_its_own_time_zone(tmp_path: Path) -> None:
    for property_id, hours in (("1", 0), ("2", 8)):
        put(tmp_path, DAYS, hours=hours)
        (tmp_path / "export").rename(tmp_path / f"analytics_{property_id}")
    (tmp_path / "export").mkdir()
    for property_id in ("1", "2"):
        (tmp_path / f"analytics_{property_id}").rename(tmp_path / "export" / f"analytics_{property_id}")
    check = export.check_timezone(make(tmp_path, property_timezones={"2": "America/Los_Angeles"}))
    assert (check.status, check.message.count("100.0% of 720")) == ("ok", 2)
    check = export.check_timezone(make(tmp_path, property_timezones={"2": "Pacific/Auckland"}))
    assert (check.status, "BEHA2VEC_PROPERTY_TIMEZONES" in check.remedy) == ("fail", True)


def test_time_zone_from_csv_and_parquet(tmp_path: Path) -> None:
    micros = [1_709_290_800_000_000 + n * 60_000_000 for n in range(10)]
    columns = {"event_date": ["20240301"] * 10, "event_timestamp": micros}
    lines = ["event_date,event_timestamp", *(f"20240301,{n}.0" for n in micros), "20240301,x", "broken"]
    write(tmp_path / "export" / "a.csv.gz", "\n".join(lines).encode())
    pq.write_table(pa.table(columns), tmp_path / "export" / "events_20240301.parquet")
    stamped = pa.array(micros, pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"event_timestamp": stamped}), tmp_path / "export" / "events_20240302.parquet")
    check = export.check_timezone(make(tmp_path))
    assert (check.status, check.message[:40]) == ("ok", "66.7% of 30 sampled events happened on t")


def test_files_that_cannot_be_sampled(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    for name in ("events_20240301.parquet", "events_20240302.ndjson.gz", "events_20240303.csv"):
        (tmp_path / "export" / name).write_bytes(b"\x1f\x8b rubbish")
    check = export.check_timezone(make(tmp_path))
    assert (check.status, check.message) == ("warn", "no readable event to compare with")


@needs_data
@pytest.mark.parametrize(
    ("source", "zone", "elsewhere", "fits"),
    [
        # the store's own days are Californian; Google cut the public sample of its GA4 property at midnight UTC
        ("merch_store_2016_2017/export", "America/Los_Angeles", "Asia/Tokyo", "UTC-7"),
        ("merch_store_2016_2017/ga4_data.csv", "America/Los_Angeles", "UTC", "UTC-7"),
        ("ga4_merch_sample/events_bq_extract_style.ndjson.gz", "UTC", "America/Los_Angeles", "UTC+0"),
    ],
)
def test_time_zones_of_real_exports(source: str, zone: str, elsewhere: str, fits: str, tmp_path: Path) -> None:
    assert export.check_timezone(make(tmp_path, source=str(DATA / source), timezone=zone)).status == "ok"
    wrong = export.check_timezone(make(tmp_path, source=str(DATA / source), timezone=elsewhere))
    assert wrong.status in ("warn", "fail")
    assert fits in wrong.message
