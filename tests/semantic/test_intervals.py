"""Intervals of shares have the truth as often as they say, though sessions of one user are alike."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Query

SITES, TRUE = 400, 0.12


@pytest.fixture(scope="module")
def sites() -> duckdb.DuckDBPyConnection:
    """400 countries of 80 users each: users differ in how likely they buy, and in how often they come."""
    random = np.random.default_rng(0)
    users = SITES * 80
    sessions = 1 + random.poisson(random.gamma(1, 4, users))
    user = np.repeat(np.arange(users), sessions)
    buys = random.beta(1, 1 / TRUE - 1, users)
    google = random.beta(0.3, 0.7, users)
    rows = pa.table(
        {
            "user_key": user.astype(str),
            "country": (user // 80).astype(str),
            "purchases": (random.random(len(user)) < buys[user]).astype(int),
            "source": np.where(random.random(len(user)) < google[user], "google", "other"),
        }
    )
    connection = duckdb.connect()
    connection.execute("create schema ga4").execute("create table ga4.fct_ga4__sessions as from rows")
    assert rows.num_rows
    return connection


def _covers(rows: list[dict], true: float, of: str, *, effective: bool) -> float:
    """The share of rows whose interval has the true value."""
    share = np.array([row["value"] / row["total"] if of == "total" else row["value"] for row in rows])
    n = np.array([row["n_effective"] if effective else row[of] for row in rows])
    low, high = wilson_interval(share * n, n)
    return float(((low <= true) & (true <= high)).mean())


def test_a_rate_of_sessions(sites: duckdb.DuckDBPyConnection) -> None:
    rows = run_query(sites, Query("conversion_rate", ("country",))).rows
    assert len(rows) == SITES and sum(row["n_effective"] for row in rows) < 0.8 * sum(row["n"] for row in rows)
    assert 0.92 <= _covers(rows, TRUE, "n", effective=True) <= 0.99
    assert _covers(rows, TRUE, "n", effective=False) < 0.9, "sessions taken as independent: too narrow"


def test_a_share_of_all_sessions(sites: duckdb.DuckDBPyConnection) -> None:
    shares = []
    with duckdb.connect() as one:
        one.execute("create schema ga4")
        for country in range(60):
            one.register("rows", sites.sql(f"from ga4.fct_ga4__sessions where country = '{country}'").to_arrow_table())
            one.execute("create or replace table ga4.fct_ga4__sessions as from rows")
            shares += [
                row for row in run_query(one, Query("sessions", ("source",), is_share=True)).rows
                if row["source"] == "google"
            ]  # fmt: skip
    assert len(shares) == 60
    assert _covers(shares, 0.3, "total", effective=True) >= 0.88
    assert _covers(shares, 0.3, "total", effective=False) < 0.8


def test_users_are_counted_once(sites: duckdb.DuckDBPyConnection) -> None:
    (row,) = run_query(sites, Query("buyer_share")).rows
    assert row["n_effective"] == pytest.approx(row["n"]) == SITES * 80
    none = sites.execute("select country from ga4.fct_ga4__sessions limit 1").fetchall()
    assert none
    with duckdb.connect() as one:
        one.execute("create schema ga4")
        one.execute(
            """create table ga4.fct_ga4__sessions as
            select 'u' || range % 5 as user_key, 0 as purchases, 'x' as country from range(100)"""
        )
        (row,) = run_query(one, Query("conversion_rate")).rows
    assert (row["value"], row["n"], row["n_effective"]) == (0, 100, 5), "none of 100 sessions of 5 users: 5 users"
