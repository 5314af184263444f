"""GA4's own predictions are read from its tables of users as they stood at a date."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.ga4.sources import find_export
from beha2vec_core.predictions.ga4_scores import read_ga4_scores

MONDAY = date(2026, 3, 2)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("create schema ga4")
    made.execute(
        """create table ga4.int_ga4__identity_map as from (values
            ('p', 'anna', 'a'), ('p', 'anna', 'a2'), ('p', 'ben', 'b'), ('q', 'carl', 'c'))
            as map(property_id, user_key, user_pseudo_id)"""
    )
    return made


def _row(user: str, purchase: float | None = None, churn: float | str | None = None) -> dict[str, Any]:
    return {"pseudo_user_id": user, "predictions": {"purchase_score_7d": purchase, "churn_score_7d": churn}}


def _write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, rows)))


def _read(folder: Path, connection: duckdb.DuckDBPyConnection, *dates: date) -> list[tuple[Any, ...]]:
    (folder / "events_20260301.ndjson").write_text("{}")
    found = read_ga4_scores(connection, find_export(str(folder), "p").user_tables, dates)
    columns = ["as_of", "property_id", "user_key", "target", "probability"]
    assert list(found) == columns
    return [(day.date(), *rest) for day, *rest in found[columns].itertuples(index=False)]


def test_the_newest_score_before_the_date_counts(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _write(tmp_path, "pseudonymous_users_20260226.ndjson", [_row("a", 0.9, "0.25"), _row("b", 0.5)])
    _write(tmp_path, "pseudonymous_users_20260227/000.json", [_row("a", 0.125, 0.5), {"pseudo_user_id": "b"}])
    _write(tmp_path, "pseudonymous_users_20260302.ndjson", [_row("a", 1.0, 0.0)])
    assert _read(tmp_path, connection, MONDAY) == [
        (MONDAY, "p", "anna", "purchase", 0.125),
        (MONDAY, "p", "anna", "return", 0.5),
    ], "GA4 took ben's score back"


def test_a_score_is_that_of_the_surest_device_and_of_known_users(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = [_row("a", 0.25), _row("a2", 0.5), _row("nobody", 0.5), _row("b", 1.5)]
    _write(tmp_path, "pseudonymous_users_20260226.ndjson", rows)
    _write(tmp_path, "analytics_q/pseudonymous_users_20260226.ndjson", [_row("c", 0.75)])
    _write(tmp_path, "pseudonymous_users_20260101.ndjson", [_row("b", 0.5)])
    assert _read(tmp_path, connection, MONDAY) == [
        (MONDAY, "p", "anna", "purchase", 0.5),
        (MONDAY, "q", "carl", "purchase", 0.75),
    ], "no score that is no probability, or older than four weeks"


def test_parquet_and_tables_without_predictions(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute(
        f"""copy (select 'a' as pseudo_user_id, {{purchase_score_7d: 0.25, churn_score_7d: 0.75}} as predictions)
        to '{tmp_path}/pseudonymous_users_20260228.parquet'"""
    )
    connection.execute(f"copy (select 'a' as pseudo_user_id) to '{tmp_path}/pseudonymous_users_20260301.parquet'")
    _write(tmp_path, "users_20260301.ndjson", [{"user_id": "a"}])
    assert _read(tmp_path, connection, MONDAY) == [
        (MONDAY, "p", "anna", "purchase", 0.25),
        (MONDAY, "p", "anna", "return", 0.25),
    ]
    assert "pseudonymous_users_20260301.parquet cannot be read and are left out" in caplog.text
    assert _read(tmp_path, connection) == []
