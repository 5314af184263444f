"""Models in the warehouse: what readers see, what is kept, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from beha2vec_core.predictions import store
from beha2vec_core.store.tables import create_tables

LAST = date(2026, 3, 29)  # a Sunday: its scores are of a Monday


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with models a, b and c, each with scores of the days since its own week."""
    with duckdb.connect() as connection:
        create_tables(connection)
        for place, version in enumerate("abc"):
            connection.execute(
                """insert into beha2vec.prediction_models by name select ? as prediction_version,
                date '2026-03-01' + ?::int as fitted_as_of,
                timestamp '2026-03-01' + ?::int * interval 7 day as fitted_at""",
                [version, 7 * place, place],
            )
            for back in range(60 - 7 * place, -1, -1):
                connection.execute(
                    """insert into beha2vec.user_predictions by name select ?::date as event_date, ?::date + 1 as as_of,
                    'u' as user_key, 'return' as target, 7 as horizon, 0.5 as probability, ? as prediction_version""",
                    [LAST - timedelta(days=back)] * 2 + [version],
                )
            store.promote(connection, version)
        yield connection


def _days(connection: duckdb.DuckDBPyConnection, version: str) -> list[date]:
    found = connection.execute(
        "select distinct event_date from beha2vec.user_predictions where prediction_version = ? order by 1", [version]
    ).fetchall()
    return [day for (day,) in found]


def test_readers_see_the_last_date_of_the_model_in_use(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute("select event_date, prediction_version from beha2vec.user_predictions_current")
    assert found.fetchall() == [(LAST, "c")]


def test_an_earlier_date_is_as_the_newest_model_that_scored_it(connection: duckdb.DuckDBPyConnection) -> None:
    long_ago = LAST - timedelta(days=35)  # a Sunday
    found = connection.execute(
        f"select event_date, prediction_version from beha2vec.user_predictions_as_of('{long_ago}')"
    )
    assert found.fetchall() == [(long_ago, "c")]


def test_of_earlier_models_weekly_dates_and_the_last_days_are_kept(connection: duckdb.DuckDBPyConnection) -> None:
    days = _days(connection, "a")
    assert all(day.isoweekday() == 7 or day >= LAST - timedelta(days=15) for day in days)
    assert min(days) == LAST - timedelta(days=35) and len(_days(connection, "c")) == 47


def test_a_rollback_goes_on_backwards_and_is_not_undone(connection: duckdb.DuckDBPyConnection) -> None:
    assert store.roll_back(connection) == "b" and store.version_in_use(connection) == "b"
    assert store.rolled_back(connection, "c") == "rolled back to b" and store.rolled_back(connection, "b") is None
    assert store.roll_back(connection) == "a" and store.version_in_use(connection) == "a"
    assert store.roll_back(connection) is None and store.version_in_use(connection) == "a"


def test_scores_are_compared_with_the_date_before() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        for place, version in enumerate("ab"):
            connection.execute(
                """insert into beha2vec.prediction_models by name select ? as prediction_version,
                timestamp '2026-03-01' + ?::int * interval 1 day as fitted_at""",
                [version, place],
            )
        for back, version, order in ((0, "b", (1, 2, 3, 4)), (1, "a", (1, 3, 2, 4)), (2, "a", (4, 3, 2, 1))):
            for user, place in zip("uvwx", order, strict=True):
                connection.execute(
                    """insert into beha2vec.user_predictions by name select ?::date as event_date, 'p' as property_id,
                    ? as user_key, 'return' as target, 7 as horizon, ? / 10 as probability, ? as decile,
                    ? as prediction_version""",
                    [LAST - timedelta(days=back), user, place, 1 if place == 4 else 5, version],
                )
        assert store.stability(connection) == []
        store.promote(connection, "a")
        assert [round(row[3] or 0, 3) for row in store.stability(connection)] == [-0.8]
        store.promote(connection, "b")
        assert store.stability(connection) == [("return", 7, 4, pytest.approx(0.8), 1.0)]
