"""The demo export as files: GA4's form, determinism, bounded memory, the mess that real exports have."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from math import log
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from beha2vec_core.demo_shop import DemoSummary, write_demo_export
from beha2vec_core.demo_shop.personas import PERSONAS
from beha2vec_core.ga4.schema import EVENT_SCHEMA

BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Export:
    folder: Path
    summary: DemoSummary
    lines: list[tuple[str, str]]  # the file's day, the row's text
    rows: list[dict[str, Any]]  # the same, parsed

    def personas(self) -> dict[str, str]:
        truth = pq.read_table(self.summary.truth).to_pydict()
        return dict(zip(truth["user_pseudo_id"], truth["persona"], strict=True))


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Export:
    folder = tmp_path_factory.mktemp("demo") / "export"
    summary = write_demo_export(folder, users=1200, days=14, seed=11, progress=False)
    lines = [
        (path.name.removeprefix("events_").split(".")[0], line)
        for path in summary.files
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]
    return Export(folder, summary, lines, [json.loads(line) for _, line in lines])


def params(row: dict[str, Any]) -> dict[str, Any]:
    return {param["key"]: next(iter(param["value"].values())) for param in row["event_params"]}


def page_views_by_user(export: Export) -> Counter[str]:
    views = {line for _, line in export.lines if '"event_name":"page_view"' in line}
    return Counter(row["user_pseudo_id"] for row in map(json.loads, views) if "user_pseudo_id" in row)


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted([*folder.glob("*"), folder.parent / f"{folder.name}_truth.parquet"]):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def misfits(value: Any, schema: Any, where: str) -> list[str]:
    """What in a parsed row the canonical schema does not allow, with int64 as strings and no nulls."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{where}: not a record"]
        return [
            problem
            for name, member in value.items()
            for problem in (
                misfits(member, schema[name], f"{where}.{name}") if name in schema else [f"{where}.{name}: unknown"]
            )
        ]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [problem for member in value for problem in misfits(member, schema[0], f"{where}[]")]
    fits = {
        "VARCHAR": isinstance(value, str),
        "BIGINT": isinstance(value, str) and value.lstrip("-").isdigit(),
        "DOUBLE": isinstance(value, float),
        "BOOLEAN": isinstance(value, bool),
    }[schema]
    return [] if fits else [f"{where}: {value!r} is no {schema}"]


def test_every_row_fits_the_schema(export):
    problems = Counter(
        problem for row in export.rows for problem in misfits(row, {**EVENT_SCHEMA, "event_date": "VARCHAR"}, "")
    )
    assert not problems
    assert len(export.lines) == export.summary.events


def test_every_export_field_of_today_is_there(export):
    seen = {name for row in export.rows for name in row}
    assert seen >= {
        "collected_traffic_source",
        "session_traffic_source_last_click",
        "is_active_user",
        "batch_event_index",
        "batch_page_id",
        "batch_ordering_id",
        "privacy_info",
        "user_first_touch_timestamp",
        "user_id",
        "ecommerce",
        "geo",
        "traffic_source",
    }
    keys = {key for row in export.rows for key in params(row)}
    assert keys >= {"search_term", "percent_scrolled", "entrances", "gclid", "engagement_time_msec", "page_referrer"}
    assert all(
        isinstance(param["value"].get("string_value"), str)
        for row in export.rows
        for param in row["event_params"]
        if param["key"] == "session_engaged"
    )


def test_event_date_is_the_files_day_and_late_events_keep_their_time(export):
    late = Counter()
    for (day, _), row in zip(export.lines, export.rows, strict=True):
        assert row["event_date"] == day
        local = datetime.fromtimestamp(int(row["event_timestamp"]) / 1e6, BERLIN)
        late[(datetime.strptime(day, "%Y%m%d").date() - local.date()).days] += 1
    assert set(late) == {0, 1, 2, 3}
    assert 0.002 < 1 - late[0] / late.total() < 0.008


def test_exact_duplicates_in_small_measure(export):
    repeated = len(export.lines) - len(set(export.lines))
    assert repeated == export.summary.duplicates
    assert 0.001 < repeated / len(export.lines) < 0.006


def test_sessions_keep_their_id_and_some_cross_midnight(export):
    sessions: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for row in export.rows:
        if "user_pseudo_id" in row:
            sessions[row["user_pseudo_id"], params(row)["ga_session_id"]].append((int(row["event_timestamp"]), row))
    crossing = 0
    for (_, session_id), events in sessions.items():
        first, last = min(time for time, _ in events), max(time for time, _ in events)
        assert first // 1_000_000 == int(session_id)
        assert len({params(row)["ga_session_number"] for _, row in events}) == 1
        starts = {time for time, row in events if row["event_name"] == "session_start"}
        assert starts == {first}
        entrances = {time for time, row in events if "entrances" in params(row)}
        assert entrances == {first}
        crossing += (
            datetime.fromtimestamp(first / 1e6, BERLIN).date() != datetime.fromtimestamp(last / 1e6, BERLIN).date()
        )
    assert crossing > 0
    assert max(Counter(user for user, _ in sessions).values()) > 3


def test_purchases_add_up(export):
    purchases = {line for _, line in export.lines if '"event_name":"purchase"' in line}
    rows = [json.loads(line) for line in purchases]
    assert len(rows) > 10
    for row in rows:
        order, items = row["ecommerce"], row["items"]
        assert order["purchase_revenue"] == pytest.approx(sum(item["item_revenue"] for item in items))
        assert order["purchase_revenue_in_usd"] == pytest.approx(sum(item["item_revenue_in_usd"] for item in items))
        assert all(item["item_revenue"] == pytest.approx(item["price"] * int(item["quantity"])) for item in items)
        assert int(order["total_item_quantity"]) == sum(int(item["quantity"]) for item in items)
        assert params(row)["value"] == order["purchase_revenue"] > 0
        assert params(row)["transaction_id"] == order["transaction_id"]
    assert len({row["ecommerce"]["transaction_id"] for row in rows if row["ecommerce"]}) == len(rows)


