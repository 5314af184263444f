"""Every model, built day by day as a shop's export arrives, has the rows of a full refresh.

`test_incremental.py` does it with events that are made to break windows; here are a real export and the demo's.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.conftest import Warehouse
from tests.dbt.test_merch_store import MERCH_STORE, nested_export, write_raw

needs_merch_store = pytest.mark.skipif(not MERCH_STORE.exists(), reason="the merch store export is not on this machine")

# of which the exports have none
EMPTY = {"stg_ga4__user_properties", "base_ga4__url_templates", "stg_ga4__ads_personalization"}


def build(warehouse: Warehouse, first: str, last: str) -> None:
    """What Dagster runs for some days."""
    warehouse.dbt("run", "--select", "config.materialized:incremental", min_date=first, max_date=last)


def assert_equals_full_refresh(warehouse: Warehouse) -> None:
    """The tables and views are made of what the days have left; then all is built anew."""
    warehouse.dbt("run", "--exclude", "config.materialized:incremental")
    by_day = warehouse.all_rows()
    warehouse.dbt("run", "--full-refresh")
    for model, rows in warehouse.all_rows().items():
        assert rows or model in EMPTY, model
        assert by_day[model] == rows, model


@needs_merch_store
@pytest.mark.slow
def test_merch_store(warehouse: Warehouse) -> None:
    """Twelve days; a tenth of each day's events comes two days later, when GA4 writes the day's table again."""
    days = [(date(2016, 12, 10) + timedelta(days=n)).isoformat() for n in range(12)]
    with duckdb.connect() as connection:
        connection.execute(f"""
            create table export as
            select * replace (strptime(event_date, '%Y%m%d')::date::varchar as event_date),
                hash(user_pseudo_id, event_timestamp, event_name) % 10 = 0 as is_late
            from ({nested_export()})""")

        def deliver(day: str, events: str) -> None:
            folder = warehouse.data_dir / "raw_ga4_events" / "property_id=merch" / f"event_date={day}"
            folder.mkdir(parents=True, exist_ok=True)
            connection.execute(f"""
                copy (select * exclude (event_date, is_late) from export where event_date = '{day}' and {events})
                to '{folder}/events.parquet'""")

        for place, day in enumerate(days):
            deliver(day, "not is_late")
            if place >= 2:
                deliver(days[place - 2], "true")
            build(warehouse, days[max(place - 2, 0)], day)
        for day in days[-2:]:
            deliver(day, "true")
    build(warehouse, *days[-2:])
    assert_equals_full_refresh(warehouse)


@needs_merch_store
@pytest.mark.slow
def test_merch_store_in_eight_chunks(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full refresh of a year in chunks, as Dagster runs it. The seventh stops after two models, and runs again."""
    write_raw(warehouse, nested_export(), "merch")
    monkeypatch.setenv("GA4_FULL_REFRESH_IN_PARTS", "1")
    incremental = "config.materialized:incremental"
    for number in range(8):
        first = date(2016, 8, 1) + timedelta(days=46 * number)
        days = {"min_date": first.isoformat(), "max_date": (first + timedelta(days=45)).isoformat()}
        if number == 6:
            warehouse.dbt("run", "--select", "base_ga4__events", "stg_ga4__events", **days)
        warehouse.dbt("run", "--select", incremental, *(["--full-refresh"] if number == 0 else []), **days)
    monkeypatch.delenv("GA4_FULL_REFRESH_IN_PARTS")
    assert_equals_full_refresh(warehouse)


@pytest.mark.slow
def test_demo_in_any_order(warehouse: Warehouse, tmp_path: Path) -> None:
    """Four days with the generator's late and doubled events, delivered out of order, one of them twice."""
    start = date(2026, 1, 5)
    days = [start + timedelta(days=n) for n in range(4)]
    export = tmp_path / "export"
    summary = write_demo_export(export, users=300, days=4, seed=11, start_date=start, progress=False)
    assert summary.late_events and summary.duplicates and summary.users_without_consent
    files = find_source_files(str(export), "demo")
    for day in (days[place] for place in (1, 0, 3, 2, 1)):
        ingest_days(files, [day], warehouse.data_dir / "raw_ga4_events")
        build(warehouse, day.isoformat(), day.isoformat())
    assert_equals_full_refresh(warehouse)
