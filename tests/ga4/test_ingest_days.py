"""Days: replaced, missing, kept, unreadable; properties side by side; daily, fresh and intraday tables; spans."""

import gzip
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beha2vec_core.ga4 import sorting
from beha2vec_core.ga4.ingest import ingest_days, partition_file, require_usable
from beha2vec_core.ga4.report import IngestError, IngestReport
from beha2vec_core.ga4.source_files import SourceNotFoundError, source_days
from beha2vec_core.ga4.sources import find_export, find_source_files
from beha2vec_core.privacy.partitions import ORIGINALS
from tests.ga4.ingest_world import DAY, NEXT, World, event, ndjson, world

__all__ = ["world"]
D1, D2 = "events_20240301.ndjson", "events_20240302.ndjson"
BAD = "not json"


def statuses(report: IngestReport) -> dict[date, str]:
    return {day.event_date: day.status for day in report.days}


def refused(report: IngestReport, max_bad_share: float = 0.05) -> str:
    with pytest.raises(IngestError) as caught:
        require_usable(report, max_bad_share=max_bad_share)
    return str(caught.value)


def accepted(report: IngestReport, max_bad_share: float = 0.05) -> bool:
    require_usable(report, max_bad_share=max_bad_share)
    return True


def test_reading_the_same_day_twice_gives_the_same_rows(world: World) -> None:
    world.write(D1, [event(n, new=n) for n in range(20)])
    world.ingest()
    first = world.rows()
    world.ingest()
    assert world.rows() == first
    assert len(first) == 20


def test_a_delivery_in_another_order_and_form_gives_the_same_events(world: World) -> None:
    rows = [event(n) for n in range(20)]
    world.write(D1, rows)
    world.ingest()
    first = world.rows(columns="* exclude (_source_file, _source_line)")
    (world.export / D1).unlink()
    world.write(D1 + ".gz", rows[::-1])
    world.ingest()
    assert world.rows(columns="* exclude (_source_file, _source_line)") == first


@pytest.mark.slow
def test_a_large_day_is_sorted_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [event(n % 40, user_pseudo_id=f"{n}.1") for n in range(200)]  # five events of each time
    random.Random(3).shuffle(rows)
    world.write("events_20240301.ndjson", rows)
    world.ingest(keep_originals_days=1)
    whole = world.rows()
    assert [row["event_timestamp"] for row in whole] == sorted(row["event_timestamp"] for row in whole)
    # as if the memory were so small that a part of it holds a few rows
    monkeypatch.setattr(sorting, "_SORTED_SHARE", sorting._SORTED_SHARE / 1_000_000)
    world.ingest(keep_originals_days=1)
    for file in (partition_file(folder, "p1", DAY) for folder in (world.raw, world.raw.parent / ORIGINALS)):
        assert pq.read_metadata(file).num_row_groups > 5
        assert pq.read_table(file)["event_timestamp"].to_pylist() == [row["event_timestamp"] for row in whole]
    assert world.rows() == whole


def test_a_delivery_replaces_the_day_and_leaves_others_alone(world: World) -> None:
    world.write(D1, [event(n) for n in range(5)])
    world.write(D2, [event(n, NEXT) for n in range(3)])
    world.ingest([DAY, NEXT])
    world.write(D1, [event(7), event(8)])
    world.write(D2, [BAD])
    report = world.ingest([DAY])
    assert statuses(report) == {DAY: "ingested"}
    assert (len(world.rows(DAY)), len(world.rows(NEXT))) == (2, 3)


def test_a_source_without_files_reports_no_day(tmp_path: Path) -> None:
    assert refused(ingest_days([], [DAY], tmp_path / "raw")) == "no day was asked for, or the source has no files"


def test_a_missing_day_is_an_error_alone_and_recorded_in_a_range(world: World) -> None:
    world.write(D1, [event()])
    report = world.ingest([NEXT])
    assert statuses(report) == {NEXT: "missing"}
    message = refused(report)
    assert "no events for 2024-03-02" in message
    assert "BEHA2VEC_SOURCE" in message
    report = world.ingest([DAY, NEXT])
    assert statuses(report) == {DAY: "ingested", NEXT: "missing"}
    assert accepted(report)


def test_a_vanished_source_keeps_the_earlier_partition(world: World) -> None:
    world.write(D1, [event()])
    world.write(D2, [event(0, NEXT)])
    world.ingest([DAY, NEXT])
    (world.export / D1).unlink()
    report = world.ingest([DAY])
    assert (statuses(report), report.days[0].problem) == ({DAY: "kept"}, None)
    assert accepted(report)
    assert len(world.rows()) == 1
    shutil.rmtree(world.export)
    with pytest.raises(SourceNotFoundError, match="beha2vec demo-data"):
        world.ingest([DAY])


