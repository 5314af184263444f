"""Records and lists that come as JSON text give the rows that they give nested, whatever the file's form."""

import copy
import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beha2vec_core.ga4.json_text import BrokenJsonTextError, nested
from beha2vec_core.ga4.schema import EVENT_SCHEMA
from tests.ga4.ingest_world import DAY, NOON, World, event, write

SCHEMA = {"event_date": "VARCHAR"} | EVENT_SCHEMA
NESTED = [name for name, kind in EVENT_SCHEMA.items() if isinstance(kind, dict | list)]

RICH = event(
    1,
    event_name="purchase",
    geo={"country": "Peru", "city": "Cusco «é» 💡", "planet": "Earth"},
    items=[
        {"item_id": "1", "price": 2.5, "quantity": "2", "item_params": [{"key": "k", "value": {"double_value": 0.1}}]},
        {"item_id": '2 "big", \\', "color": "red"},
    ],
    ecommerce={"transaction_id": "00123", "purchase_revenue": 12.34, "unique_items": "2"},
    user_properties=[{"key": "plan", "value": {"string_value": "pro", "set_timestamp_micros": str(NOON)}}],
    traffic_source={"source": "google", "medium": "cpc", "name": "{sale}"},
    collected_traffic_source={"manual_source": "mail", "gclid": "abc"},
    session_traffic_source_last_click={"manual_campaign": {"campaign_name": "spring", "source": "mail"}},
    privacy_info={"analytics_storage": "Yes"},
    user_ltv={"revenue": 1.5, "currency": "EUR"},
    app_info={"id": "com.example.shop"},
    event_dimensions={"hostname": "shop.example.com"},
)
ROWS = [RICH, event(2), event(3, items=None, device={})]


def as_text(row: dict[str, Any], names: list[str] = NESTED, **dumps: Any) -> dict[str, Any]:
    return {name: json.dumps(value, **dumps) if name in names else value for name, value in row.items()}


def in_depth(row: dict[str, Any]) -> dict[str, Any]:
    """JSON text inside records, inside lists, and JSON text inside JSON text."""
    row = copy.deepcopy(row)
    for item in row.get("items") or []:
        if "item_params" in item:
            item["item_params"] = json.dumps(item["item_params"])
    for param in row["event_params"]:
        param["value"] = json.dumps(param["value"])
    if "web_info" in (row.get("device") or {}):
        row["device"] = json.dumps(row["device"] | {"web_info": json.dumps(row["device"]["web_info"])})
    if row.get("geo"):
        row["geo"] = json.dumps(json.dumps(row["geo"]))
    return row


def check_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for one, other in zip(found, expected, strict=True):
        for name, value in other.items():
            if name == "_unknown_fields" and value:
                assert json.loads(one[name]) == json.loads(value)
            else:
                assert (name, one[name]) == (name, value)


