"""Rows of a query for a terminal or a program."""

import csv
import json
import math
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any

import duckdb

from beha2vec_core.chat.show import plain, table

_SHOWN_ROWS = 100
_LONG_TEXT = 60
_BATCH = 10_000


class Layout(StrEnum):
    """How `write_rows` lays rows out."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def write_rows(answer: duckdb.DuckDBPyConnection, layout: Layout, *, shown: int = _SHOWN_ROWS) -> None:
    """Write the rows of an executed query to standard output: the first ``shown`` as a table, all as CSV or JSON lines.

    A table shows text without control characters. Rows with long text are shown one column per line. JSON has a number
    for each decimal, null for a number that is not finite, and ``name_2`` for a column that repeats the name ``name``.
    """
    columns = [name for name, *_ in answer.description or []]
    if layout is Layout.TABLE:
        _write_table(columns, answer.fetchmany(shown + 1), shown)
    elif layout is Layout.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for row in _all(answer):
            writer.writerow([_json(v) if isinstance(v, list | dict | tuple) else v for v in row])
    else:
        seen = [columns[: n + 1].count(name) for n, name in enumerate(columns)]
        names = [name if times == 1 else f"{name}_{times}" for name, times in zip(columns, seen, strict=True)]
        for row in _all(answer):
            print(_json(dict(zip(names, row, strict=True))))


def _all(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(_BATCH):
        yield from rows


def _json(value: object) -> str:
    return json.dumps(_plain_value(value), ensure_ascii=False)


def _plain_value(value: object) -> object:
    """The value in the types of JSON."""
    if isinstance(value, dict):
        return {str(key): _plain_value(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(member) for member in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _write_table(columns: list[str], rows: list[tuple[Any, ...]], shown: int) -> None:
    more, rows = len(rows) > shown, rows[:shown]
    if any(isinstance(value, str) and len(value) > _LONG_TEXT for row in rows for value in row):
        width = max(map(len, columns))
        for row in rows:
            for name, value in zip(columns, row, strict=True):
                text = plain("" if value is None else str(value)).replace("\n", " ").replace("\t", " ")
                lines = textwrap.wrap(text, 100) or [""]
                print(f"{name:>{width}}  {lines[0]}", *(f"{'':>{width}}  {line}" for line in lines[1:]), sep="\n")
            print()
    else:
        cells = [[str(value) if isinstance(value, float) else value for value in row] for row in rows]
        print(table(columns, cells, width=sys.maxsize, cell=_LONG_TEXT))
    if more:
        print(f"The first {shown} rows. --format csv or json writes all of them.")