def test_refused_consent_leaves_no_id(export):
    refused = [row for row in export.rows if "user_pseudo_id" not in row]
    assert 0 < len(refused) < 0.05 * len(export.lines)
    for row in refused:
        assert row["privacy_info"]["analytics_storage"] == "No"
        assert not {"user_id", "user_first_touch_timestamp"} & row.keys()
        assert "ga_session_id" not in params(row)


def test_error_pages_and_tracking_parameters_in_small_measure(export):
    views = [params(row) for row in export.rows if row["event_name"] == "page_view"]
    assert 0.001 < sum(view["page_title"].startswith("Page Not Found") for view in views) / len(views) < 0.02
    assert 0 < sum("utm_source=" in view["page_location"] for view in views) < len(views) / 2
    assert 0 < sum("gclid=" in view["page_location"] for view in views) < len(views) / 2


def test_most_users_see_few_pages_and_some_see_many(export):
    counts = page_views_by_user(export)
    assert 0.45 < sum(count <= 3 for count in counts.values()) / len(counts) < 0.68
    assert max(counts.values()) > 30


def test_all_personas_are_there_and_volume_does_not_tell_them_apart(export):
    counts, personas = page_views_by_user(export), export.personas()
    assert set(personas.values()) == {persona.name for persona in PERSONAS} == set(export.summary.personas)
    assert set(counts) == set(personas)
    assert len(personas) == 1200 - export.summary.users_without_consent
    logs = {user: log(count) for user, count in counts.items()}
    mean = sum(logs.values()) / len(logs)
    groups = defaultdict(list)
    for user, value in logs.items():
        groups[personas[user]].append(value)
    between = sum(len(group) * (sum(group) / len(group) - mean) ** 2 for group in groups.values())
    assert between / sum((value - mean) ** 2 for value in logs.values()) < 0.15


def test_evenings_are_busier_than_nights(export):
    hours = Counter(datetime.fromtimestamp(int(row["event_timestamp"]) / 1e6, BERLIN).hour for row in export.rows)
    assert sum(hours[hour] for hour in (19, 20, 21)) > 4 * sum(hours[hour] for hour in (2, 3, 4))


def test_truth_lies_outside_the_export(export):
    assert export.summary.truth.parent == export.folder.parent
    assert {path.suffix for path in export.folder.iterdir()} == {".gz"}
    assert not any(
        persona.name in line for persona in PERSONAS if persona.name != "bot" for _, line in export.lines[:5000]
    )


def test_same_seed_same_bytes_in_any_process(tmp_path):
    write_demo_export(tmp_path / "here", users=60, days=5, seed=4, progress=False)
    code = (
        "import sys; from pathlib import Path; from beha2vec_core.demo_shop import write_demo_export;"
        "write_demo_export(Path(sys.argv[1]), users=60, days=5, seed=4, progress=False)"
    )
    there = tmp_path / "other" / "here"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, str(there)], check=True, env=environment)
    assert digest(tmp_path / "here") == digest(there)
    write_demo_export(tmp_path / "here", users=60, days=5, seed=5, progress=False)
    assert digest(tmp_path / "here") != digest(there)


def test_a_user_is_the_same_however_many_there_are(tmp_path):
    few = write_demo_export(tmp_path / "few", users=20, days=5, seed=4, progress=False)
    many = write_demo_export(tmp_path / "many", users=50, days=5, seed=4, progress=False)
    lines = [
        {line for path in summary.files for line in gzip.decompress(path.read_bytes()).splitlines()}
        for summary in (few, many)
    ]
    assert lines[0] < lines[1]


@pytest.mark.slow
def test_memory_does_not_grow_with_users(tmp_path):
    def peak(users: int) -> int:
        tracemalloc.start()
        write_demo_export(tmp_path / str(users), users=users, days=2, seed=2, progress=False)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(5)  # what is built once a process
    assert peak(1500) < 1.5 * peak(150)


def test_a_new_run_replaces_the_old_one_whole(tmp_path):
    write_demo_export(tmp_path / "demo", users=30, days=9, seed=1, progress=False)
    later = write_demo_export(tmp_path / "demo", users=30, days=3, seed=1, start_date=date(2026, 2, 1), progress=False)
    assert sorted(later.files) == sorted((tmp_path / "demo").iterdir())


def test_bad_arguments_are_reported_with_the_remedy(tmp_path):
    good: dict[str, Any] = {"users": 1, "days": 1, "seed": 0, "progress": False}
    for change, message in (
        ({"users": 0}, "at least 1"),
        ({"days": 0}, "at least 1"),
        ({"seed": -1}, "from 0"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"truth": tmp_path / "out" / "deep" / "truth.parquet"}, "outside"),
        ({"start_date": date(9999, 12, 30), "days": 9}, "fewer"),
    ):
        with pytest.raises(ValueError, match=message):
            write_demo_export(tmp_path / "out", **{**good, **change})
    assert not (tmp_path / "out").exists()


def test_a_foreign_export_is_never_overwritten(tmp_path):
    foreign = tmp_path / "real" / "events_20260105.ndjson.gz"
    foreign.parent.mkdir()
    foreign.write_bytes(b"precious")
    with pytest.raises(ValueError, match="choose an empty folder"):
        write_demo_export(foreign.parent, users=1, days=1, seed=0, progress=False)
    assert foreign.read_bytes() == b"precious"