@pytest.mark.parametrize("content", [b"", gzip.compress(b""), b"\n\n"], ids=["empty", "empty gzip", "blank lines"])
def test_an_empty_delivery(content: bytes, world: World) -> None:
    path = world.write(D1, content)
    report = world.ingest()
    assert statuses(report) == {DAY: "missing"}
    assert f"no rows in {D1}" in refused(report)
    path.write_bytes(ndjson([event()]))
    world.ingest()
    path.write_bytes(content)
    report = world.ingest()
    assert (statuses(report), report.days[0].problem) == ({DAY: "kept"}, f"no rows in {D1}")
    assert len(world.rows()) == 1


def test_a_gzip_cut_short_leaves_the_old_partition_untouched(world: World) -> None:
    path = world.write(D1 + ".gz", [event(n) for n in range(3000)])
    world.ingest()
    before = world.rows()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    world.write(D2, [event(0, NEXT)])
    report = world.ingest([DAY, NEXT])
    assert statuses(report) == {DAY: "unreadable", NEXT: "ingested"}
    assert "cut short" in str(report.days[0].problem)
    assert [(row[2], row[3]) for row in report.quarantine if row[1] == DAY] == [(D1 + ".gz", None)]
    assert world.rows() == before
    alone = world.ingest([DAY])
    assert "cut short" in refused(alone)


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_plain_file_cut_short_is_not_trusted(cut: int, world: World) -> None:
    path = world.write(D1, [event(n) for n in range(100)])
    path.write_bytes(path.read_bytes()[: -1 - cut])
    report = world.ingest()
    assert statuses(report) == {DAY: "unreadable"}
    assert "the last, breaks off in the middle of an event" in str(report.days[0].problem)
    # every row is accounted for: those that could be read are held back with their day
    (day,) = report.days
    assert (day.rows_in, day.accepted, day.quarantined, day.withheld) == (100, 0, 100, 99)
    assert "withheld with its day: 99 rows that could be read" in [row[4] for row in report.quarantine]


def test_a_second_file_of_a_broken_day_is_held_back_too(world: World) -> None:
    world.write("events_20240301_000.ndjson", [event(n) for n in range(5)])
    (world.export / "events_20240301_001.ndjson.gz").write_bytes(gzip.compress(ndjson([event(9)]))[:-4])
    report = world.ingest()
    (day,) = report.days
    assert (day.status, day.rows_in, day.withheld) == ("unreadable", 5, 5)
    assert not world.has()


def test_a_day_with_too_many_bad_rows_is_refused_as_a_whole(world: World) -> None:
    world.write(D1, [event(n) for n in range(9)] + [BAD])
    assert statuses(world.ingest(max_bad_share=0.1)) == {DAY: "ingested"}
    world.write(D1, [event(n) for n in range(8)] + [BAD, BAD])
    report = world.ingest(max_bad_share=0.1)
    (day,) = report.days
    assert (day.status, day.rows_in, day.quarantined, day.withheld) == ("unreadable", 10, 10, 8)
    assert refused(report, 0.1).startswith(f"{DAY}: 2 of 10 rows could not be read, most because: not valid JSON.")
    assert len(world.rows()) == 9
    assert "raw.ga4_quarantine" in refused(report, 0.1)


def test_nothing_but_bad_rows_is_never_an_empty_day(world: World) -> None:
    world.write(D1, [BAD, BAD])
    report = world.ingest(max_bad_share=1)
    assert statuses(report) == {DAY: "unreadable"}
    assert "most because: not valid JSON" in refused(report, 1)


def test_a_range_fails_when_too_many_of_all_rows_are_bad(world: World) -> None:
    days = [DAY + timedelta(n) for n in range(4)]
    for day in days:
        world.write(f"events_{day:%Y%m%d}.ndjson", [event(n, day) for n in range(10)])
    world.write(D1, [BAD] * 10)
    report = world.ingest(days)
    assert list(statuses(report).values()) == ["unreadable", "ingested", "ingested", "ingested"]
    assert accepted(report, 0.25)
    assert "2024-03-01 to 2024-03-04" in refused(report, 0.2)


def test_no_day_asked_for(world: World) -> None:
    world.write(D1, [event()])
    assert "no day was asked for" in refused(world.ingest([]))


