"""NDJSON as BigQuery writes it, and as it should not be."""

import gzip
import json
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beha2vec_core.ga4 import ndjson as reader
from beha2vec_core.ga4.ndjson import leftovers
from beha2vec_core.ga4.schema import EVENT_SCHEMA
from tests.ga4.ingest_world import DAY, NEXT, NOON, World, event, ndjson, param, world

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


# fields of an event, and what of them is kept beside the schema
NOT_HELD: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
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
]


def test_a_value_that_the_schema_cannot_hold_is_kept_beside_it(world: World) -> None:
    world.write(NAME, [event(**fields) for fields, _ in NOT_HELD])
    assert world.ingest().accepted == len(NOT_HELD)
    texts = world.values("_unknown_fields")
    for (fields, kept), text in zip(NOT_HELD, texts, strict=True):
        assert (json.loads(text) if text else None) == kept, fields
        assert (leftovers(event(**fields)) or None) == kept, fields


# a line, and why it is set aside
UNREADABLE = [
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
]


def test_a_row_that_cannot_be_read_is_set_aside_with_file_line_and_reason(world: World) -> None:
    world.write(NAME, [row for line, _ in UNREADABLE for row in (event(0), line)] + [event(2)])
    report = world.ingest(max_bad_share=0.5)
    assert report.accepted == len(UNREADABLE) + 1
    rows = zip(UNREADABLE, report.quarantine, strict=True)
    for n, ((line, reason), (property_id, day, file, number, said, content)) in enumerate(rows, 1):
        assert (property_id, day, file, number) == ("p1", DAY, NAME, 2 * n)
        assert said.startswith(reason), line
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


def test_rows_without_fields_alone(world: World) -> None:
    world.write(NAME, b"{}\n{ }\n")
    assert world.ingest(max_bad_share=1).rows_in == 2


@pytest.mark.slow
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


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines | st.binary(max_size=20), max_size=8))
@example([b'{"event_name": 1, }', b"\x00", b"{", b'{"": {}}', b'{"items": [[]]}'])
def test_any_mess_is_accounted_for(world: World, mess: list[bytes]) -> None:
    # a file that begins with [ may be an array
    content = ndjson([event()]) + b"\n".join(mess) + b"\n"
    world.write(NAME, content)
    report = world.ingest(max_bad_share=1)
    rows = [line for line in content.split(b"\n") if line and not line.isspace()]
    assert report.rows_in == len(rows)  # nothing is lost, nothing made up


# --- arrays, and events of many lines ---------------------------------------------------------------------------

ARRAYS = {
    "pretty": lambda rows: json.dumps(rows, indent=2),
    "one line": json.dumps,
    "compact": lambda rows: json.dumps(rows, separators=(",", ":")) + "\n",
    "a line an event": lambda rows: "[" + ",\n".join(map(json.dumps, rows)) + "]",
    "byte order mark": lambda rows: "\ufeff\n  " + json.dumps(rows, indent="\t") + "\r\n",
    "two arrays": lambda rows: json.dumps(rows[:2]) + "\n" + json.dumps(rows[2:], indent=1),
    "objects of many lines": lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows),
    "objects side by side": lambda rows: "{\n" + " ".join(json.dumps(row) for row in rows)[1:],
}


