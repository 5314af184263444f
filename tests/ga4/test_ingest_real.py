"""The real exports: the merchandise store's year, and the sample in two encodings."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.ga4.readers import create_tables, read_file
from beha2vec_core.ga4.source_files import source_days
from beha2vec_core.ga4.sources import find_source_files
from tests.ga4.ingest_world import DATA, World, needs_data, world

__all__ = ["world"]
pytestmark = needs_data

STORE = DATA / "merch_store_2016_2017"
SAMPLE = DATA / "ga4_merch_sample"
FIRST = date(2016, 8, 1)
# what the store's CSV has columns for
COLUMNS = """
    event_timestamp, event_name, user_pseudo_id,
    list_sort([
        p.key || '=' || coalesce(p.value.string_value, p.value.int_value::varchar) for p in event_params
        if p.key in ('ga_session_id', 'ga_session_number', 'page_location', 'page_title', 'page_referrer',
            'engagement_time_msec')
    ]) as params,
    device.category, device.operating_system, device.web_info.browser, geo.continent, geo.country, geo.region, geo.city,
    traffic_source.source, traffic_source.medium, traffic_source.name,
    ecommerce.transaction_id, ecommerce.purchase_revenue_in_usd
"""


def all_rows(raw: Path, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select event_date, {columns} from read_parquet('{raw}/*/*/*.parquet', hive_partitioning = true,"
            " hive_types = {'property_id': varchar, 'event_date': date}, union_by_name = true) order by all"
        ).fetchall()


def compare_store(tmp_path: Path, days: list[date]) -> int:
    nested, flat = World(tmp_path / "nested"), World(tmp_path / "flat")
    report = nested.ingest(days, STORE / "export")
    assert (report.quarantined, report.unknown_fields) == (0, {})
    flat_report = flat.ingest(days, STORE / "ga4_data.csv")
    assert (flat_report.quarantined, flat_report.unknown_fields) == (0, {})
    assert [day.accepted for day in report.days] == [day.accepted for day in flat_report.days]
    assert all_rows(nested.raw, COLUMNS) == all_rows(flat.raw, COLUMNS)
    return report.accepted


def test_ten_days_of_the_store_are_the_same_from_both_forms(tmp_path: Path) -> None:
    accepted = compare_store(tmp_path, [FIRST + timedelta(n) for n in range(10)])
    lines = (STORE / "ga4_data.csv").read_text().splitlines()
    assert accepted == sum("20160801" <= line[:8] <= "20160810" for line in lines)


@pytest.mark.slow
def test_days_of_the_whole_year_of_the_store(tmp_path: Path) -> None:
    days = source_days(find_source_files(str(STORE / "export"), "p1"))
    assert len(days) == 366
    assert compare_store(tmp_path, days[::4]) > 5_000


def read_sample(name: str) -> list[tuple[Any, ...]]:
    """The file's rows as the reader accepts them (writing 92 partitions of five rows takes its time)."""
    (file,) = find_source_files(str(SAMPLE / name), "p1")
    with duckdb.connect() as connection:
        create_tables(connection)
        report = read_file(connection, file)
        assert report.rows_in == report.accepted
        assert connection.execute("select count(_unknown_fields) from accepted").fetchall() == [(0,)]
        return connection.execute("select * exclude (_source_file, _source_line) from accepted").fetchall()


def test_two_encodings_of_the_sample_agree_on_what_they_share() -> None:
    explicit = read_sample("events_bigquery_style.ndjson.gz")
    dropped = read_sample("events_bq_extract_style.ndjson.gz")
    assert (len(explicit), len(dropped)) == (460, 700)

    def bare(rows: list[tuple[Any, ...]]) -> list[str]:
        return [json.dumps([without_nulls(value) for value in row], default=str) for row in rows]

    shared = set(bare(explicit))
    assert len(shared & set(bare(dropped))) == len(shared)
    assert sum(row in shared for row in bare(dropped)) == 460


def without_nulls(value: Any) -> Any:
    """Drop null members: one encoding says null where the other says nothing (a struct of nulls is null)."""
    if isinstance(value, dict):
        kept = {name: inner for name, member in value.items() if (inner := without_nulls(member)) is not None}
        return kept or None
    if isinstance(value, list):
        return [without_nulls(member) for member in value] or None
    return value
