"""A day's sequences from the warehouse's events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from beha2vec_core.events.user_sequences import write_day

DAY = date(2024, 1, 10)


def micros(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


def test_a_day_ends_in_the_time_zone_of_its_property(tmp_path: Path) -> None:
    """An evening in New York is the next day in Berlin; a clock that runs ahead is cut off in either."""
    evening, ahead = micros(2024, 1, 11, 2), micros(2024, 1, 11, 20)
    with duckdb.connect() as connection:
        connection.execute(
            f"""create schema ga4; create schema beha2vec;
            create table beha2vec.enriched_pages (page_key varchar, theme varchar, page_type varchar);
            create table ga4.ml_ga4__sequence_events as
            select property_id, property_id as user_key, date '{DAY}' as event_date, event_timestamp, 1 as event_index,
                'page_view' as event_name, 'shop.example.com/' as page_key, true as is_page_view
            from (values ('berlin'), ('new york')) as p(property_id),
                (values ({micros(2024, 1, 10, 12)}), ({evening}), ({ahead})) as t(event_timestamp)"""
        )
        zones = {"new york": ZoneInfo("America/New_York")}
        day = write_day(
            connection,
            DAY,
            tmp_path,
            lookback_days=90,
            length=128,
            tz=ZoneInfo("Europe/Berlin"),
            property_tz=zones,
        )
        rows = connection.execute(
            f"select user_key, n_events, as_of from '{tmp_path}/*/*.parquet' order by 1"
        ).fetchall()
    assert day.users == 2
    assert rows == [
        ("berlin", 1, datetime(2024, 1, 10, 22, 59, 59, 999_999)),
        ("new york", 2, datetime(2024, 1, 11, 4, 59, 59, 999_999)),
    ]
