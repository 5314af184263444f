"""A day's sequences from the warehouse's events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from beha2vec_core.evaluation.data import from_connection, inputs
from beha2vec_core.evaluation.floors.histories import page_views, sessions
from beha2vec_core.events.sequences import build_sequences
from beha2vec_core.events.user_sequences import sequence_file, write_day
from beha2vec_core.privacy.partitions import is_clean

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
                'page_view' as event_name, 'shop.example.com/' as page_key, true as is_page_view, 's' as session_key
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
            is_clean=True,
        )
        assert is_clean(sequence_file(tmp_path, DAY))
        rows = connection.execute(
            f"select user_key, n_events, as_of from '{tmp_path}/*/*.parquet' order by 1"
        ).fetchall()
    assert day.users == 2
    assert rows == [
        ("berlin", 1, datetime(2024, 1, 10, 22, 59, 59, 999_999)),
        ("new york", 2, datetime(2024, 1, 11, 4, 59, 59, 999_999)),
    ]


def test_events_of_one_microsecond_reach_the_encoder_in_the_order_of_dbt(tmp_path: Path) -> None:
    """The warehouse, a day's file and what the encoder reads agree on order, page views and sessions."""
    noon = micros(2024, 1, 10, 12)
    names = ["page_view", "view_item", "add_to_cart", "my_view"]
    with duckdb.connect() as connection:
        connection.execute(
            f"""create schema ga4; create schema beha2vec;
            create table beha2vec.enriched_pages (page_key varchar, theme varchar, page_type varchar);
            create table ga4.ml_ga4__sequence_events as
            select 'p' as property_id, 'u' as user_key, date '{DAY}' as event_date, {noon} as event_timestamp,
                place as event_index, event_name, 'shop.example.com/' as page_key, 'Shop' as page_title,
                place in (1, 4) as is_page_view, 's' || place // 3 as session_key
            from (select unnest({names}) as event_name, unnest(range(1, 5)) as place) order by event_name"""
        )
        write_day(connection, DAY, tmp_path, lookback_days=90, length=3, tz=ZoneInfo("UTC"))
        table = connection.sql(f"from '{tmp_path}/*/*.parquet'").to_arrow_table()
        evaluated = from_connection(connection).events
    row = table.to_pylist()[0]
    assert (row["event_name"], row["event_index"]) == (names[1:], [2, 3, 4])
    assert (row["is_page_view"], row["session_key"]) == ([False, False, True], ["s0", "s1", "s1"])
    read = build_sequences(table)
    assert [read.text["event_name"].values[code] for code in read.text["event_name"].codes] == names[1:]
    assert read.is_page_view.tolist() == [False, False, True]
    assert inputs(evaluated)["event_name"].tolist() == names
    assert inputs(evaluated)["is_page_view"].tolist() == [True, False, False, True]
    assert sessions(inputs(evaluated)).tolist() == [0, 0, 1, 1] and len(page_views(evaluated)) == 2