def test_rows_of_another_day_in_a_dated_file_count_against_the_files_day(world: World) -> None:
    world.write(D1, [event(0), event(0, NEXT), event(1, NEXT)])
    world.write(D2, [event(5, NEXT)])
    report = world.ingest([DAY, NEXT], max_bad_share=0.9)
    assert {day.event_date: (day.accepted, day.quarantined) for day in report.days} == {DAY: (1, 2), NEXT: (1, 0)}
    assert {row[1] for row in report.quarantine} == {DAY}
    assert len(world.rows(NEXT)) == 1


def test_properties_lie_side_by_side(world: World) -> None:
    world.write(f"analytics_111/{D1}.gz", [event(0)])
    world.write("property_id=222/event_date=2024-03-01/part-0.ndjson", [event(n) for n in range(2)])
    world.write("property_id=222/event_date=2024-03-02/part-0.ndjson", [BAD])
    world.write(D1, [event(n) for n in range(3)])
    report = world.ingest([DAY, NEXT])
    found = {(day.property_id, day.event_date): (day.status, day.accepted) for day in report.days}
    assert found == {
        ("111", DAY): ("ingested", 1),
        ("222", DAY): ("ingested", 2),
        ("p1", DAY): ("ingested", 3),
        ("111", NEXT): ("missing", 0),
        ("222", NEXT): ("unreadable", 0),  # of two files with one name only the bad one's day is refused
        ("p1", NEXT): ("missing", 0),
    }
    assert world.values("_source_file", DAY, "222") == ["property_id=222/event_date=2024-03-01/part-0.ndjson"] * 2


def test_intraday_and_fresh_give_way_to_daily(world: World) -> None:
    world.write("events_intraday_20240301.ndjson", [event(n) for n in range(9)])
    world.write("events_intraday_20240302.ndjson", [event(n, NEXT) for n in range(2)])
    world.write("other/analytics_5/events_intraday_20240301.ndjson", [event(0)])
    world.ingest([DAY, NEXT])
    assert (len(world.rows(DAY)), len(world.rows(NEXT))) == (9, 2)
    world.write("events_fresh_20240301.ndjson", [event(n) for n in range(8)])
    world.ingest([DAY])
    assert len(world.rows(DAY)) == 8
    world.write(D1, [event(n) for n in range(7)])
    world.ingest([DAY, NEXT])
    assert (len(world.rows(DAY)), len(world.rows(NEXT)), len(world.rows(DAY, "5"))) == (7, 2, 1)


def test_undated_files_hold_many_days(world: World) -> None:
    days = [DAY + timedelta(n) for n in range(3)]
    world.write("all.ndjson.gz", [event(n, day) for day in days for n in range(4)] + [event(9, event_date=None), BAD])
    report = world.ingest(days[:2], max_bad_share=0.5)
    assert [(day.accepted, day.quarantined) for day in report.days] == [(4, 0), (4, 0)]
    assert report.rows_of_no_day == 2
    assert (report.rows_in, report.accepted, report.quarantined) == (10, 8, 2)
    assert [row[1:5] for row in report.quarantine] == [
        (None, "all.ndjson.gz", 13, "event_date is missing"),
        (None, "all.ndjson.gz", 14, "not valid JSON"),
    ]
    assert not world.has(days[2])
    assert "20.0% of the rows" in refused(report, 0.1)


def test_an_undated_file_of_rubbish_is_reported_as_such(world: World) -> None:
    world.write("all.ndjson", [BAD] * 3)
    assert "100.0% of the rows could not be read, most because: not valid JSON." in refused(world.ingest())


