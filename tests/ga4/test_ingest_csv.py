"""Flattened CSV: ids stay text, integers survive what spreadsheets and pandas do to them, broken rows are set aside."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beha2vec_core.ga4 import flat_csv
from tests.ga4.ingest_world import DAY, NOON, World, param, world

__all__ = ["world"]
NAME = "events_20240301.csv"
REQUIRED = ("event_name", "user_pseudo_id", "event_timestamp", "event_date")


def row(n: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "event_name": "page_view",
        "user_pseudo_id": f"u{n}",
        "event_timestamp": NOON + n,
        "event_date": "20240301",
        "page_location": f"https://shop.example.com/p/{n}",
    } | fields


def flat(*rows: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*dict.fromkeys(name for row in rows for name in row)])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_four_columns_and_a_page_are_enough(world: World) -> None:
    world.write(NAME, flat(row(0), row(1, user_pseudo_id="")))
    assert world.ingest().accepted == 2
    first, second = world.rows()
    assert first["event_params"] == [
        {
            "key": "page_location",
            "value": {
                "string_value": "https://shop.example.com/p/0",
                "int_value": None,
                "float_value": None,
                "double_value": None,
            },
        }
    ]
    assert (first["event_timestamp"], first["user_pseudo_id"], first["_unknown_fields"]) == (NOON, "u0", None)
    assert second["user_pseudo_id"] is None
    assert (first["_source_file"], first["_source_line"], second["_source_line"]) == (NAME, 2, 3)


@pytest.mark.parametrize("missing", REQUIRED)
def test_without_one_of_them_the_file_is_refused_by_name(missing: str, world: World) -> None:
    lacking = row()
    del lacking[missing]
    world.write(NAME, flat(lacking))
    (day,) = world.ingest().days
    assert day.status == "unreadable"
    assert day.problem is not None
    assert f"the CSV header lacks {missing};" in day.problem


def test_app_streams_have_screens_and_no_page(world: World) -> None:
    screen = {
        "event_name": "screen_view",
        "platform": "ANDROID",
        "firebase_screen": "Basket",
        "event_params_firebase_screen_class": "BasketActivity",
        "firebase_previous_screen": "Start",
        "firebase_screen_id": "-8271610523098412345",
        "app_info_version": "1.2.3",
    }
    rows = [row(n, **screen) for n in range(2)]
    for app in rows:
        del app["page_location"]
    world.write(NAME, flat(*rows))
    report = world.ingest()
    assert (report.accepted, report.unknown_fields) == (2, {})
    first, _ = world.rows()
    assert (first["platform"], first["app_info"]["version"]) == ("ANDROID", "1.2.3")
    assert [param(first, key) for key in ("firebase_screen", "firebase_screen_class", "firebase_previous_screen")] == [
        {"string_value": "Basket"},
        {"string_value": "BasketActivity"},
        {"string_value": "Start"},
    ]
    assert param(first, "firebase_screen_id") == {"int_value": -8271610523098412345}


def test_without_any_parameter(world: World) -> None:
    only = {name: value for name, value in row().items() if name in REQUIRED}
    world.write(NAME, flat(only))
    assert world.ingest().accepted == 1
    assert world.values("event_params") == [[]]


def test_names_in_capitals_are_known_and_keys_of_parameters_keep_theirs(world: World) -> None:
    fields = {"DEVICE_CATEGORY": "tv", "Event_Params_Page_Title": "Tea", "event_params_myKey": "x", "Page_Title2": "y"}
    world.write(NAME, flat({name.upper(): value for name, value in row().items()} | fields))
    report = world.ingest()
    (found,) = world.rows()
    assert found["device"]["category"] == "tv"
    assert [entry["key"] for entry in found["event_params"]] == ["page_location", "page_title", "myKey"]
    assert report.unknown_fields == {"Page_Title2": 1}


def test_a_repeated_column_is_refused(world: World) -> None:
    world.write(NAME, b"event_name,user_pseudo_id,event_timestamp,event_date,page_location,event_name\n")
    (day,) = world.ingest().days
    assert day.problem is not None
    assert "repeats event_name" in day.problem


def test_ids_stay_text(world: World) -> None:
    ids = ["00123", "1E5", "1234567890.1700000000", "9007199254740993", " 7 ", "0x10", "nan"]
    world.write(NAME, flat(*(row(n, user_pseudo_id=i, user_id=i, stream_id=i) for n, i in enumerate(ids))))
    world.ingest()
    for column in ("user_pseudo_id", "user_id", "stream_id"):
        assert world.values(column) == ids


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234", 1234),
        ("1234.0", 1234),
        ("1234.", 1234),
        ("-5", -5),
        (" 12 ", 12),
        ("", None),
        ("1234.5", None),
        ("1.47E+09", None),
        ("twelve", None),
        ("0x10", None),
        ("99999999999999999999", None),
    ],
)
def test_integers(text: str, value: int | None, world: World) -> None:
    world.write(NAME, flat(row(0, ga_session_id=text, batch_page_id=text)))
    world.ingest()
    (found,) = world.rows()
    assert found["batch_page_id"] == value
    session = param(found, "ga_session_id")
    assert session == (None if text == "" else {} if value is None else {"int_value": value})
    lost = json.loads(found["_unknown_fields"] or "{}")
    assert lost == ({} if text == "" or value is not None else {"batch_page_id": text, "ga_session_id": text})


def test_a_timestamp_that_a_spreadsheet_rounded_is_not_taken(world: World) -> None:
    world.write(NAME, flat(row(0), row(1, event_timestamp=f"{NOON}.0"), row(2, event_timestamp="1.70929E+15")))
    report = world.ingest(max_bad_share=0.5)
    assert report.accepted == 2
    ((*_, line, reason, content),) = report.quarantine
    assert (line, reason) == (4, "event_timestamp is missing or not a whole number of microseconds")
    assert "1.70929E+15" in content


def test_known_columns_find_their_places_and_unknown_ones_are_kept(world: World) -> None:
    fields = {
        "device_category": "desktop",
        "device_browser": "Chrome",
        "geo.country": "Peru",
        "traffic_source_medium": "cpc",
        "source": "google",
        "event_params_ga_session_number": "3",
        "event_params.my_param": "00x",
        "value": "1.5",
        "ecommerce_purchase_revenue_in_usd": "12.34",
        "is_active_user": "true",
        "my_column": "kept",
        "": "0",
    }
    world.write(NAME, flat(row(0, **fields), row(1)))
    report = world.ingest()
    first, second = world.rows()
    assert (first["device"]["category"], first["device"]["web_info"]["browser"]) == ("desktop", "Chrome")
    assert (first["geo"]["country"], first["traffic_source"]["medium"]) == ("Peru", "cpc")
    assert first["ecommerce"]["purchase_revenue_in_usd"] == 12.34
    assert first["is_active_user"] is True
    assert {key: param(first, key) for key in ("source", "ga_session_number", "my_param", "value")} == {
        "source": {"string_value": "google"},
        "ga_session_number": {"int_value": 3},
        "my_param": {"string_value": "00x"},
        "value": {"double_value": 1.5},
    }
    assert json.loads(first["_unknown_fields"]) == {"my_column": "kept", "": "0"}
    assert report.unknown_fields == {"my_column": 1, "": 1}
    assert second["_unknown_fields"] is None
    assert [entry["key"] for entry in second["event_params"]] == ["page_location"]


def test_quoted_newlines_commas_and_quotes(world: World) -> None:
    title = 'a "big",\r\nlong\n\ntitle'
    world.write(NAME, flat(row(0, page_title=title), row(1, page_title="short")))
    assert world.ingest().accepted == 2
    first, second = world.rows()
    assert param(first, "page_title") == {"string_value": title}
    assert (first["_source_line"], second["_source_line"]) == (2, 6)


def test_bad_rows_are_set_aside_and_the_rest_is_read(world: World) -> None:
    good = flat(row(0), row(1), row(2)).decode().splitlines()
    lines = [good[0], good[1], "too,short", "", good[2], good[2] + ",long", '"stray"x,b,c,d,e', good[3]]
    content = "\r\n".join(lines).encode() + b"\npage_view,caf\xe9,1709290800000000,20240301,x\n"
    world.write(NAME, content)
    report = world.ingest(max_bad_share=0.6)
    assert (report.accepted, report.quarantined) == (3, 4)
    assert [row[3:5] for row in report.quarantine] == [
        (3, "2 fields where the header has 5"),
        (6, "6 fields where the header has 5"),
        (7, "not valid CSV: ',' expected after '\"'"),
        (9, "not valid UTF-8"),
    ]
    assert report.quarantine[0][5] == "too,short"


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        (
            b'page_view,u9,1709290800000000,20240301,"https://shop',
            "a quoted field that begins on line 5 is never closed",
        ),
        (b"page_view,u9,17092908", "line 5, the last, breaks off after 3 of 5 fields"),
    ],
)
def test_a_file_cut_short_is_not_trusted(end: bytes, problem: str, world: World) -> None:
    world.write(NAME, flat(row(0), row(1), row(2)) + end)
    (day,) = world.ingest(max_bad_share=1).days
    assert day.status == "unreadable"
    assert day.problem is not None
    assert problem in day.problem


def test_a_quote_that_swallows_the_file_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_csv, "_CSV_FIELD_LIMIT", 1000)
    world.write(NAME, flat(row(0)) + b'"' + flat(*(row(n) for n in range(50))))
    (day,) = world.ingest().days
    assert day.problem is not None
    assert "begins on line 3 is never closed" in day.problem


def test_one_undated_file_holds_many_days_gzipped_with_a_byte_order_mark(world: World) -> None:
    days = [DAY.replace(day=day) for day in (1, 2, 3)]
    rows = [row(n, event_date=f"{day:%Y%m%d}") for n, day in enumerate(days * 2)]
    rows[0]["event_date"] = "2024-03-01"
    world.write("ga4_data.csv.gz", b"\xef\xbb\xbf" + flat(*rows))
    report = world.ingest(days[:2])
    assert [(day.event_date, day.accepted) for day in report.days] == [(days[0], 2), (days[1], 2)]
    assert not world.has(days[2])


def test_an_empty_file_and_a_header_alone(world: World) -> None:
    world.write(NAME, b"")
    (day,) = world.ingest().days
    assert (day.status, day.problem) == ("missing", f"no rows in {NAME}")
    world.write(NAME, flat(row(0)).splitlines(keepends=True)[0])
    assert world.ingest().days[0].status == "missing"


cells = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"'), max_size=10) | st.sampled_from(
    ["20240301", str(NOON), "page_view", "1e5", "a,b", "NaN", "\0", 'a""b', "line\nbreak"]
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=1, max_size=7), max_size=8))
def test_every_row_is_accounted_for(world: World, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([[*REQUIRED, "ga_session_id"], *rows])
    world.write(NAME, text.getvalue().encode())
    report = world.ingest(max_bad_share=1)
    assert report.rows_in == len(rows)