@pytest.mark.parametrize("chunk", [7, *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 2**20))])
def test_arrays_give_the_rows_of_lines(chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = 'a } "quoted" { brace, a \\ and a [ bracket ]\\'
    rows = [
        event(0),
        event(1, event_params=[{"key": odd, "value": {"string_value": odd}}], geo={}, new={"a": [1, odd]}),
        event(2, items=[{"item_id": "1", "color": "red"}], user_id="\\"),
    ]
    lines = World(tmp_path / "lines")
    lines.write(NAME, rows)
    lines.ingest()
    monkeypatch.setattr(reader, "_CHUNK_BYTES", chunk)
    columns = "* exclude (_source_file, _source_line)"
    for form, written in ARRAYS.items():
        array = World(tmp_path / form)
        array.write("events_20240301.json", written(rows).encode())
        report = array.ingest()
        assert (report.accepted, report.quarantined) == (3, 0), form
        assert array.rows(columns=columns) == lines.rows(columns=columns), form
        assert array.values("_source_line") == [1, 2, 3], form


def test_a_bad_element_costs_only_itself(world: World) -> None:
    good = [json.dumps(event(n)) for n in range(3)]
    text = f"[{good[0]}, {{'single': 1}}, {good[1]}, 7, {{\"a\": {{}},}}}}, null\n, {good[2]}]"
    world.write("events_20240301.json", text.encode())
    report = world.ingest(max_bad_share=0.7)
    assert report.accepted == 3
    assert [row[3:5] for row in report.quarantine] == [
        (2, "not valid JSON"),
        (4, "not a JSON object"),
        (5, "event_date is missing"),
        (6, "not valid JSON"),
        (7, "not a JSON object"),
    ]


def test_an_empty_array_is_a_day_without_rows(world: World) -> None:
    forms = product(("", ".gz", ".zst"), ("[]", " [\n]\n", "\ufeff[ ]"))
    files = {DAY.replace(day=n): form for n, form in enumerate(forms, 1)}
    for day, (end, text) in files.items():
        world.write(f"events_{day:%Y%m%d}.json{end}", text.encode())
    for found in world.ingest([*files]).days:
        name = f"events_{found.event_date:%Y%m%d}.json{files[found.event_date][0]}"
        assert (found.status, found.problem) == ("missing", f"no rows in {name}")


@pytest.mark.parametrize(
    ("cut", "problem", "whole"),
    [
        (1, "the array has no end after event 100", 100),
        (2, "event 100, the last, breaks off in the middle", 99),
        (200, "event 100, the last, breaks off in the middle", 99),
    ],
)
def test_an_array_cut_short_is_not_trusted(cut: int, problem: str, whole: int, world: World) -> None:
    content = json.dumps([event(n) for n in range(100)]).encode()
    world.write("events_20240301.json", content[:-cut])
    (day,) = (report := world.ingest()).days
    assert day.status == "unreadable"
    assert problem in str(day.problem)
    # the whole events before the cut are counted, and held back with their day
    assert (day.withheld, day.rows_in) == (whole, 100)
    assert f"withheld with its day: {whole} rows that could be read" in [row[4] for row in report.quarantine]


def test_a_brace_that_is_missing_does_not_fill_the_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MAX_LINE_BYTES", 5_000)
    monkeypatch.setattr(reader, "_CHUNK_BYTES", 1_000)
    world.write("events_20240301.json", b"[" + json.dumps(event(0)).encode() + b', {"a": ' + b" 1," * 10_000 + b"]")
    (day,) = world.ingest().days
    assert (day.status, day.withheld) == ("unreadable", 1)
    assert "event 2 has no end within 5,000 bytes" in str(day.problem)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(anything, max_size=6), st.integers(0, 3))
def test_every_element_of_any_array_is_accounted_for(world: World, elements: list[Any], indent: int) -> None:
    elements = [element for element in elements if not isinstance(element, list | str | int | float | None)]
    world.write("events_20240301.json", json.dumps([event(), *elements], indent=indent or None).encode())
    report = world.ingest(max_bad_share=1)
    assert report.rows_in == 1 + len(elements)


# --- compressed files -------------------------------------------------------------------------------------------


def packed(content: bytes, codec: str) -> bytes:
    with pa.BufferOutputStream() as sink:
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        return bytes(sink.getvalue())


@pytest.mark.parametrize("array", [False, True])
def test_compressed_files(array: bool, world: World) -> None:
    ends = (".json.zst", ".ndjson.zst", ".jsonl.zstd", ".JSON.ZST", ".json.bz2", ".json.lz4")
    days = {DAY.replace(day=n): end for n, end in enumerate(ends, 1)}
    for day, end in days.items():
        rows = [event(n, day) for n in range(50)]
        content = json.dumps(rows, indent=2).encode() if array else ndjson(rows)
        codec = {"zst": "zstd", "zstd": "zstd"}.get(end.rsplit(".")[-1].lower(), end.rsplit(".")[-1])
        world.write(f"events_{day:%Y%m%d}{end}", packed(content[:3000], codec) + packed(content[3000:], codec))
    assert [(day.event_date, day.accepted) for day in world.ingest([*days]).days] == [(day, 50) for day in days]


def test_zstd_under_another_name_and_csv(world: World) -> None:
    world.write("events_20240301.json", packed(ndjson([event()]), "zstd"))
    header = "event_name,user_pseudo_id,event_timestamp,event_date,page_location\n"
    world.write("events_20240302.csv.zst", packed(f"{header}x,1,{NOON},20240302,/\n".encode(), "zstd"))
    assert world.ingest([DAY, NEXT]).accepted == 2


@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_damaged_zstd_file_costs_its_day_only(damage: str, world: World) -> None:
    content = packed(ndjson(event(n) for n in range(3000)), "zstd")
    half = len(content) // 2
    world.write("events_20240301.json.zst", content[:half] + (b"" if damage == "cut" else b"?" * 64 + content[half:]))
    world.write("events_20240302.json.zst", packed(ndjson([event(0, NEXT)]), "zstd"))
    bad, good = world.ingest([DAY, NEXT]).days
    assert (bad.status, good.status) == ("unreadable", "ingested")
    assert "cut short" in str(bad.problem)
