"""Highlights in the warehouse, as queries of the semantic layer, and as an alert."""

from collections.abc import Mapping
from typing import Any

import duckdb

from beha2vec_core.alerts import Alert, Problem
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.store.warehouse import transaction

SHOWN = 3  # things to know


def write_highlights(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the highlights, at once; the rows to show that were not among those before."""
    known = {one for (one,) in connection.execute("select highlight_id from beha2vec.highlights").fetchall()}
    with transaction(connection):
        connection.execute("delete from beha2vec.highlights")
        for row in rows:
            names = ", ".join(row)
            connection.execute(
                f"insert into beha2vec.highlights ({names}) values ({', '.join('?' * len(row))})", list(row.values())
            )
    return [row for row in rows[:SHOWN] if row["highlight_id"] not in known]


def query_of(row: Mapping[str, Any]) -> Query:
    """The query that shows a highlight among its neighbours: all values of its dimension, or both periods."""
    by = (row["dimension"],) if row["dimension"] else ()
    before = row["before_first_day"]
    versus = Period(before, row["before_last_day"]) if before else None
    return Query(row["metric"], by, period=Period(row["first_day"], row["last_day"]), versus=versus)


def alert_of(rows: list[dict[str, Any]], explorer_url: str | None) -> Alert:
    """The message about new highlights."""
    title = "Beha2Vec: " + ("a new thing to know" if len(rows) == 1 else f"{len(rows)} new things to know")
    return Alert(title, tuple(Problem(row["headline"], row["sentence"], "info") for row in rows), url=explorer_url)
