"""Semantic queries run on an open published database, and what is in it: its days, and the values of dimensions."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb

from beha2vec_core.profiles.counts import totals
from beha2vec_core.semantic.compiler import compile_query, compile_rates, place
from beha2vec_core.semantic.definitions import (
    CHARGES,
    DIMENSIONS,
    JOINS,
    METRICS,
    OF_STEPS,
    SOURCES,
    STEPS,
    TABLES,
    Metric,
    Table,
)
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.semantic.rows import expression_of
from beha2vec_core.store.catalog import named_rows

_MOST_VALUES = 5000  # of one dimension, the most frequent


@dataclass(frozen=True)
class Result:
    """The answer to a query."""

    query: Query  # what was asked
    metric: Metric  # what was computed: of the query, or the one that takes its place
    table: Table
    statement: str  # the SQL
    rows: list[dict[str, Any]]  # by the columns that `beha2vec_core.semantic.compiler` describes


@dataclass(frozen=True, eq=False)
class Contents:
    """What questions can be about: the days with data, the values of each searched dimension, most frequent first, and
    the currencies of orders, and the steps of buying and the charges of orders that the site records."""

    days: Period
    values: dict[str, list[str]]
    currencies: tuple[str, ...] = ()
    steps: tuple[int, ...] = tuple(STEPS)
    charges: tuple[str, ...] = CHARGES
    visits: frozenset[tuple[str | None, ...]] = frozenset()  # the `SOURCES` that stand together in some session

    def go_together(self, one: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]]) -> bool:
        """Whether some session has one of the values of each dimension; True for those that are of no visit."""
        places = [SOURCES.index(name) for name, _ in (one, other) if name in SOURCES]
        if len(places) < 2 or not self.visits:
            return True
        first, second = places
        return any(row[first] in one[1] and row[second] in other[1] for row in self.visits)

    def never_recorded(self, query: Query) -> str | None:
        """A step or charge that the query is about and the site does not record; None: it has all of them."""
        if charge := next(
            (one for one in (query.metric, query.per) if one in CHARGES and one not in self.charges), None
        ):
            return charge
        steps = list(OF_STEPS.get(query.metric, ()))
        filters = [*query.filters, *(of for one in query.filters for did in one.did for of in did.filters)]
        steps += [int(one.values[end][0]) for one in filters if one.dimension == "step" for end in (0, -1)]
        return next((STEPS[step][1] for step in steps if step not in self.steps), None)


def run_query(connection: duckdb.DuckDBPyConnection, query: Query) -> Result:
    """The query's rows.

    Raises:
        NotAnswerable: no table has what it asks for.
    """
    statement = compile_query(query)
    metric, table, _ = place(query)
    return Result(query, metric, table, statement, named_rows(connection.execute(statement)))


def run_rates(connection: duckdb.DuckDBPyConnection, query: Query, metrics: tuple[str, ...]) -> list[Result]:
    """The values of several rates of one table by the query's breakdown.

    Raises:
        NotAnswerable: the table does not have what the query asks for.
    """
    statement = compile_rates(query, metrics)
    _, table, _ = place(replace(query, metric=metrics[0]))
    rows = named_rows(connection.execute(statement))
    return [
        Result(
            replace(query, metric=name), METRICS[name], table, statement, [row | {"value": row[name]} for row in rows]
        )
        for name in metrics
    ]


def contents(connection: duckdb.DuckDBPyConnection) -> Contents | None:
    """What the database holds; None without a day of data. Dimensions whose tables are not there have no values."""
    found = totals(connection)
    if found.first_day is None or found.last_day is None:
        return None
    values = _values(connection)
    paid = _rows(connection, "select distinct currency from ga4.fct_ga4__purchases where currency is not null")
    currencies = tuple(sorted(str(name).upper() for (name,) in paid))
    counted = ", ".join(f"count({name})" for name in CHARGES)
    reported = _rows(connection, f"select {counted} from ga4.fct_ga4__purchases")
    charges = tuple(name for counts in reported for name, count in zip(CHARGES, counts, strict=True) if count)
    counted = ", ".join(f"count(step_{number}_at)" for number in STEPS)
    reached = _rows(connection, f"select {counted} from ga4.fct_ga4__funnel_sessions") or [(1,) * len(STEPS)]
    steps = tuple(number for counts in reached for number, count in zip(STEPS, counts, strict=True) if count)
    columns = ", ".join(DIMENSIONS[name].sql for name in SOURCES)
    visits = frozenset(_rows(connection, f"select distinct {columns} from ga4.fct_ga4__sessions as s"))
    return Contents(Period(found.first_day, found.last_day), values, currencies, steps, charges, visits)


def _values(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The values of each searched dimension, most frequent first. Each table is read once."""
    names = [name for name, one in DIMENSIONS.items() if one.is_searched or name in ("page", "landing_page")]
    values: dict[str, list[str]] = {name: [] for name in names}
    of_alias: dict[str, list[str]] = {}
    for name in names:
        of_alias.setdefault(DIMENSIONS[name].sql.partition(".")[0], []).append(name)
    for alias, dimensions in of_alias.items():
        tables = [table for table in TABLES.values() if alias in (table.alias, *table.joins)]
        for table in tables if alias == "i" else tables[:1]:  # items also if they were viewed, and never sold
            join = JOINS[alias].format(t=table.alias, date=table.date) if alias in table.joins else ""
            columns = {name: expression_of(DIMENSIONS[name], table) for name in dimensions}
            rows = _counted(connection, f"{table.sql} {join}", columns)
            for name, value, _ in sorted(rows, key=lambda row: (-row[2], row[1])):
                values[name].append(value)
    return {name: list(dict.fromkeys(found)) for name, found in values.items()}


def _counted(connection: duckdb.DuckDBPyConnection, source: str, columns: dict[str, str]) -> list[tuple[str, str, int]]:
    """The name, the most frequent values and the number of rows of each column that the source has."""
    read = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    counted = " union all ".join(
        f"""(select '{name}', {name}::varchar as value, count(*) as n from read
        where {name} is not null group by value order by n desc, value limit {_MOST_VALUES})"""
        for name in columns
    )
    found = _rows(connection, f"with read as (select {read} from {source}) {counted}")
    if found or len(columns) == 1:
        return found
    return [row for name, sql in columns.items() for row in _counted(connection, source, {name: sql})]


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """The rows; none where the database was published without the table."""
    try:
        return connection.execute(sql).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return []
