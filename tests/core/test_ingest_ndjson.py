"""NDJSON as BigQuery writes it, and as it should not be."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ingest_world import DAY, NOON, World, event, ndjson, param, world

from beha2vec_core.ga4 import ndjson as reader
from beha2vec_core.ga4.ndjson import leftovers
from beha2vec_core.ga4.schema import EVENT_SCHEMA

__all__ = ["world"]
NAME = "events_20240301.ndjson"
REAL_EVENT = Path(__file__).resolve().parents[2] / "../shared/data/ga4_schema/real_event_2022_console_json.json"


def with_nulls(value: Any, kind: Any) -> Any:
    """The same event with every field of the schema there, null where it has none."""
    if isinstance(kind, dict):
        return {name: with_nulls((value or {}).get(name), member) for name, member in kind.items()}
    if isinstance(kind, list):
        return [with_nulls(member, kind[0]) for member in value or []]
    return value


def as_numbers(value: Any, kind: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_numbers(member, kind[name]) for name, member in value.items()}
    if isinstance(value, list):
        return [as_numbers(member, kind[0]) for member in value]
    return int(value) if kind == "BIGINT" and value is not None else value


@pytest.mark.parametrize(
    ("name", "numbers", "nulls"),
    [
        (NAME, False, False),
        (NAME + ".gz", False, True),
        ("events_20240301_000000000000.json.gz", True, False),
        ("events_20240301.JSONL", True, True),
    ],
)
def test_all_encodings_of_an_event_give_the_same_row(name: str, numbers: bool, nulls: bool, world: World) -> None:
    schema = {"event_date": "VARCHAR"} | EVENT_SCHEMA
    rows: list[dict[str, Any]] = [event(0), event(1, batch_page_id="7", user_id="42")]
    rows = [with_nulls(row, schema) for row in rows] if nulls else rows
    rows = [as_numbers(row, schema) for row in rows] if numbers else rows
    world.write(name, rows)
    report = world.ingest()
    assert (report.accepted, report.quarantined, report.unknown_fields) == (2, 0, {})
    first, second = world.rows()
    assert first["event_timestamp"] == NOON
    assert (param(first, "page_location"), param(first, "ga_session_id")) == (
        {"string_value": "https://shop.example.com/p/0"},
        {"int_value": 1_709_290_800},
    )
    assert (second["batch_page_id"], second["user_id"], second["_unknown_fields"]) == (7, "42", None)
    assert first["device"]["web_info"]["browser"] == "Safari"
    assert (second["_source_file"], second["_source_line"]) == (name, 2)


def test_unknown_fields_are_kept_and_reported_at_any_depth(world: World) -> None:
    strange = event(
        1,
        new_top={"a": [1, None]},
        new_null=None,
        geo={"country": "Peru", "planet": "Earth"},
        items=[{"item_id": "1"}, {"item_id": "2", "color": "red"}],
        device={"web_info": {"browser": "Safari", "engine": "WebKit"}},
    )
    world.write(NAME, [event(0), strange, event(2) | {"explicit_null": None}])
    report = world.ingest()
    kept = {
        "new_top": {"a": [1, None]},
        "geo.planet": "Earth",
        "items[].color": [None, "red"],
        "device.web_info.engine": "WebKit",
    }
    assert report.unknown_fields == dict.fromkeys(kept, 1)
    texts = world.values("_unknown_fields")
    assert texts[0] is None
    assert json.loads(texts[1]) == kept
    assert texts[2] is None
    row = world.rows()[1]
    assert (row["geo"]["country"], [item["item_id"] for item in row["items"]]) == ("Peru", ["1", "2"])


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"batch_page_id": "soon"}, {"batch_page_id": "soon"}),
        ({"batch_page_id": 1.5}, {"batch_page_id": 1.5}),
        ({"batch_page_id": "1e3"}, {"batch_page_id": "1e3"}),
        ({"batch_page_id": 2**63}, {"batch_page_id": 2**63}),
        ({"batch_page_id": ""}, {"batch_page_id": ""}),
        ({"event_value_in_usd": "much"}, {"event_value_in_usd": "much"}),
        ({"is_active_user": "yes"}, {"is_active_user": "yes"}),
        ({"items": {"item_id": "1"}}, {"items": {"item_id": "1"}}),
        ({"geo": "Peru"}, {"geo": "Peru"}),
        ({"user_ltv": {"revenue": True}}, {"user_ltv.revenue": True}),
        ({"items": [{"quantity": "two"}, {"quantity": "2"}]}, {"items[].quantity": ["two", None]}),
        ({"event_value_in_usd": "1.5"}, None),
        ({"batch_page_id": "-7"}, None),
        ({"batch_page_id": 7.0}, None),
        ({"is_active_user": True}, None),
        ({"ecommerce": {}, "user_properties": [], "geo": {}}, None),
    ],
)
def test_a_value_that_the_schema_cannot_hold_is_kept_beside_it(
    fields: dict[str, Any], kept: dict[str, Any] | None, world: World
) -> None:
    world.write(NAME, [event(**fields)])
    assert world.ingest().accepted == 1
    (text,) = world.values("_unknown_fields")
    assert (json.loads(text) if text else None) == kept
    assert (leftovers(event(**fields)) or None) == kept


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{'single': 1}", "not valid JSON"),
        ('{"event_date": "20240301"', "not valid JSON"),
        ('{"a": "\\ud800"}', "not valid JSON"),
        ("[]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 5000 + "]" * 5000, "not a JSON object"),
        ("{}", "event_date is missing"),
        (json.dumps(event(event_date="March")), "event_date is not a date (YYYYMMDD)"),
        (json.dumps(event(event_date="20240399")), "event_date is not a date (YYYYMMDD)"),
        (json.dumps(event(event_date="20240302")), "event_date 2024-03-02 is not the day of the file's name"),
        (json.dumps(event(event_timestamp=None)), "event_timestamp is missing or not a whole number of microseconds"),
        (json.dumps(event(event_timestamp="x")), "event_timestamp is missing or not a whole number of microseconds"),
        (json.dumps(event(event_timestamp="1.70929E+15")), "event_timestamp is missing or not a whole number"),
        (json.dumps(event(event_timestamp=NOON // 1000)), "event_timestamp is not in microseconds since 1970"),
        (json.dumps(event(event_timestamp=-1)), "event_timestamp is not in microseconds since 1970"),
        (json.dumps(event(event_name=None)), "event_name is missing"),
        (json.dumps(event(event_name="")), "event_name is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_set_aside_with_file_line_and_reason(line: str, reason: str, world: World) -> None:
    world.write(NAME, [event(0), line, event(2)])
    report = world.ingest(max_bad_share=0.5)
    assert (report.accepted, report.quarantined) == (2, 1)
    ((property_id, day, file, number, told, content),) = report.quarantine
    assert (property_id, day, file, number) == ("p1", DAY, NAME, 2)
    assert told.startswith(reason)
    assert content.strip() == line[:2000]


def test_forms_of_text(world: World) -> None:
    title = event(1, event_params=[{"key": "page_title", "value": {"string_value": "nul\0 ü 💡 \u2028"}}])
    lines = [
        b"\xef\xbb\xbf" + ndjson([event(0)]),
        b"\r\n   \n\n",
        ndjson([title]).replace(b"\n", b"\r\n"),
        b'{"event_name": "caf\xe9"}\n',
        ndjson(["\u00a0"]),
        json.dumps(event(3)).encode(),  # no newline at the end
    ]
    world.write(NAME, b"".join(lines))
    report = world.ingest(max_bad_share=0.5)
    assert report.accepted == 3
    assert [row[3:5] for row in report.quarantine] == [(6, "not valid UTF-8"), (7, "not valid JSON")]
    assert param(world.rows()[1], "page_title") == {"string_value": "nul\0 ü 💡 \u2028"}


def test_a_byte_order_mark_alone_is_no_row(world: World) -> None:
    world.write(NAME, b"\xef\xbb\xbf\n")
    assert world.ingest().rows_in == 0


def test_a_huge_line_is_read_and_a_monstrous_one_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = event(1, event_params=[{"key": "k", "value": {"string_value": "x" * 5_000_000}}])
    world.write(NAME, [event(0), huge, event(2)])
    assert world.ingest().accepted == 3
    assert max(world.values("length(event_params[1].value.string_value)")) == 5_000_000
    monkeypatch.setattr(reader, "_MAX_LINE_BYTES", 1_000_000)
    report = world.ingest(max_bad_share=0.5)
    assert (report.accepted, [row[3:5] for row in report.quarantine]) == (2, [(2, "longer than 1,000,000 bytes")])


def test_a_line_nested_deeper_than_python_follows(world: World) -> None:
    deep = json.dumps(event(1))[:-1] + ', "abyss": ' + "[" * 20_000 + "]" * 20_000 + "}"
    world.write(NAME, [event(0), deep])
    assert world.ingest().accepted == 2
    assert "abyss" in world.values("_unknown_fields")[1]


def test_json_that_duckdb_takes_and_python_does_not(world: World) -> None:
    line = json.dumps(event(1, user_ltv={"planet": 1}))[:-1] + ', "odd": NaN,}'
    world.write(NAME, [line])
    assert world.ingest().accepted == 1
    assert json.loads(world.values("_unknown_fields")[0])["user_ltv.planet"] == 1


def test_gzip_is_known_by_its_bytes(world: World) -> None:
    world.write("events_20240301.json", gzip.compress(ndjson([event(0)])))
    (world.export / "events_20240302.json.gz").write_bytes(ndjson([event(0, day=DAY.replace(day=2))]))
    assert world.ingest([DAY, DAY.replace(day=2)]).accepted == 2


def test_gzip_of_several_members(world: World) -> None:
    content = gzip.compress(ndjson([event(0)])) + gzip.compress(ndjson([event(1)]))
    path = world.write(NAME + ".gz", b"")
    path.write_bytes(content)
    assert world.ingest().accepted == 2


def test_many_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beha2vec_core.ga4.reading.BATCH_BYTES", 2_000)
    world.write(NAME, [event(n) if n % 10 else "broken" for n in range(100)])
    report = world.ingest(max_bad_share=0.2)
    assert (report.accepted, report.quarantined) == (90, 10)
    assert sorted(world.values("_source_line")) == [n + 1 for n in range(100) if n % 10]


@pytest.mark.skipif(not REAL_EVENT.exists(), reason="the real data (../shared/data) is not on this machine")
def test_a_real_event_of_2022(world: World) -> None:
    row = json.loads(REAL_EVENT.read_text())
    row = row[0] if isinstance(row, list) else row
    day = row["event_date"]
    world.write(f"events_{day}.json", [row])
    from datetime import datetime

    date = datetime.strptime(day, "%Y%m%d").date()
    assert world.ingest([date]).accepted == 1
    assert world.values("_unknown_fields", date) == [None]


scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
odd_events = st.dictionaries(
    st.sampled_from([*EVENT_SCHEMA, "event_date", "new"]),
    anything | st.sampled_from(["20240301", str(NOON)]),
    max_size=5,
).map(lambda fields: json.dumps({**event(), **fields}))
lines = st.one_of(
    st.just(json.dumps(event())),
    odd_events,
    anything.map(json.dumps),
    st.text(max_size=40),
    st.text('{}[]":,\\u0d8ntrue ', max_size=20),
).map(lambda text: text.encode("utf-8", errors="surrogatepass"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines | st.binary(max_size=20), max_size=8))
@example([b'{"event_name": 1, }', b"\x00", b"{", b'{"": {}}', b'{"items": [[]]}'])
def test_any_mess_is_accounted_for(world: World, mess: list[bytes]) -> None:
    content = b"\n".join(mess) + b"\n"
    world.write(NAME, content)
    report = world.ingest(max_bad_share=1)
    rows = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line and not line.isspace()]
    assert report.rows_in == len(rows)  # nothing is lost, nothing made up
