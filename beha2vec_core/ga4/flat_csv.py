"""Flattened CSV: one column a field, event parameters as columns of their own; records and lists may be JSON text."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BufferedReader

import duckdb
import pyarrow as pa

from beha2vec_core.ga4.ndjson import parse
from beha2vec_core.ga4.reading import (
    UnreadableFileError,
    batches,
    chunked,
    leftovers_json,
    merged_json,
    open_file,
    whole,
)
from beha2vec_core.ga4.schema import EVENT_PARAM_COLUMNS, EVENT_SCHEMA, FieldType, duckdb_type
from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.store.sql import identifier, quote

_CSV_FIELD_LIMIT = 16 * 2**20
_MAX_TEXT = 3_000
_CSV_REQUIRED = ("event_name", "user_pseudo_id", "event_timestamp", "event_date")


@dataclass
class _CsvRow:
    line: int  # where it begins: a quoted field may span lines
    values: list[str]
    text: str
    problem: str | None


def read(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Iterator[tuple[str, int]]:
    """The rows of a flattened CSV file, plain or gzipped (see `reading`).

    Raises:
        UnreadableFileError: required columns are absent, or the file ends in the middle of a row.
    """
    csv.field_size_limit(_CSV_FIELD_LIMIT)
    with open_file(file.path) as stream:
        rows = _csv_rows(file, stream)
        first = next(rows, None)
        if first is None:
            return  # an empty file is a day without rows, whatever its form
        header = _spelled([name.strip() for name in first.values])
        missing = [name for name in _CSV_REQUIRED if name not in header]
        if missing:
            raise UnreadableFileError(
                f"{file.name}: the CSV header lacks {', '.join(missing)}; a flattened export needs"
                f" {', '.join(_CSV_REQUIRED)}, separated by commas"
            )
        repeated = [name for name, count in Counter(header).items() if count > 1]
        if repeated:
            raise UnreadableFileError(f"{file.name}: the CSV header repeats {', '.join(repeated)}; rename or drop them")
        plan = _CsvPlan(header)
        for read_rows in batches((row, len(row.text)) for row in rows):
            blank = [""] * len(header)
            for row in read_rows:
                if row.problem is None and len(row.values) != len(header):
                    row.problem = f"{len(row.values)} fields where the header has {len(header)}"
            columns = zip(*(blank if row.problem else row.values for row in read_rows), strict=True)
            table = chunked(
                {f"c{index}": pa.array(column, pa.string()) for index, column in enumerate(columns)}
                | {
                    "number": pa.array([row.line for row in read_rows], pa.int64()),
                    "reason": pa.array([row.problem for row in read_rows], pa.string()),
                    "content": pa.array([row.text[:_MAX_TEXT] for row in read_rows], pa.string()),
                }
            )
            connection.register("csv_arrow", table)
            cells = ", ".join(f"nullif(c{index}, '') as c{index}" for index in range(len(header)))
            source = f"(select {cells}, number, reason, content from csv_arrow)"
            leftover, reason = plan.leftovers, "reason"
            if plan.json_text:
                lines = f"select {plan.json_text}::varchar as line, number, null::varchar as problem from {source}"
                parsed = parse(connection, connection.sql(lines).to_arrow_table())
                source += f" left join (select number, event, leftover, reason as broken from {parsed}) using (number)"
                leftover, reason = merged_json(leftover, "leftover"), "coalesce(reason, broken)"
            yield (
                f"""
                select {plan.date} as event_date_text, {plan.columns},
                    {quote(file.name)} as _source_file, number as _source_line, {leftover} as _unknown_fields,
                    {reason} as _reason, content as _content
                from {source}
                """,
                len(read_rows),
            )
            connection.unregister("csv_arrow")


def _csv_rows(file: SourceFile, stream: BufferedReader) -> Iterator[_CsvRow]:
    """The rows of a CSV file, the header among them; empty lines are no rows.

    Strict about quotes: a stray one swallows rows otherwise.
    """
    taken: list[str] = []  # the lines of the row under way
    broken = False  # whether one of them is not UTF-8

    def lines() -> Iterator[str]:
        nonlocal broken
        for number, line in enumerate(stream, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                text, broken = line.decode(errors="replace"), True
            taken.append(text)
            yield text

    rows = csv.reader(lines(), strict=True)
    width = 0
    while True:
        taken.clear()
        broken = False
        start = rows.line_num + 1
        problem = None
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            values, problem = [], f"not valid CSV: {error}"
        text = "".join(taken)
        if problem and ("unexpected end" in problem or "field limit" in problem):
            raise UnreadableFileError(
                f"{file.name}: a quoted field that begins on line {start:,} is never closed. The file is cut short, "
                "or has a stray quote there: export or copy it again"
            )
        if not values and not problem:
            continue
        if width and len(values) < width and not problem and not text.endswith(("\n", "\r")):
            raise UnreadableFileError(
                f"{file.name}: line {start:,}, the last, breaks off after {len(values)} of {width} fields. "
                "The file is cut short or still being written: export or copy it again"
            )
        width = width or len(values)
        yield _CsvRow(start, values, text.rstrip("\r\n"), "not valid UTF-8" if broken and not problem else problem)


def _spellings(path: tuple[str, ...]) -> tuple[str, ...]:
    """What a flat column of this path may be called."""
    # browser and its version stand in device.web_info today and stood in device before: CSVs mean the former
    short = tuple(part for part in path if part != "web_info")
    return "_".join(path), ".".join(path), "_".join(short), ".".join(short)


@cache
def _known_names() -> frozenset[str]:
    names = {*_CSV_REQUIRED, *EVENT_PARAM_COLUMNS}
    names |= {f"event_params{mark}{key}" for key in EVENT_PARAM_COLUMNS for mark in "_."}
    pending: list[tuple[tuple[str, ...], FieldType]] = [((name,), kind) for name, kind in EVENT_SCHEMA.items()]
    while pending:
        path, kind = pending.pop()
        names.update(_spellings(path))
        if isinstance(kind, dict):
            pending.extend(((*path, name), member) for name, member in kind.items())
    return frozenset(names)


def _spelled(header: list[str]) -> list[str]:
    """The header with known names in small letters; keys of other parameters keep their capitals."""
    known = _known_names() - set(header)
    return [lower if (lower := name.lower()) in known else name for name in header]


class _CsvPlan:
    """SQL expressions that put a flat header's columns into the canonical nested ones.

    ``json_text`` is SQL of a JSON object of the columns that hold a whole record or list, None without such; the other
    expressions find it parsed as ``event``.
    """

    def __init__(self, header: list[str]) -> None:
        self._casts: dict[str, str] = {}  # header name -> the value as the schema has it, null where it cannot be
        self._column = {name: f"c{index}" for index, name in enumerate(header)}
        self._used = {"event_date"}
        self._as_text: set[tuple[str, ...]] = set()
        self.date = self._column["event_date"]
        self.json_text = self._json_text(EVENT_SCHEMA, ())
        self.columns = ", ".join(
            f'{self._field(kind, (name,), None)} as "{name}"' for name, kind in EVENT_SCHEMA.items()
        )
        self.leftovers = self._leftovers(header)

    def _json_text(self, fields: dict[str, FieldType], path: tuple[str, ...]) -> str | None:
        members = []
        for name, kind in fields.items():
            here = (*path, name)
            column = next((name for name in _spellings(here)[:2] if name in self._column), None)
            if column and isinstance(kind, dict | list):
                self._used.add(column)
                self._as_text.add(here)
                members.append(f"{quote(name)}, {self._column[column]}")
            elif isinstance(kind, dict) and (inner := self._json_text(kind, here)):
                members.append(f"{quote(name)}, {inner}")
        return f"json_object({', '.join(members)})" if members else None

    def _field(self, kind: FieldType, path: tuple[str, ...], parsed: str | None) -> str:
        """SQL of a field: what JSON text says (``parsed``, SQL or None), else what flat columns say."""
        if path in self._as_text:
            parsed = ".".join(("event", *map(identifier, path)))
        if path == ("event_params",):
            return self._event_params(parsed)
        if isinstance(kind, dict):
            used = len(self._used)
            members = [(m, self._field(k, (*path, m), parsed and f"{parsed}.{identifier(m)}")) for m, k in kind.items()]
            if parsed and len(self._used) == used:
                return parsed
            return f"struct_pack({', '.join(f'{identifier(m)} := {value}' for m, value in members)})"
        value = f"null::{duckdb_type(kind)}" if isinstance(kind, list) else self._value(path, kind)
        return f"coalesce({parsed}, {value})" if parsed else value

    def _value(self, path: tuple[str, ...], kind: str) -> str:
        if len(path) == 2 and path[0] == "device" and path[1] in ("browser", "browser_version"):
            return f"null::{kind}"  # see `_spellings`
        for name in _spellings(path):
            if name in self._column and name not in self._used:
                return self._cast(name, kind)
        return f"null::{kind}"

    def _cast(self, name: str, kind: str) -> str:
        self._used.add(name)
        column = self._column[name]
        self._casts[name] = whole(column) if kind == "BIGINT" else f"try_cast({column} as {kind})"
        return self._casts[name]

    def _event_params(self, parsed: str | None) -> str:
        entries: dict[str, str] = {}
        for name, column in self._column.items():
            key = name.removeprefix("event_params_").removeprefix("event_params.")
            if key in entries or name in self._used or (key == name and key not in EVENT_PARAM_COLUMNS):
                continue
            member = EVENT_PARAM_COLUMNS.get(key, "string_value")
            kinds = EVENT_SCHEMA["event_params"][0]["value"]
            cast_value = self._cast(name, kinds[member])
            values = ", ".join(f"{m} := " + (cast_value if m == member else f"null::{k}") for m, k in kinds.items())
            entry = f"struct_pack(key := {quote(key)}, value := struct_pack({values}))"
            entries[key] = f"case when {column} is not null then {entry} end"
        given = f"[{', '.join(entries.values())}]::{duckdb_type(EVENT_SCHEMA['event_params'])}"
        if not parsed:
            return f"list_filter({given}, lambda p: p is not null)"
        keys = f"list_transform(coalesce({parsed}, []), lambda p: p.key)"
        others = f"list_filter({given}, lambda p: p is not null and not list_contains({keys}, p.key))"
        return f"list_concat({parsed}, {others})" if entries else parsed

    def _leftovers(self, header: list[str]) -> str:
        unknown = {name: "null" for name in header if name not in self._used}
        return leftovers_json(
            [
                (name, f"case when {value} is null then to_json({self._column[name]}) end")
                for name, value in (unknown | self._casts).items()
            ]
        )
