"""Where a change comes from: a metric in two periods by each of several dimensions, in one scan of each table."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import duckdb
from sqlglot import parse_one

from beha2vec_core.semantic.compiler import in_context, place, values_of
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Query
from beha2vec_core.semantic.rows import DIALECT, NotAnswerable, expression_of, rows_of
from beha2vec_core.store.catalog import named_rows


def run_parts(connection: duckdb.DuckDBPyConnection, query: Query, names: Iterable[str]) -> list[Result]:
    """The query's change by each dimension that its metric has: all dimensions of a table in one statement."""
    tables: dict[str, list[str]] = {}
    found: dict[str, Result] = {}
    names = list(names)
    for name in names:
        one = replace(query, by=(name,), explains=False, by_change=True)
        try:
            metric, table, _ = place(one)
        except NotAnswerable:
            continue
        if metric.name == query.metric:
            tables.setdefault(table.alias, []).append(name)
            found[name] = Result(one, metric, table, "", [])
    for some in tables.values():
        statement = compile_parts(query, some)
        groups: dict[tuple[str, Any], dict[str, Any]] = {}
        for row in named_rows(connection.execute(statement)):
            values = [name for name in ("value", "n", "currency") if name in row]
            key = row["dimension"], row[row["dimension"]]
            empty = {key[0]: key[1], **{f"{value}{end}": None for end in ("", "_before") for value in values}}
            end = "" if row["is_now"] else "_before"
            groups.setdefault(key, empty).update({f"{value}{end}": row[value] for value in values})
        for name in some:
            rows = [row for (dimension, _), row in groups.items() if dimension == name]
            found[name] = replace(found[name], statement=statement, rows=rows)
    return [found[name] for name in names if name in found]


def compile_parts(query: Query, names: list[str]) -> str:
    """The statement for where a change comes from: the metric in both periods by each of the dimensions, in one scan.

    All dimensions have to be of one table. Columns: ``dimension`` (the name), one per dimension, ``is_now`` (of the
    period, not of the one to compare with), ``value``, ``n`` and for money ``currency``.
    """
    now, earlier = query.period, query.versus
    assert now and earlier
    _, table, measure = place(replace(query, by=(names[0],), explains=False, by_change=True))
    keys = [expression_of(DIMENSIONS[name], table) for name in names]
    is_now, is_earlier = (f"{table.date} between date '{one.first}' and date '{one.last}'" for one in (now, earlier))
    which = " ".join(f"when grouping({key}) = 0 then '{name}'" for name, key in zip(names, keys, strict=True))
    columns = [f"case {which} end as dimension", f"{is_now} as is_now"]
    columns += [f"{key} as {name}" for name, key in zip(names, keys, strict=True)]
    columns += values_of(measure)
    select = rows_of(columns, table, None, in_context(query).filters).where(
        f"({is_now}) or ({is_earlier})", dialect=DIALECT, copy=False
    )
    sets = ", ".join(f"({is_now}, {key})" for key in keys)
    grouped = parse_one(f"select 1 group by grouping sets ({sets})", dialect=DIALECT)
    select.set("group", grouped.args["group"])
    return select.sql(dialect=DIALECT, pretty=True, copy=False)
