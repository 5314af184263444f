"""From a database to its highlights."""

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from beha2vec_core.profiles.counts import exported_days
from beha2vec_core.progress import with_progress
from beha2vec_core.semantic.definitions import TABLES
from beha2vec_core.semantic.highlights.choose import choose, confidence_of
from beha2vec_core.semantic.highlights.rows import Rows, read_rows
from beha2vec_core.semantic.highlights.search import Comparison, compare
from beha2vec_core.semantic.highlights.wording import headline, sentence
from beha2vec_core.semantic.query import Period
from beha2vec_core.words import UNKNOWN_CURRENCY

_DAYS = 365  # that segments are compared over, at most
_VISITS = ("channel", "source", "medium", "campaign", "device", "os", "browser", "country", "landing_page")


@dataclass(frozen=True)
class _Searched:
    """What is compared of a table: rates of segments and periods, totals of periods, by dimensions."""

    rates: tuple[str, ...]
    totals: tuple[str, ...]
    dimensions: tuple[str, ...]


_SEARCHED = {
    "sessions": _Searched(
        ("conversion_rate", "cart_rate", "checkout_abandonment", "engaged_rate"), ("sessions",), _VISITS
    ),
    "purchases": _Searched((), ("orders", "revenue"), _VISITS),
    "items": _Searched((), ("items_sold",), ("item", "item_category")),
}


@dataclass(frozen=True)
class Marts:
    """What is searched, read: rows by table, and the currency of money."""

    tables: dict[str, Rows]
    currency: str


@dataclass(frozen=True)
class Highlights:
    """Rows of ``beha2vec.highlights``, and how many comparisons were made to find them."""

    rows: list[dict[str, Any]]
    searched: int


def read_marts(connection: duckdb.DuckDBPyConnection) -> Marts:
    """Read the GA4 marts of an open database, the warehouse or the published copy; of no data there are no tables."""
    first, last, _ = exported_days(connection)
    if first is None or last is None:
        return Marts({}, UNKNOWN_CURRENCY)
    period = Period(max(first, last - timedelta(days=_DAYS)), last)
    tables = {
        table: read_rows(connection, table, (*one.rates, *one.totals), one.dimensions, period)
        for table, one in _SEARCHED.items()
    }
    return Marts(tables, _currency(connection))


def find_highlights(marts: Marts) -> Highlights:
    """The largest differences between segments and changes over time that are not chance, at most 10."""
    compared = [
        comparison
        for table, rows in with_progress(list(marts.tables.items()), title="comparing groups", unit="table")
        for comparison in compare(rows, _SEARCHED[table].rates, _SEARCHED[table].totals)
    ]
    confidence = confidence_of(max(len(compared), 1))
    found = [
        _row(rank, one, q, confidence, marts.currency)
        for rank, (one, q) in enumerate(choose(compared, marts.tables), start=1)
    ]
    return Highlights(found, len(compared))


def _row(rank: int, one: Comparison, q: float, confidence: float, currency: str) -> dict[str, Any]:
    low, high = one.interval(confidence)
    return {
        "rank": rank,
        "highlight_id": _id(one),
        "kind": one.kind,
        "metric": one.metric,
        "dimension": one.dimension,
        "segment": one.value,
        "first_day": one.period.first,
        "last_day": one.period.last,
        "before_first_day": one.before.first if one.before else None,
        "before_last_day": one.before.last if one.before else None,
        "value": one.here.rate if one.is_rate else one.here.k,
        "other_value": one.there.rate if one.is_rate else one.there.k,
        "effect": _finite(one.effect),
        "interval_low": _finite(low),
        "interval_high": _finite(high),
        "n": round(one.here.n) if one.is_rate else round(one.here.k),
        "users": one.here.users,
        "fewest_users": one.fewest,
        "q_value": q,
        "headline": headline(one),
        "sentence": sentence(one, confidence, currency),
    }


def _id(one: Comparison) -> str:
    """The same for the same finding on another day: what it is about, and its direction."""
    days = (one.period.last - one.period.first).days + 1 if one.before else ""
    said = "\x1f".join(map(str, (one.kind, days, one.metric, one.dimension, one.value, one.is_up)))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _currency(connection: duckdb.DuckDBPyConnection) -> str:
    table = TABLES["purchases"]
    rows = connection.execute(
        f"select distinct {table.alias}.currency from {table.sql} where {table.alias}.currency is not null limit 2"
    ).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else UNKNOWN_CURRENCY
