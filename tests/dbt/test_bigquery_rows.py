"""BigQuery's SQL gives the rows of the DuckDB models, on raw day tables as BigQuery delivers them.

`bigquery_world` transpiles and runs the compiled SQL of every model. What differs between the engines by rule, also in
docs/bigquery.md:

* The row hash is FARM_FINGERPRINT there and DuckDB's here, so keys made from it have other values. The stand-in hashes
  with DuckDB's function, so that they can be compared.
* Where ingest removes personal data, the event has another key, and where BigQuery's patterns do not find it
  (docs/privacy.md), another text: `other_events`, counted for each export.
* Sums of fractions are equal to six digits: they are added in any order.
* BigQuery has one type of whole numbers.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.schema import EVENT_SCHEMA
from beha2vec_core.ga4.source_files import source_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.bigquery_world import (
    PROPERTY,
    BigQuery,
    BigQueryServer,
    Compile,
    compile_for_bigquery,
    field_paths,
    is_model,
)
from tests.dbt.conftest import Warehouse, event
from tests.dbt.test_recount import DATA, make_export

__all__ = ["compile_for_bigquery"]

YEAR = DATA / "merch_store_2016_2017/export"
# a key of one event, or of a row made from one
EVENT_KEYS = ("event_key", "page_view_key", "conversion_key")
WHOLE = re.compile(r"TINYINT|SMALLINT|INTEGER|HUGEINT|UBIGINT|BIGINT")

DAY = 86_400_000_000
TOKEN = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
ADDRESSES = (
    "https://www.Shop.example:443/Caf%C3%A9/%E4%B8%AD/?Color=red&UTM_SOURCE=x&utm_source=mail&utm_medium=email#top",
    "https://shop.example/cafe\u0301/100%/%zz/%ff%fe/%C3",
    "shop.example/hats;jsessionid=12ab?gclid=1&b=2&a=1&email=anna%40example.com",
    f"https://shop.example/brochure/{TOKEN}/now?token=abc",
    *(f"https://shop.example/p/{name}abcdefabcdefabcdefab7f3/shoe" for name in ("be", "ad")),
    f"https://shop.example/seen/{TOKEN.upper()}",
    "https://shop.example/search?q=red+hats%20for%2Bdogs&color=blue&&color=",
    "//user:secret@shop.example./a//b/",
    "about:blank",
    "/relative/path?x=1",
    "index.html",
    "",
    "(not set)",
    "https://staging.shop.example/",
    "https://other.example/?fbclid=abc",
)


@dataclass
class Export:
    """An export, its vars, the last days that are built by day after all others at once, and rows that differ by rule.

    ``other_events``: from how many events ingest removes personal data.
    """

    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)
    last_days: int = 0
    other_events: int = 0

    def files(self) -> dict[date, Path]:
        """The day tables by day, in order."""
        found = {file.day: file.path for file in find_source_files(str(self.folder), PROPERTY) if file.day}
        return dict(sorted(found.items()))


def _write_day(folder: Path, suffix: str, rows: list[dict[str, Any]]) -> None:
    day = suffix.rpartition("_")[2]
    lines = "".join(json.dumps({"event_date": day, "platform": "WEB", "items": []} | row) + "\n" for row in rows)
    (folder / f"events_{suffix}.ndjson.gz").write_bytes(gzip.compress(lines.encode()))


def _made(folder: Path) -> Export:
    """The recount's users, and what the engines' functions could read in two ways."""
    make_export(folder)
    start = 1_768_042_800_000_000  # 2026-01-10 12:00 in Berlin
    item = {"item_id": "hat", "item_name": "Hat", "item_category": "(not set)", "quantity": 2, "price": 5.5}
    item["item_params"] = [{"key": "size", "value": {"string_value": "12.0"}}]
    rows = []
    for place, address in enumerate(ADDRESSES):
        for user in ("a", "b", "c"):
            rows.append(
                event(
                    start + place * 600_000_000,
                    "page_view" if place % 5 else "view_item",
                    user,
                    params={
                        "page_location": address,
                        "page_referrer": ADDRESSES[place - 3],
                        "page_title": f"Caf\u00e9 {place}" if place % 3 else "Page not found",
                        "ga_session_id": f"GS2.1.s17683884{place % 2:02}$o1" if user == "a" else 100 + place // 6,
                        "plan": ("Gold", "anna@example.com", "7.0")[place % 3],
                        "score": ("1.5", "x", "3")[place % 3],
                    },
                    user_id={"a": "login-1", "b": " undefined "}.get(user),
                    user_properties=[
                        {
                            "key": "tier",
                            "value": {"string_value": f"t{place % 4}", "set_timestamp_micros": start + place},
                        }
                    ],
                    items=[item, {"item_id": "sock", "price": 1.25}] if place % 2 else [],
                    collected_traffic_source={"gclid": "x"} if place == 4 else None,
                    session_traffic_source_last_click={
                        "google_ads_campaign": {"campaign_name": "Spring"},
                        "cross_channel_campaign": {"source": "google", "medium": "cpc"} if place == 9 else None,
                    }
                    if place > 7
                    else None,
                    is_active_user=place % 2 == 0,
                    batch_page_id=place % 3,
                )
            )
    _write_day(folder, "20260109", [row | {"event_timestamp": row["event_timestamp"] - DAY} for row in rows])
    _write_day(
        folder, "fresh_20260114", [row | {"event_timestamp": row["event_timestamp"] + 4 * DAY} for row in rows[::2]]
    )
    _write_day(
        folder, "intraday_20260115", [row | {"event_timestamp": row["event_timestamp"] + 5 * DAY} for row in rows[::3]]
    )
    variables = {
        "timezone": "Europe/Berlin",
        "property_timezones": {PROPERTY: "Asia/Tokyo", "1": "UTC"},
        "identity_stitching": "user_id",
        "reporting_currency": "event",
        "custom_event_params": ["plan", {"name": "score", "type": "double"}],
        "custom_item_params": [{"name": "size", "type": "int"}],
        "user_properties": ["tier"],
        "query_parameter_extraction": ["q"],
        "query_parameter_allowlist": ["color", "q"],
        "own_domains": ["https://other.example/"],
        "exclude_hostnames": ["staging.shop.example"],
        "feature_as_of_dates": ["2026-01-12", "2026-01-15"],
    }
    return Export(folder, variables, last_days=3, other_events=49)


def _demo(folder: Path) -> Export:
    write_demo_export(folder, users=150, days=35, seed=3, progress=False)
    return Export(folder, {"timezone": "Europe/Berlin", "feature_users": 60}, last_days=3)


def _year(_: Path) -> Export:
    if not YEAR.exists():
        pytest.skip("the merch store export is not on this machine")
    return Export(YEAR, {"timezone": "America/Los_Angeles"}, other_events=12)


def compare(bigquery: BigQuery, models: list[str], other_events: int) -> None:
    """All rows of all models are equal, but for the rules above."""
    keys = "select event_key from {}.ga4.base_ga4__events"
    ours, theirs = (keys.format(database) for database in ("duckdb_models", "project"))
    for one, other in ((ours, theirs), (theirs, ours)):
        bigquery.connection.execute(f"create or replace temp table other_keys as ({one}) except ({other})")
        assert bigquery.connection.execute("select count(*) from other_keys").fetchone() == (other_events,)
    bigquery.connection.execute(f"create or replace temp table same_keys as ({ours}) intersect ({theirs})")
    differences: list[str] = []
    for model in models:
        types = bigquery.columns("duckdb_models", model)
        found = bigquery.columns("project", model)
        assert list(found) == list(types), model
        assert {name: WHOLE.sub("INT64", kind) for name, kind in found.items()} == {
            name: WHOLE.sub("INT64", kind) for name, kind in types.items()
        }, model
        columns = ", ".join(f"round({name}, 6)" if kind == "DOUBLE" else name for name, kind in types.items())
        key = next((name for name in EVENT_KEYS if name in types), None)
        kept = f"where {key} in (from same_keys)" if key and other_events else ""
        rows = [f"select {columns} from {database}.ga4.{model} {kept}" for database in ("project", "duckdb_models")]
        for name, one, other in (("BigQuery", *rows), ("DuckDB", *rows[::-1])):
            difference = bigquery.connection.execute(f"{one} except all {other} limit 3").fetchall()
            differences += [f"{model}, {name}: {row}" for row in difference]
    assert not differences, "\n".join(differences)


def texts_with(bigquery: BigQuery, models: list[str], text: str) -> list[str]:
    """The text columns in which a text occurs."""
    columns = [
        (model, name)
        for model in models
        for name, kind in bigquery.columns("project", model).items()
        if kind == "VARCHAR"
    ]
    count = "select count(*) from project.ga4.{} where contains({}, '{}')"
    return [
        f"{model}.{name}"
        for model, name in columns
        if bigquery.connection.execute(count.format(model, name, text)).fetchone() != (0,)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [pytest.param(make, marks=pytest.mark.xdist_group(make.__name__)) for make in (_made, _demo, _year)]
)
def test_bigquery_s_sql_gives_the_same_rows(
    make: Any, warehouse: Warehouse, compile_for_bigquery: Compile, tmp_path: Path
) -> None:
    export = make(tmp_path / "export")
    files = export.files()
    days = source_days(find_source_files(str(export.folder), PROPERTY))
    ingest_days(find_source_files(str(export.folder), PROPERTY), days, warehouse.data_dir / "raw_ga4_events")
    warehouse.dbt("run", **export.variables)
    # a copy, since dbt in this process keeps the file open
    warehouse.query("checkpoint")
    built = Path(shutil.copy(warehouse.data_dir / "warehouse.duckdb", tmp_path))

    bigquery = BigQuery(built)
    nodes = compile_for_bigquery(**export.variables)
    models = [name for name, node in nodes.items() if is_model(node)]
    assert sorted(models) == sorted(warehouse.models())
    last = [day for day in files if export.last_days and day > days[-1] - timedelta(export.last_days)]
    bigquery.load(path for day, path in files.items() if day not in last)
    bigquery.build(nodes)
    if last:
        # as a nightly run builds them: tables whole, windows by partition
        bigquery.load(files[day] for day in last)
        asked = (last[0].isoformat(), last[-1].isoformat())
        bigquery.build_days(compile_for_bigquery(days=asked, **export.variables))
    compare(bigquery, models, export.other_events)
    assert not texts_with(bigquery, models, "anna@example.com")


def _without(fields: dict[str, Any], paths: set[str], prefix: str = "") -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, member in fields.items():
        if (path := prefix + name) in paths:
            continue
        inner = member[0] if isinstance(member, list) else member
        if isinstance(inner, dict):
            inner = _without(inner, paths, f"{path}.")
        kept[name] = [inner] if isinstance(member, list) else inner
    return kept


# what the public sample of 2020 (bigquery-public-data.ga4_obfuscated_sample_ecommerce) lacks, and has of another type
NEWER = {
    "batch_event_index",
    "batch_ordering_id",
    "batch_page_id",
    "collected_traffic_source",
    "device.browser",
    "device.browser_version",
    "device.web_info.hostname",
    "is_active_user",
    "items.item_params",
    "session_traffic_source_last_click",
}
OTHER_TYPES = {"stream_id": "BIGINT"}


@pytest.mark.slow
def test_a_data_set_without_newer_fields(warehouse: Warehouse, tmp_path: Path) -> None:
    make_export(tmp_path / "export")
    export = Export(tmp_path / "export")
    ingest_days(find_source_files(str(export.folder), PROPERTY), export.files(), warehouse.data_dir / "raw_ga4_events")
    warehouse.dbt("run")
    warehouse.query("checkpoint")
    built = Path(shutil.copy(warehouse.data_dir / "warehouse.duckdb", tmp_path))

    fields = _without(EVENT_SCHEMA, NEWER) | OTHER_TYPES
    with BigQueryServer(field_paths(fields)) as server:
        outcome = server.compile(tmp_path, BEHA2VEC_BIGQUERY_LABELS="team=growth, env=test")
        assert outcome.success, outcome.exception
    bigquery = BigQuery(built, fields)
    bigquery.load(export.files().values())
    # with a column that is not there, this fails
    nodes = {result.node.name: result.node for result in outcome.result}
    bigquery.build(nodes)
    compare(bigquery, [name for name, node in nodes.items() if is_model(node)], other_events=0)

    # dbt asked for the fields of the newest day table, for each model that reads the export
    asked = [job["configuration"] for job in server.jobs]
    readers = {"base_ga4__events", "base_ga4__own_hosts", "base_ga4__url_templates", "ga4_quality__daily"}
    assert {job["labels"]["dbt_node"] for job in asked} >= readers
    for job in asked:
        assert "COLUMN_FIELD_PATHS" in job["query"]["query"]
        assert job["query"]["maximumBytesBilled"] == str(2**40)
        assert {"application": "beha2vec", "team": "growth", "env": "test"}.items() <= job["labels"].items()


@pytest.mark.slow
def test_a_data_set_without_day_tables_names_the_remedy(tmp_path: Path) -> None:
    with BigQueryServer({}) as server:
        outcome = server.compile(tmp_path, "--select", "base_ga4__own_hosts")
    assert "no day table of a GA4 export (events_YYYYMMDD): set GA4_BIGQUERY_PROJECT" in str(outcome.exception)
