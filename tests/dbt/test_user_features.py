"""Features end where the future begins, on a whole export."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.conftest import Warehouse

FEATURES = """
    select columns(
        lambda name: not regexp_matches(name, '^(will|next|revenue)_.*_?(7|14|28)d$|^exported_until$'))
    from ga4.ml_ga4__user_features order by all"""
LABELS = """
    select user_key, will_return_7d, will_purchase_7d, revenue_7d, next_actions_7d
    from ga4.ml_ga4__user_features order by all"""
# as many events as before, of the same days: whose they are and what they say is drawn from all of them
NOISE = """
    with numbered as (select *, row_number() over () as n, count(*) over () as events from before)
    select numbered.* exclude (n, events) replace (
        other.user_pseudo_id as user_pseudo_id, other.event_name as event_name,
        other.event_timestamp as event_timestamp,
        another.ecommerce as ecommerce, another.device as device, another.traffic_source as traffic_source
    )
    from numbered
    join numbered as other on other.n = (numbered.n * 7919 + 13) % numbered.events + 1
    join numbered as another on another.n = (numbered.n * 104729 + 31) % numbered.events + 1"""


@pytest.mark.slow
def test_noise_after_the_date_changes_no_feature(warehouse: Warehouse, tmp_path: Path) -> None:
    """Replacing all that is exported from as_of on by noise changes labels, and no feature by a bit."""
    export, raw = tmp_path / "export", warehouse.data_dir / "raw_ga4_events"
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(24)]
    # the shop's evening is midnight in UTC
    shop = {"timezone": "America/Los_Angeles", "start_date": days[0]}
    write_demo_export(export, users=500, days=len(days), seed=9, progress=False, **shop)
    ingest_days(find_source_files(str(export), "demo"), days, raw)
    warehouse.dbt("run", "--select", "+int_ga4__sessions")
    # a date that sessions lie on both sides of
    ((as_of,),) = warehouse.query("""
        select min(session_ended_at::date)::varchar from ga4.int_ga4__sessions
        where session_ended_at::date > session_started_at::date and session_started_at >= date '2026-01-08'""")
    assert as_of <= "2026-01-18"

    def build() -> None:
        warehouse.dbt("run", "--full-refresh", "--select", "+ml_ga4__user_features", feature_as_of_dates=[as_of])

    build()
    known = warehouse.query(FEATURES)
    assert len(known) > 100 and sum(bool(returns) for _, returns, *_ in warehouse.query(LABELS)) > 5

    labels = warehouse.query(LABELS)
    later = [file for file in raw.rglob("*.parquet") if file.parent.name >= f"event_date={as_of}"]
    assert len(later) > 5
    for file in later:
        before = duckdb.sql(f"from read_parquet('{file}', hive_partitioning = false)").to_arrow_table()
        noise = duckdb.sql(NOISE).to_arrow_table()
        assert noise.num_rows == before.num_rows
        duckdb.execute(f"copy noise to '{file}'")
    build()
    assert warehouse.query(FEATURES) == known
    assert warehouse.query(LABELS) != labels
