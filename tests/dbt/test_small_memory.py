"""The tables of users and their features are built in less memory than they take."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.conftest import Warehouse

KEYS = ("client_key", "user_key", "session_key", "event_key", "purchase_key")
MODELS = ("dim_ga4__users", "ml_ga4__user_features")
READ = (
    "int_ga4__events_sessionized",
    "int_ga4__sessions",
    "int_ga4__session_traffic_sources",
    "int_ga4__first_user_sources",
    "int_ga4__identity_map",
    "int_ga4__purchases",
)
COPIES = 80


@pytest.mark.slow
def test_users_and_features_fit_into_little_memory(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 80 times the users both need several times the limit, and have the same rows as without it."""
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(40)]
    write_demo_export(tmp_path / "export", users=1500, seed=3, days=len(days), start_date=days[0], progress=False)
    ingest_days(find_source_files(str(tmp_path / "export"), "demo"), days, warehouse.data_dir / "raw_ga4_events")
    warehouse.dbt("run", "--full-refresh", "--select", *(f"+{model}" for model in MODELS))
    for table in READ:
        names = [name for (name,) in warehouse.query(f"select column_name from (describe ga4.{table})")]
        copied = ", ".join(f"md5({key} || copy) as {key}" for key in KEYS if key in names)
        warehouse.query(
            f"insert into ga4.{table} select old.* replace ({copied})"
            f" from ga4.{table} as old, range(1, {COPIES}) as copies(copy)"
        )

    def build(limit: str, threads: int) -> list[tuple[int, ...]]:
        monkeypatch.setenv("BEHA2VEC_MEMORY_LIMIT", limit)
        monkeypatch.setenv("BEHA2VEC_THREADS", str(threads))  # as many as a run gives dbt with this limit
        warehouse.dbt("run", "--select", *MODELS)
        return [row for model in MODELS for row in warehouse.query(_sum_of_hashes(warehouse, model))]

    whole = build("4GB", 2)
    assert whole[0][0] > 1000 * COPIES
    assert build("256MB", 1) == whole


def _sum_of_hashes(warehouse: Warehouse, model: str) -> str:
    """Rows of a model and the sum of their hashes; numbers with fractions count up to the order of their sums."""
    types = warehouse.query(f"select column_name, column_type from (describe ga4.{model})")
    columns = ", ".join(f"round({name}, 4)" if kind == "DOUBLE" else name for name, kind in types)
    return f"select count(*), sum(hash({columns})) from ga4.{model}"
