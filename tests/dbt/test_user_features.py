"""Features end where the future begins, on a whole export."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.conftest import Warehouse

FEATURES = """
    select columns(lambda name: not regexp_matches(name, '_(7|14|28)d$|^exported_until$'))
    from ga4.ml_ga4__user_features order by all"""
LABELS = "select count(*) filter (will_return_7d), count(will_return_14d) from ga4.ml_ga4__user_features"


def test_no_later_event_reaches_a_feature(warehouse: Warehouse, tmp_path: Path) -> None:
    """Without all that happened from as_of on, the same persons have the same features, and no labels."""
    export, raw = tmp_path / "export", warehouse.data_dir / "raw_ga4_events"
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(20)]
    # the shop's evening is midnight in UTC
    shop = {"timezone": "America/Los_Angeles", "start_date": days[0]}
    write_demo_export(export, users=1500, days=len(days), seed=5, progress=False, **shop)
    ingest_days(find_source_files(str(export), "demo"), days, raw)
    warehouse.dbt("run", "--select", "+int_ga4__sessions")
    # a date that sessions lie on both sides of
    ((as_of,),) = warehouse.query("""
        select min(session_ended_at::date)::varchar from ga4.int_ga4__sessions
        where session_ended_at::date > session_started_at::date and session_started_at >= date '2026-01-08'""")
    assert as_of <= "2026-01-16"

    def build() -> None:
        warehouse.dbt("run", "--full-refresh", "--select", "+ml_ga4__user_features", feature_as_of_dates=[as_of])

    build()
    known = warehouse.query(FEATURES)
    assert len(known) > 100 and warehouse.query(LABELS)[0][0] > 5

    midnight = int(datetime.fromisoformat(as_of).replace(tzinfo=UTC).timestamp()) * 1_000_000
    for file in raw.rglob("*.parquet"):
        rows = f"from read_parquet('{file}', hive_partitioning = false) where event_timestamp < {midnight}"
        before = duckdb.sql(rows).to_arrow_table()  # noqa: F841  (DuckDB finds it by its name)
        duckdb.execute(f"copy before to '{file}'")
    build()
    assert warehouse.query(FEATURES) == known
    assert warehouse.query(LABELS) == [(0, 0)]