def contents(world: World) -> list[dict[str, Any]]:
    return world.rows(columns="* exclude (_source_file, _source_line)")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The partition of `ROWS` delivered nested."""
    other = World(tmp_path_factory.mktemp("nested"))
    other.write("events_20240301.ndjson", ROWS)
    assert other.ingest().accepted == 3
    return contents(other)


@pytest.fixture
def world(tmp_path: Any) -> World:
    return World(tmp_path / "text")


@pytest.mark.parametrize(
    "form",
    [
        as_text,
        lambda row: as_text(row, indent=1, ensure_ascii=False),
        lambda row: as_text(row, ["event_params"]),
        lambda row: as_text(row, ["items"]),
        in_depth,
        lambda row: as_text(in_depth(row)),
        lambda row: {name.upper() if name in NESTED else name.title(): value for name, value in as_text(row).items()},
    ],
    ids=["all", "pretty", "params", "items", "in depth", "text in text", "case of names"],
)
def test_ndjson(form: Callable[[dict[str, Any]], dict[str, Any]], world: World, expected: list[Any]) -> None:
    world.write("events_20240301.ndjson", [form(row) for row in ROWS])
    report = world.ingest()
    assert (report.accepted, report.unknown_fields) == (3, {"geo.planet": 1, "items[].color": 1})
    check_same(contents(world), expected)


def test_ndjson_some_rows_nested_and_some_not(world: World, expected: list[Any]) -> None:
    world.write("events_20240301.ndjson", [as_text(ROWS[0]), ROWS[1], as_text(ROWS[2])])
    world.ingest()
    check_same(contents(world), expected)


def put(world: World, rows: list[dict[str, Any]], kinds: dict[str, pa.DataType] | None = None) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name == "event_timestamp":
            values = [int(value) for value in values]
        columns[name] = pa.array(values, (kinds or {}).get(name))
    world.export.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), world.export / "events_20240301.parquet")


def test_parquet(world: World, expected: list[Any]) -> None:
    put(world, [as_text(row) for row in ROWS])
    report = world.ingest()
    assert (report.accepted, report.unknown_fields) == (3, {"geo.planet": 1, "items[].color": 1})
    check_same(contents(world), expected)
    assert sorted(world.values("_source_line")) == [1, 2, 3]


def test_parquet_with_names_in_capitals(world: World, expected: list[Any]) -> None:
    put(world, [{name.upper(): value for name, value in as_text(row).items()} for row in ROWS], {})
    path = world.export / "events_20240301.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("EVENT_TIMESTAMP")
    pq.write_table(table.set_column(at, "EVENT_TIMESTAMP", table["EVENT_TIMESTAMP"].cast(pa.int64())), path)
    assert world.ingest().accepted == 3
    check_same(contents(world), expected)


@pytest.mark.parametrize("listed", ["plain", "list.element"])
def test_parquet_with_text_inside_lists(listed: str, world: World, expected: list[Any]) -> None:
    rows = [in_depth(row) for row in ROWS]
    if listed == "list.element":
        for row in rows:
            row["event_params"] = {"list": [{"element": value} for value in row["event_params"]]}
            if row.get("items"):
                row["items"] = {"list": [{"element": value} for value in row["items"]]}
    put(world, [as_text(row, ["device", "ecommerce"]) | {"device": row["device"]} for row in rows[:1]])
    world.ingest()
    (row,) = contents(world)
    first = next(row for row in expected if row["event_name"] == "purchase")
    for name in ("event_params", "items", "device", "geo", "ecommerce", "user_properties"):
        assert row[name] == first[name]
    assert json.loads(row["_unknown_fields"]) == json.loads(first["_unknown_fields"])


def test_parquet_keeps_what_other_columns_hold_beyond_the_schema(world: World) -> None:
    rows = [
        as_text(row, ["event_params", "geo"]) | {"publisher": "x", "batch_page_id": "soon", "event": 1, "reason": "r"}
        for row in ROWS[:1]
    ]
    put(world, rows)
    world.ingest()
    (text,) = world.values("_unknown_fields")
    assert json.loads(text) == {
        "publisher": "x",
        "batch_page_id": "soon",
        "event": 1,
        "reason": "r",
        "items[].color": [None, "red"],
        "geo.planet": "Earth",
    }


@pytest.mark.slow
def test_a_large_parquet_file_is_read_in_parts(world: World) -> None:
    rows = [as_text(event(n)) for n in range(20_000)]
    put(world, rows)
    assert world.ingest().accepted == 20_000
    found = world.values("event_params[1].value.string_value = 'https://shop.example.com/p/' || (_source_line - 1)")
    assert all(found)


def flat(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_csv(world: World, expected: list[Any]) -> None:
    world.write("events_20240301.csv", flat([as_text(row) for row in ROWS]))
    report = world.ingest()
    assert (report.accepted, report.unknown_fields) == (3, {"geo.planet": 1, "items[].color": 1})
    check_same(contents(world), expected)


def test_csv_with_names_in_capitals(world: World, expected: list[Any]) -> None:
    world.write(
        "events_20240301.csv", flat([{name.upper(): value for name, value in as_text(row).items()} for row in ROWS])
    )
    world.ingest()
    check_same(contents(world), expected)


def test_csv_takes_from_flat_columns_what_the_text_lacks(world: World) -> None:
    row = as_text(event(1), ["event_params", "device", "items"]) | {
        "page_title": "Tea",
        "page_location": "elsewhere",
        "device_language": "de",
        "device_category": "desktop",
        "my_column": "kept",
    }
    row["device"] = json.dumps({"category": "mobile", "web_info": {"engine": "WebKit"}})
    world.write("events_20240301.csv", flat([row, row | {"device": "", "event_params": ""}]))
    assert world.ingest().accepted == 2
    first, second = world.rows()
    params = {p["key"]: p["value"]["string_value"] or p["value"]["int_value"] for p in first["event_params"]}
    assert params == {
        "page_location": "https://shop.example.com/p/1",
        "ga_session_id": 1_709_290_800,
        "page_title": "Tea",
    }
    assert (first["device"]["category"], first["device"]["language"]) == ("mobile", "de")
    assert json.loads(first["_unknown_fields"]) == {"my_column": "kept", "device.web_info.engine": "WebKit"}
    assert {p["key"]: p["value"]["string_value"] for p in second["event_params"]} == {
        "page_title": "Tea",
        "page_location": "elsewhere",
    }
    assert second["device"]["category"] == "desktop"


def test_csv_with_text_of_a_record_inside_a_record(world: World) -> None:
    row = as_text(event(1), ["event_params"]) | {"device_web_info": '{"browser": "Safari"}', "device.category": "tv"}
    del row["device"], row["items"]
    world.write("events_20240301.csv", flat([row]))
    report = world.ingest()
    (found,) = world.rows()
    assert (found["device"]["web_info"]["browser"], found["device"]["category"]) == ("Safari", "tv")
    assert not report.unknown_fields


# --- text that cannot be read -----------------------------------------------------------------------------------

BROKEN = [
    '[{"key": "page_location", "value": {"string_va',
    "[{'key': 'page_location', 'value': {'string_value': 'x'}}]",
    '[{"key": "a"} {"key": "b"}]',
    "{",
]


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_text_that_begins_like_json_but_is_none_is_set_aside(form: str, world: World) -> None:
    rows = [as_text(event(n), ["event_params"]) for n in range(2 * len(BROKEN) + 1)]
    for row, text in zip(rows[1::2], BROKEN, strict=True):
        row["event_params"] = text
    for row in rows:
        del row["items"], row["device"]
    if form == "parquet":
        put(world, rows)
    else:
        world.write(f"events_20240301.{form}", flat(rows) if form == "csv" else rows)
    report = world.ingest(max_bad_share=0.5)
    assert (report.accepted, report.quarantined) == (len(BROKEN) + 1, len(BROKEN))
    for n, (_, day, _, line, reason, content) in enumerate(report.quarantine, 1):
        assert (day, line) == (DAY, 2 * n + (form == "csv"))
        assert reason == "event_params is text, but not the JSON it begins as"
        assert content


def test_the_place_of_broken_text_is_named(world: World) -> None:
    world.write("events_20240301.ndjson", [event(0), event(1, items=[{"item_params": "[{"}])])
    report = world.ingest(max_bad_share=0.5)
    assert [row[4] for row in report.quarantine] == ["items[].item_params is text, but not the JSON it begins as"]


def test_other_text_is_kept_beside_the_schema(world: World) -> None:
    texts = ["Peru", '"Peru"', "7", "true", '"{', "nan"]
    world.write("events_20240301.ndjson", [event(n, geo=text) for n, text in enumerate(texts)])
    assert world.ingest().accepted == len(texts)
    assert world.values("geo.country") == [None] * len(texts)
    assert [json.loads(kept) for kept in world.values("_unknown_fields")] == [{"geo": text} for text in texts]


def test_text_of_nothing_is_null(world: World) -> None:
    texts = ["", "  ", "null", " null\n", '"null"']
    world.write("events_20240301.ndjson", [event(n, geo=text, items=text) for n, text in enumerate(texts)])
    assert world.ingest().unknown_fields == {}
    assert world.values("[geo is null, items is null]") == [[True, True]] * len(texts)


def test_text_of_the_wrong_kind_is_kept_as_the_nested_value_is(world: World) -> None:
    world.write("events_20240301.ndjson", [event(0, items='{"item_id": "1"}'), event(1, geo="[1]")])
    world.ingest()
    assert [json.loads(text) for text in world.values("_unknown_fields")] == [
        {"items": {"item_id": "1"}},
        {"geo": [1]},
    ]


def test_text_nested_deeper_than_python_follows(world: World) -> None:
    world.write("events_20240301.ndjson", [event(0), event(1, geo="[" * 20_000 + "]" * 20_000)])
    report = world.ingest(max_bad_share=0.5)
    assert report.rows_in == 2
    assert report.quarantined or report.unknown_fields


# --- any event --------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=6)
members = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts | st.floats(allow_nan=False)


def values(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, dict):
        return st.fixed_dictionaries({}, optional={name: values(member) for name, member in kind.items()})
    if isinstance(kind, list):
        return st.lists(values(kind[0]), max_size=2)
    return members


fields = st.fixed_dictionaries({}, optional={name: values(EVENT_SCHEMA[name]) for name in NESTED})


def packed(value: Any, kind: Any, draw: Callable[[], bool]) -> Any:
    """The value with some of its records and lists as text."""
    if isinstance(kind, dict) and isinstance(value, dict):
        value = {name: packed(member, kind[name], draw) for name, member in value.items()}
    elif isinstance(kind, list) and isinstance(value, list):
        value = [packed(member, kind[0], draw) for member in value]
    else:
        return value
    return json.dumps(value) if draw() else value


@settings(max_examples=100)
@given(fields, st.data())
def test_whatever_is_packed_as_text_is_unpacked(row: dict[str, Any], data: st.DataObject) -> None:
    text = {name: packed(value, SCHEMA[name], lambda: data.draw(st.booleans())) for name, value in row.items()}
    assert nested(text, SCHEMA) == row


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(fields, min_size=1, max_size=4), st.data())
def test_all_forms_give_the_rows_of_the_nested_one(tmp_path: Any, rows: list[Any], data: st.DataObject) -> None:
    whole = [event(n, items=None, event_params=None, device=None) | row for n, row in enumerate(rows)]
    write(tmp_path / "a" / "export" / "events_20240301.ndjson", whole)
    text = [
        {name: packed(value, SCHEMA[name], lambda: data.draw(st.booleans())) for name, value in row.items()}
        for row in whole
    ]
    write(tmp_path / "b" / "export" / "events_20240301.ndjson", text)
    write(tmp_path / "c" / "export" / "events_20240301.json", json.dumps(text, indent=2).encode())
    worlds = [World(tmp_path / folder) for folder in "abc"]
    for world in worlds:
        assert world.ingest().accepted == len(rows)
    assert str(contents(worlds[1])) == str(contents(worlds[0]))
    assert str(contents(worlds[2])) == str(contents(worlds[0]))


@given(st.text(max_size=30) | st.text('[]{}":,\\u0d8n ', max_size=30))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        found = nested({"geo": text}, SCHEMA)["geo"]
    except BrokenJsonTextError as error:
        assert error.path == "geo"
        assert text.strip()[0] in '[{"'
    else:
        assert found is None or isinstance(found, dict | list) or found == text
