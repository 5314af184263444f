"""Parquet in all the ways that BigQuery and others write it."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beha2vec_core.ga4.sampling import sample_times
from beha2vec_core.ga4.sources import find_source_files
from tests.ga4.ingest_world import DAY, NOON, World, param, world

__all__ = ["world"]
NAME = "events_20240301.parquet"

VALUE = pa.struct(
    [
        ("string_value", pa.string()),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("double_value", pa.float64()),
    ]
)
PARAM = pa.struct([("key", pa.string()), ("value", VALUE)])
ITEM = pa.struct([("item_id", pa.string()), ("price", pa.float64()), ("item_params", pa.list_(PARAM))])

PARAMS = [
    {"key": "page_location", "value": {"string_value": "https://shop.example.com/p"}},
    {"key": "ga_session_id", "value": {"int_value": 1_709_290_800}},
]
ITEMS = [{"item_id": "1", "price": 2.5, "item_params": [{"key": "k", "value": {"double_value": 0.5}}]}]


def table(rows: int = 2, **columns: tuple[pa.DataType, list[Any]]) -> pa.Table:
    fields: dict[str, tuple[pa.DataType, list[Any]]] = {
        "event_date": (pa.string(), ["20240301"] * rows),
        "event_timestamp": (pa.int64(), [NOON + n for n in range(rows)]),
        "event_name": (pa.string(), ["purchase"] * rows),
        "event_params": (pa.list_(PARAM), [PARAMS] * rows),
        "user_pseudo_id": (pa.string(), ["00123"] * rows),
        "geo": (pa.struct([("country", pa.string())]), [{"country": "Peru"}] * rows),
        "items": (pa.list_(ITEM), [ITEMS] * rows),
    } | columns
    return pa.table({name: pa.array(values, kind) for name, (kind, values) in fields.items()})


def put(world: World, content: pa.Table, name: str = NAME) -> None:
    world.export.mkdir(exist_ok=True, parents=True)
    pq.write_table(content, world.export / name)


def wrapped(kind: pa.DataType) -> pa.DataType:
    """A list as EXPORT DATA writes it without list inference: struct<list: list<struct<element>>>."""
    return pa.struct([("list", pa.list_(pa.struct([("element", kind)])))])


def wrap(values: list[Any]) -> dict[str, Any]:
    return {"list": [{"element": value} for value in values]}


def elements(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct([("element", kind)]))


def check(world: World) -> None:
    report = world.ingest()
    assert (report.accepted, report.quarantined, report.unknown_fields) == (2, 0, {})
    row = world.rows()[0]
    assert param(row, "page_location") == {"string_value": "https://shop.example.com/p"}
    assert param(row, "ga_session_id") == {"int_value": 1_709_290_800}
    (item,) = row["items"]
    assert (item["item_id"], item["price"], item["item_params"][0]["value"]["double_value"]) == ("1", 2.5, 0.5)
    assert item["item_name"] is None
    assert (row["geo"]["country"], row["geo"]["city"], row["device"]) == ("Peru", None, None)
    assert (row["user_pseudo_id"], row["_source_file"], row["_source_line"]) == ("00123", NAME, 1)


def test_plain_nested(world: World) -> None:
    put(world, table())
    check(world)


def test_bigquery_without_list_inference(world: World) -> None:
    item = pa.struct([("item_id", pa.string()), ("price", pa.float64()), ("item_params", wrapped(PARAM))])
    items = [{**ITEMS[0], "item_params": wrap(ITEMS[0]["item_params"])}]  # type: ignore[arg-type]
    put(
        world,
        table(event_params=(wrapped(PARAM), [wrap(PARAMS)] * 2), items=(wrapped(item), [wrap(items)] * 2)),
    )
    check(world)


def test_bigquery_with_element_structs(world: World) -> None:
    put(world, table(event_params=(elements(PARAM), [wrap(PARAMS)["list"]] * 2)))
    check(world)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.date32(), DAY),
        (pa.timestamp("us"), datetime(2024, 3, 1)),
        (pa.string(), "2024-03-01"),
        (pa.int64(), 20240301),
    ],
)
def test_forms_of_event_date(kind: pa.DataType, value: Any, world: World) -> None:
    put(world, table(event_date=(kind, [value, None])))
    report = world.ingest(max_bad_share=0.5)
    assert (report.accepted, report.quarantined) == (1, 1)
    assert report.quarantine[0][2:5] == (NAME, 2, "event_date is missing")
    assert json.loads(report.quarantine[0][5])["user_pseudo_id"] == "00123"


def test_the_files_name_gives_the_day_where_the_column_is_absent(world: World) -> None:
    put(world, table().drop_columns(["event_date"]))
    assert world.ingest().accepted == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.timestamp("us", tz="UTC"), datetime.fromtimestamp(NOON / 1e6, UTC)),
        (pa.string(), str(NOON)),
        (pa.float64(), float(NOON)),
        (pa.decimal128(20, 2), Decimal(NOON)),
    ],
)
def test_forms_of_event_timestamp(kind: pa.DataType, value: Any, world: World) -> None:
    put(world, table(rows=1, event_timestamp=(kind, [value])))
    world.ingest()
    assert world.values("event_timestamp") == [NOON]


def test_unknown_fields_are_kept_at_any_depth(world: World) -> None:
    geo = pa.struct([("country", pa.string()), ("planet", pa.string())])
    item = pa.struct([("item_id", pa.string()), ("tags", pa.list_(pa.string())), ('we"ird', pa.int64())])
    put(
        world,
        table(
            geo=(geo, [{"country": "Peru", "planet": "Earth"}, None]),
            items=(
                pa.list_(item),
                [[{"item_id": "1"}, {"item_id": "2", "tags": ["a"], 'we"ird': 7}], [{"item_id": "3"}]],
            ),
            publisher=(pa.struct([("ad", pa.string())]), [{"ad": "x"}, None]),
            raw=(pa.binary(), [b"\xff\0", None]),
            batch_page_id=(pa.string(), ["soon", "7"]),
        ),
    )
    report = world.ingest()
    first, second = world.rows()
    kept = json.loads(first["_unknown_fields"])
    raw = kept.pop("raw")
    assert kept == {
        "geo.planet": "Earth",
        "items[].tags": [None, ["a"]],
        'items[].we"ird': [None, 7],
        "publisher": {"ad": "x"},
        "batch_page_id": "soon",
    }
    assert raw
    assert second["_unknown_fields"] is None
    assert (second["batch_page_id"], second["geo"]) == (7, None)
    assert report.unknown_fields == dict.fromkeys([*kept, "raw"], 1)


def test_lists_of_the_wrong_kind_are_kept_aside(world: World) -> None:
    put(world, table(rows=1, items=(pa.string(), ["none"]), geo=(pa.string(), ["Peru"])))
    world.ingest()
    (row,) = world.rows()
    assert (row["items"], row["geo"]) == (None, None)
    assert json.loads(row["_unknown_fields"]) == {"items": "none", "geo": "Peru"}


@pytest.mark.parametrize("content", [b"PAR1 no more", b"", b"{}" * 100])
def test_what_is_no_parquet_leaves_the_other_files_and_the_old_partition_alone(content: bytes, world: World) -> None:
    put(world, table())
    world.ingest()
    put(world, table(event_date=(pa.string(), ["20240302"] * 2)), "events_20240302.parquet")
    world.write(NAME, content)
    bad, good = world.ingest([DAY, date(2024, 3, 2)]).days
    assert (bad.status, good.status, good.accepted) == ("unreadable", "ingested", 2)
    assert "not a readable parquet file" in str(bad.problem)
    assert len(world.rows()) == 2


def damaged(content: bytes, how: str) -> bytes:
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    names = content.index(b"event_name", footer)
    if how == "a name in the footer":
        return content[:names] + b"\xff\xfe" + content[names + 2 :]
    if how == "a nested name in the footer":
        at = content.index(b"string_value", footer)
        return content[:at] + b"\xff\xfe" + content[at + 2 :]
    if how == "zeros":
        return content[: footer + 20] + bytes(200) + content[footer + 220 :]
    if how == "length":
        return content[:-8] + b"\xff\xff\xff\x7f" + content[-4:]
    return content[: footer + 50]  # cut


HOW = ["a name in the footer", "a nested name in the footer", "zeros", "length", "cut"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", [NAME, "all.parquet"])
def test_a_damaged_footer_costs_its_day_only(how: str, name: str, world: World) -> None:
    put(world, table(event_date=(pa.string(), ["20240302"] * 2)), "events_20240302.parquet")
    put(world, table(), name)
    path = world.export / name
    path.write_bytes(damaged(path.read_bytes(), how))
    bad, good = world.ingest([DAY, date(2024, 3, 2)]).days
    assert (bad.status, good.status, good.accepted) == ("unreadable", "ingested", 2)
    assert "not a readable parquet file" in str(bad.problem)
    (file,) = [file for file in find_source_files(str(world.export), "p1") if file.name == name]
    assert sample_times(file) in ([], [(DAY, NOON), (DAY, NOON + 1)])


def test_a_damaged_file_is_refused(world: World) -> None:
    put(world, table(rows=5000, event_name=(pa.string(), [f"name {n}" for n in range(5000)])))
    content = bytearray((world.export / NAME).read_bytes())
    content[200:40_000] = bytes(39_800)
    world.write(NAME, bytes(content))
    (day,) = world.ingest().days
    assert day.status == "unreadable"
    assert not world.has()


def test_missing_columns_are_named(world: World) -> None:
    put(world, table().drop_columns(["event_timestamp", "event_name"]))
    assert "lacks event_timestamp, event_name" in str(world.ingest().days[0].problem)


def test_odd_names_of_folders(world: World) -> None:
    folder = "od[d]*'s ?"
    (world.export / folder).mkdir(parents=True)
    put(world, table(), f"{folder}/{NAME}")
    assert world.ingest().accepted == 2
    assert set(world.values("_source_file")) == {f"{folder}/{NAME}"}