def test_a_broken_undated_file_refuses_the_days_it_may_have_held(world: World) -> None:
    days = [DAY, NEXT, NEXT + timedelta(1)]
    content = gzip.compress(ndjson(event(n, day) for day in days for n in range(2000)))
    path = world.write("all.ndjson", b"")
    path.write_bytes(content[: len(content) // 2])
    world.write(D2, [event(0, NEXT)])
    report = world.ingest(days)
    assert list(statuses(report).values()) == ["unreadable", "ingested", "unreadable"]
    assert "all.ndjson" in refused(world.ingest([DAY]))


def test_a_stray_csv_does_not_spoil_dated_days(world: World) -> None:
    world.write(D1, [event()])
    world.write("users.csv", b"id,name\n1,x\n")
    report = world.ingest()
    assert statuses(report) == {DAY: "ingested"}
    assert accepted(report)
    assert [(row[2], row[3]) for row in report.quarantine] == [("users.csv", None)]


def test_app_events_have_screens(world: World) -> None:
    params = [
        {"key": "firebase_screen", "value": {"string_value": "Basket"}},
        {"key": "firebase_screen_id", "value": {"int_value": "-8271610523098412345"}},
        {"key": "engaged_session_event", "value": {"int_value": "1"}},
    ]
    app = event(
        event_name="screen_view",
        event_params=params,
        platform="ANDROID",
        device={"category": "mobile", "operating_system": "Android", "is_limited_ad_tracking": "No"},
        app_info={"id": "com.example.shop", "version": "1.2.3", "install_source": "com.android.vending"},
    )
    world.write(D1, [app])
    report = world.ingest()
    (row,) = world.rows()
    assert (row["event_name"], row["platform"], row["app_info"]["version"]) == ("screen_view", "ANDROID", "1.2.3")
    assert [p["value"]["int_value"] for p in row["event_params"]] == [None, -8271610523098412345, 1]
    assert not report.unknown_fields


def test_a_long_quarantine_is_listed_in_part_and_counted_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beha2vec_core.ga4.ingest.QUARANTINED_ROWS_SHOWN", 3)
    world.write(D1, [BAD] * 10)
    report = ingest_days(find_source_files(str(world.export), "p1"), [DAY], world.raw)
    assert report.quarantined == 10
    listed = [(row[3], row[4]) for row in report.quarantine]
    assert (None, "and 7 more rows like these") in listed
    assert [line for line, _ in listed if line] == [1, 2, 3]


def test_the_source_must_not_hold_our_own_partitions(world: World) -> None:
    world.write(D1, [event()])
    world.ingest()
    with pytest.raises(IngestError, match="what ingest itself wrote"):
        world.ingest(source=world.export.parent)


def test_progress_is_reported(world: World) -> None:
    said: list[str] = []
    world.write(D1, [event(0), *[event(n) for n in range(30)], BAD])
    world.ingest(progress=said.append)
    assert said == [f"{D1}: 31 events, 1 row quarantined"]


def test_progress_of_many_files_is_a_few_lines(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    for part in range(10):
        world.write(f"events_20240301_{part:012d}.json", [event(part), *[BAD][: part == 5]])
    world.ingest(progress=said.append, max_bad_share=0.5)
    assert said[0] == "3 of 10 files: 3 events"
    assert said[-1] == "10 of 10 files: 10 events, 1 row quarantined" and len(said) == 4
    assert capfd.readouterr().err == "", "a bar is for terminals"


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day", "kind"),
    [
        ("events_20240301.ndjson", DAY, "daily"),
        ("events_20240301_000000000012.json.gz", DAY, "daily"),
        ("my_events_20240301-part.parquet", DAY, "daily"),
        ("events_intraday_20240301.csv", DAY, "intraday"),
        ("events_fresh_20240301.CSV.GZ", DAY, "fresh"),
        ("event_date=20240301/x.parquet", DAY, "daily"),
        ("events_20240301/000000000000.parquet", DAY, "daily"),
        ("events_intraday_20240301/000000000000.json", DAY, "intraday"),
        ("events_20240301.json.zst", DAY, "daily"),
        ("active_users_events_20240301.json", DAY, "daily"),
        ("active_users_20240301.csv", None, "daily"),
        ("users.csv", None, "daily"),
        ("events_20240301_20240307.csv", None, "daily"),
        ("events_2024-03-01.csv", None, "daily"),
        ("events_20241399.csv", None, "daily"),
        ("ga4_data.csv", None, "daily"),
    ],
)
def test_what_names_say(name: str, day: date | None, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    (file,) = find_source_files(str(tmp_path), "p")
    assert (file.day, file.kind, file.name, file.property_id) == (day, kind, name, "p")
    assert source_days([file]) == ([day] if day else [])


USER_TABLES = [
    "pseudonymous_users_20240301.ndjson",
    "pseudonymous_users_20240301_000000000000.json.gz",
    "pseudonymous_users.parquet",
    "users_20240301.parquet",
    "analytics_5/users_20240301-000.csv",
    "my-project.analytics_5.users_20240301.json",
    "pseudonymous_users_20240301/000000000000.json",
    "users_20240301/000000000000.parquet",
]


@pytest.mark.parametrize("name", USER_TABLES)
def test_tables_of_users_are_no_events_and_named_in_a_notice(name: str, world: World) -> None:
    world.write(D1, [event()])
    world.write(
        name, [{"pseudo_user_id": "1.1", "occurrence_date": "20240301", "predictions": {"churn_score_7d": 0.1}}]
    )
    export = find_export(str(world.export), "p1")
    assert [file.name for file in export.files] == [D1]
    assert [file.name for file in export.user_tables] == [name]
    said: list[str] = []
    report = world.ingest(progress=said.append, notice=export.notice)
    assert (report.accepted, report.quarantined, report.quarantine) == (1, 0, [])
    what = "1 file of GA4's tables of users, read for consent to personal ads, not for events"
    assert report.notice == f"{what}; first {name}"
    assert said == [report.notice, f"{D1}: 1 event"]


@pytest.mark.parametrize("name", USER_TABLES)
def test_a_source_of_tables_of_users_alone_is_refused_with_the_remedy(name: str, world: World) -> None:
    path = world.write(name, b"{}")
    for source in (world.export, path, path.parent):
        with pytest.raises(SourceNotFoundError, match=r"only GA4's tables of users.*Export the tables events_YYYYMMDD"):
            find_source_files(str(source), "p1")


def test_tables_of_users_in_a_glob(world: World) -> None:
    world.write(D1, [event()])
    for day in range(1, 4):
        world.write(f"pseudonymous_users_2024030{day}.ndjson", b"{}")
    export = find_export(f"{world.export}/*.ndjson", "p1")
    assert [file.name for file in export.files] == [D1]
    assert str(export.notice).startswith("3 files of GA4's tables of users, read for consent")


def test_intraday_tables_in_folders_give_way_too(world: World) -> None:
    world.write("events_intraday_20240301/000.json", [event(n) for n in range(3)])
    world.write("events_20240301/000.json", [event(n) for n in range(2)])
    world.write("events_20240301/001.json", [event(9)])
    assert world.ingest().accepted == 3
    assert len(find_source_files(str(world.export), "p1")) == 2


def test_what_is_no_export_is_passed_by(tmp_path: Path) -> None:
    for name in [
        "._events_20240301.ndjson",
        ".hidden/events_20240301.csv",
        "_SUCCESS",
        "_temp.json",
        "readme.txt",
        "x",
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(SourceNotFoundError, match=r"\.ndjson"):
        find_source_files(str(tmp_path), "p")


def test_globs_links_and_single_files(world: World) -> None:
    world.write(f"a/{D1}", [event()])
    world.write(f"b/{D2}", [event()])
    outside = world.export.parent / "elsewhere"
    outside.mkdir()
    (outside / "events_20240303.csv").touch()
    (world.export / "linked").symlink_to(outside)
    (world.export / "a" / "loop").symlink_to(world.export)
    names = [file.name for file in find_source_files(str(world.export), "p")]
    assert names == [f"a/{D1}", f"b/{D2}", "linked/events_20240303.csv"]
    assert [f.name for f in find_source_files(f"{world.export}/*/events_2024030[12]*", "p")] == [f"a/{D1}", f"b/{D2}"]
    assert [f.name for f in find_source_files(str(world.export / "a" / D1), "p")] == [D1]


# --- every row is accounted for ----------------------------------------------------------------------------------

kinds = st.sampled_from(["good", "other_day", "no_day", "bad", "no_time"])


def build(kind: str, n: int, day: date) -> dict[str, Any] | str:
    return {
        "good": event(n, day),
        "other_day": event(n, day + timedelta(1)),
        "no_day": event(n, day, event_date=None),
        "bad": BAD,
        "no_time": event(n, day, event_timestamp=None),
    }[kind]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.sampled_from([D1, D2, "undated.ndjson", f"analytics_9/{D1}", "events_20240301_2.ndjson"]),
        st.lists(kinds, max_size=6),
        min_size=1,
    ),
    max_bad_share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_rows_in_are_accepted_or_quarantined(world: World, files: dict[str, list[str]], max_bad_share: float) -> None:
    shutil.rmtree(world.export, ignore_errors=True)
    shutil.rmtree(world.raw, ignore_errors=True)
    days = [DAY, NEXT, NEXT + timedelta(1)]
    for name, rows in files.items():
        day = NEXT if name == D2 else DAY
        world.write(name, [build(kind, n, day) for n, kind in enumerate(rows)])
    report = world.ingest(days, max_bad_share=max_bad_share)
    assert report.rows_in == sum(map(len, files.values()))
    assert report.accepted == sum(
        len(world.rows(day, property_id)) for day in days for property_id in ("p1", "9") if world.has(day, property_id)
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("nowhere", "nowhere does not exist"),
        ("empty", "the folder .*empty has no file of a GA4 export"),
        ("notes.txt", "notes.txt is no file of a GA4 export: its name has another ending"),
        ("*.ndjson", "no file of a GA4 export fits the pattern .*\\*.ndjson"),
        ("~/nowhere", "home/nowhere does not exist"),
    ],
)
def test_where_there_is_no_export_the_reason_is_given(
    source: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceNotFoundError, match=why):
        find_source_files(source, "p")
