"""Read the files of an export into canonical rows; what cannot be read is set aside with file, line and reason.

Each reader fills two tables of the given DuckDB connection: ``accepted`` (the canonical columns, with
``property_id`` and ``event_date``) and ``quarantine``. A row goes to exactly one of them.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from beha2vec_core.ga4.schema import (
    EVENT_PARAM_COLUMNS,
    EVENT_SCHEMA,
    PROVENANCE_SCHEMA,
    REQUIRED_FIELDS,
    FieldType,
    duckdb_type,
)
from beha2vec_core.ga4.sources import SourceFile

# Two vectors' worth of threads at work on one batch, some 200 MB of JSON text at worst.
_BATCH_ROWS = 100_000
_MAX_QUARANTINED_TEXT = 2_000
_CSV_FIELD_LIMIT = 16 * 2**20

Progress = Callable[[int], None]


class UnreadableFileError(ValueError):
    """A file as a whole cannot be trusted: cut short, not of its format, or without the columns it needs."""


@dataclass
class FileReport:
    """What became of one file's rows: ``rows_in == accepted + quarantined``, always."""

    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    unknown_fields: Counter[str] = field(default_factory=Counter)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the two tables that the readers fill."""
    columns = ", ".join(f'"{name}" {duckdb_type(kind)}' for name, kind in (EVENT_SCHEMA | PROVENANCE_SCHEMA).items())
    connection.execute(f"create table accepted (property_id varchar, event_date date, {columns})")
    connection.execute(
        "create table quarantine (property_id varchar, event_date date, source_file varchar, source_line bigint,"
        " reason varchar, content varchar)"
    )


def read_file(connection: duckdb.DuckDBPyConnection, file: SourceFile, progress: Progress | None = None) -> FileReport:
    """Read one file into ``accepted`` and ``quarantine``; ``progress`` is called with the rows of each batch.

    Raises:
        UnreadableFileError: the file is cut short, not what its name says, or lacks required columns; rows read
            before that stay in the tables, so the caller decides (see `ingest`).
    """
    report = FileReport()
    try:
        if file.format == "parquet":
            _read_parquet(connection, file, report, progress)
        else:
            reader = _ndjson_batches if file.format == "ndjson" else _csv_batches
            for select, rows in reader(connection, file, report):
                _file_rows(connection, file, select, rows, report)
                if progress:
                    progress(rows)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            f"{file.name}: the gzip stream breaks off after row {report.rows_in:,} ({error}). "
            "The file is cut short or still being written: export or copy it again"
        ) from error
    except duckdb.InvalidInputException as error:
        raise UnreadableFileError(f"{file.name}: {error}") from error
    assert report.rows_in == report.accepted + report.quarantined, f"{file.name}: rows unaccounted for: {report}"
    return report


def _file_rows(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, select: str, rows: int, report: FileReport
) -> None:
    """Send the rows of ``select`` to ``accepted`` or ``quarantine``.

    ``select`` gives the canonical columns (nullable), ``event_date_text``, ``_reason`` and ``_content``.
    """
    connection.execute(f"create or replace temp table batch as {select}")
    day = f"date '{file.day}'" if file.day else "null::date"
    connection.execute(
        f"""
        create or replace temp table judged as
        select *, try_strptime(event_date_text, ['%Y%m%d', '%Y-%m-%d'])::date as event_date,
            case
                when _reason is not null then _reason
                when event_date_text is null then 'event_date is missing'
                when event_date is null then 'event_date is not a date (YYYYMMDD): ' || left(event_date_text, 40)
                when event_date <> {day} then 'event_date ' || event_date_text || ' is not the day of the file''s name'
                when event_timestamp is null then 'event_timestamp is missing or not a whole number of microseconds'
                when event_timestamp not between 946684800000000 and 4102444800000000
                    then 'event_timestamp is not microseconds since 1970: ' || event_timestamp
                when coalesce(event_name, '') = '' then 'event_name is missing'
            end as verdict
        from batch
        """
    )
    names = ", ".join(f'"{name}"' for name in EVENT_SCHEMA | PROVENANCE_SCHEMA)
    accepted = connection.execute(
        f"insert into accepted by name select ? as property_id, event_date, {names} from judged where verdict is null",
        [file.property_id],
    ).fetchone()
    quarantined = connection.execute(
        f"""
        insert into quarantine by name
        select ? as property_id, coalesce(event_date, {day}) as event_date, _source_file as source_file,
            _source_line as source_line, verdict as reason, left(_content, {_MAX_QUARANTINED_TEXT}) as content
        from judged where verdict is not null
        """,
        [file.property_id],
    ).fetchone()
    for (text,) in connection.execute(
        "select _unknown_fields from judged where _unknown_fields is not null"
    ).fetchall():
        report.unknown_fields.update(json.loads(text).keys())
    report.rows_in += rows
    report.accepted += accepted[0] if accepted else 0
    report.quarantined += quarantined[0] if quarantined else 0


# --- newline-delimited JSON -------------------------------------------------------------------------------------


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _ndjson_batches(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, report: FileReport
) -> Iterator[tuple[str, int]]:
    structure = json.dumps({"event_date": "VARCHAR"} | _json_structure(EVENT_SCHEMA))
    with _open(file.path) as stream:
        for lines in _batches(enumerate(stream, start=1)):
            texts, numbers, broken = [], [], []
            for number, line in lines:
                if not line.strip():
                    continue
                try:
                    texts.append(line.decode("utf-8-sig" if number == 1 else "utf-8").strip())
                    broken.append(False)
                except UnicodeDecodeError:
                    texts.append(line.decode("utf-8", errors="replace").strip())
                    broken.append(True)
                numbers.append(number)
            if not texts:
                continue
            lines_table = pa.table({"line": texts, "number": pa.array(numbers, pa.int64()), "broken": broken})
            connection.register("lines_arrow", lines_table)
            connection.execute(
                """
                create or replace temp table lines as
                select line, number, case
                    when broken then 'not valid UTF-8'
                    when not json_valid(line) then 'not valid JSON'
                    when json_type(line) <> 'OBJECT' then 'not a JSON object'
                end as reason
                from lines_arrow
                """
            )
            connection.unregister("lines_arrow")
            connection.execute(
                "create or replace temp table parsed as select number, from_json(line, ?) as event from lines"
                " where reason is null",
                [structure],
            )
            _find_leftovers(connection)
            yield (
                f"""
                select event.event_date as event_date_text, {", ".join(f'event."{name}"' for name in EVENT_SCHEMA)},
                    {_quote(file.name)} as _source_file, number as _source_line, leftover as _unknown_fields,
                    reason as _reason, line as _content
                from lines left join parsed using (number) left join leftovers using (number)
                """,
                len(texts),
            )


def _json_structure(kind: FieldType) -> Any:
    if isinstance(kind, dict):
        return {name: _json_structure(member) for name, member in kind.items()}
    if isinstance(kind, list):
        return [_json_structure(kind[0])]
    return kind


def _find_leftovers(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``leftovers``: for rows that hold more than the schema can, that part as JSON. Most rows need no look.

    A row is looked at when its structure has an unknown field, or when a number did not survive the parsing. (DuckDB
    names the structure of ``{}`` as it names mixed types, so empty objects count as null here.)
    """
    numeric = [name for name, kind in EVENT_SCHEMA.items() if kind in ("BIGINT", "DOUBLE")]
    lost_scalar = " or ".join(
        f"""(event."{n}" is null and json_extract_string(line, '$.{n}') is not null)""" for n in numeric
    )
    lost_param = " or ".join(
        f"""len(list_filter(json_extract_string(line, '$.event_params[*].value.{member}'), lambda x: x is not null))
            > len(list_filter(event.event_params, lambda p: p.value.{member} is not null))"""
        for member in ("int_value", "float_value", "double_value")
    )
    connection.execute(
        f"""
        create or replace temp table suspects as
        select number, (
            {lost_scalar} or {lost_param}) as lost,
            json_structure(replace(replace(line, ':{{}}', ':null'), ': {{}}', ': null'))::varchar as structure
        from lines join parsed using (number)
        """
    )
    structures = [s for (s,) in connection.execute("select distinct structure from suspects").fetchall()]
    unknown = [s for s in structures if _structure_is_unknown(s)]
    rows = connection.execute(
        "select number, line from suspects join lines using (number) where lost or list_contains(?::varchar[], structure)",
        [unknown],
    ).fetchall()
    found = {number: leftovers(json.loads(line)) for number, line in rows}
    table = pa.table(
        {
            "number": pa.array(found.keys(), pa.int64()),
            "leftover": pa.array(
                [json.dumps(f, ensure_ascii=False) if f else None for f in found.values()], pa.string()
            ),
        }
    )
    connection.register("leftovers_arrow", table)
    connection.execute("create or replace temp table leftovers as select * from leftovers_arrow")
    connection.unregister("leftovers_arrow")


@cache
def _structure_is_unknown(structure: str) -> bool:
    return _has_unknown(json.loads(structure), {"event_date": "VARCHAR"} | EVENT_SCHEMA)


def _has_unknown(shape: Any, kind: FieldType) -> bool:
    if shape == "NULL":
        return False
    if isinstance(kind, dict):
        if not isinstance(shape, dict):
            return True
        return any(name not in kind or _has_unknown(member, kind[name]) for name, member in shape.items())
    if isinstance(kind, list):
        return not isinstance(shape, list) or any(_has_unknown(member, kind[0]) for member in shape)
    return isinstance(shape, dict | list)


def leftovers(event: dict[str, Any]) -> dict[str, Any]:
    """What an event holds beyond the schema, or in a type that it cannot hold, as path -> value.

    >>> leftovers({"event_name": "click", "geo": {"planet": "Mars"}, "event_previous_timestamp": "soon"})
    {'geo.planet': 'Mars', 'event_previous_timestamp': 'soon'}
    """
    return dict(_leftovers(event, {"event_date": "VARCHAR"} | EVENT_SCHEMA, ""))


def _leftovers(value: Any, kind: FieldType, path: str) -> Iterator[tuple[str, Any]]:
    if value is None:
        return
    if isinstance(kind, dict) and isinstance(value, dict):
        for name, member in value.items():
            inner = f"{path}.{name}" if path else name
            if name in kind:
                yield from _leftovers(member, kind[name], inner)
            elif member is not None:
                yield inner, member
    elif isinstance(kind, list) and isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leftovers(member, kind[0], f"{path}[{index}]")
    elif not _fits(value, kind):
        yield path, value


def _fits(value: Any, kind: FieldType) -> bool:
    if isinstance(kind, dict | list) or isinstance(value, dict | list):
        return False
    if kind == "VARCHAR":
        return True
    if kind == "BOOLEAN":
        return str(value).lower() in ("true", "false", "0", "1")
    try:
        number = float(value)
        return kind == "DOUBLE" or abs(number) < 2**63
    except (TypeError, ValueError):
        return False


# --- flattened CSV ----------------------------------------------------------------------------------------------

_CSV_REQUIRED = ("event_name", "user_pseudo_id", "event_timestamp", "event_date", "page_location")


def _csv_batches(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, report: FileReport
) -> Iterator[tuple[str, int]]:
    csv.field_size_limit(_CSV_FIELD_LIMIT)
    with _open(file.path) as stream:
        rows = csv.reader(line.decode("utf-8-sig", errors="replace").replace("\0", "") for line in stream)
        header = [name.strip() for name in next(rows, [])]
        missing = [name for name in _CSV_REQUIRED if name not in header]
        if missing:
            raise UnreadableFileError(
                f"{file.name}: the CSV header lacks {', '.join(missing)}; a flattened export needs {', '.join(_CSV_REQUIRED)}"
            )
        repeated = [name for name, count in Counter(header).items() if count > 1]
        if repeated:
            raise UnreadableFileError(f"{file.name}: the CSV header repeats {', '.join(repeated)}; rename or drop them")
        plan = _CsvPlan(header)
        for batch in _batches(_numbered(rows)):
            texts: list[list[str | None]] = [[] for _ in header]
            numbers, reasons, contents = [], [], []
            for number, values in batch:
                fits = len(values) == len(header)
                for column, text in zip(texts, values if fits else [""] * len(header), strict=True):
                    column.append(text if text != "" else None)
                numbers.append(number)
                reasons.append(None if fits else f"{len(values)} fields where the header has {len(header)}")
                contents.append(",".join(values)[:_MAX_QUARANTINED_TEXT])
            table = pa.table(
                {f"c{index}": pa.array(column, pa.string()) for index, column in enumerate(texts)}
                | {
                    "number": pa.array(numbers, pa.int64()),
                    "reason": pa.array(reasons, pa.string()),
                    "content": pa.array(contents, pa.string()),
                }
            )
            connection.register("csv_arrow", table)
            connection.execute("create or replace temp table csv_rows as select * from csv_arrow")
            connection.unregister("csv_arrow")
            yield (
                f"""
                select {plan.date} as event_date_text, {plan.columns},
                    {_quote(file.name)} as _source_file, number as _source_line, {plan.leftovers} as _unknown_fields,
                    reason as _reason, content as _content
                from csv_rows
                """,
                len(numbers),
            )


def _numbered(rows: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they end on (a quoted field may span lines); empty lines are no rows."""
    for values in rows:
        if values:
            yield rows.line_num, values


class _CsvPlan:
    """SQL expressions that put a flat header's columns into the canonical nested ones."""

    def __init__(self, header: list[str]) -> None:
        self._casts: dict[str, tuple[str, str]] = {}  # header name -> (column, cast)
        self._column = {name: f"c{index}" for index, name in enumerate(header)}
        self._used = {"event_date"}
        self.date = self._column["event_date"]
        self.columns = ", ".join(
            f'{self._field(name, kind, (name,))} as "{name}"' for name, kind in EVENT_SCHEMA.items()
        )
        self.leftovers = self._leftovers(header)

    def _field(self, name: str, kind: FieldType, path: tuple[str, ...]) -> str:
        if name == "event_params":
            return self._event_params()
        if isinstance(kind, list):
            return f"null::{duckdb_type(kind)}"
        if isinstance(kind, dict):
            members = ", ".join(f'"{m}" := {self._field(m, k, (*path, m))}' for m, k in kind.items())
            return f"struct_pack({members})"
        return self._cast(path, kind)

    def _cast(self, path: tuple[str, ...], kind: str) -> str:
        # browser and its version stand in device.web_info today and stood in device before: CSVs mean the former
        flat = tuple(part for part in path if part != "web_info")
        if len(path) == 2 and path[0] == "device" and path[1] in ("browser", "browser_version"):
            return f"null::{kind}"
        for name in ("_".join(path), ".".join(path), "_".join(flat), ".".join(flat)):
            if name in self._column and name not in self._used:
                self._used.add(name)
                self._casts[name] = (self._column[name], kind)
                return f"try_cast({self._column[name]} as {kind})"
        return f"null::{kind}"

    def _event_params(self) -> str:
        entries = []
        for name, column in self._column.items():
            known = EVENT_PARAM_COLUMNS.get(name)
            key = (
                name
                if known
                else next(
                    (name.removeprefix(p) for p in ("event_params_", "event_params.") if name.startswith(p)), None
                )
            )
            if key is None:
                continue
            member = known or "string_value"
            self._used.add(name)
            kinds = EVENT_SCHEMA["event_params"][0]["value"]
            self._casts[name] = (column, kinds[member])
            values = ", ".join(
                f"{m} := " + (f"try_cast({column} as {k})" if m == member else f"null::{k}") for m, k in kinds.items()
            )
            entries.append(
                f"case when {column} is not null then struct_pack(key := {_quote(key)}, value := struct_pack({values})) end"
            )
        return f"list_filter([{', '.join(entries)}], lambda p: p is not null)"

    def _leftovers(self, header: list[str]) -> str:
        unknown = {name: f"{self._column[name]} is not null" for name in header if name not in self._used}
        lost = {
            name: f"{column} is not null and try_cast({column} as {kind}) is null"
            for name, (column, kind) in self._casts.items()
            if kind != "VARCHAR"
        }
        entries = [
            f"case when {condition} then struct_pack(k := {_quote(name)}, v := {self._column[name]}) end"
            for name, condition in (unknown | lost).items()
        ]
        if not entries:
            return "null::varchar"
        found = f"list_filter([{', '.join(entries)}], lambda e: e is not null)"
        return f"case when len({found}) > 0 then to_json(map_from_entries({found}))::varchar end"


# --- parquet ----------------------------------------------------------------------------------------------------


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, report: FileReport, progress: Progress | None
) -> None:
    source = f"read_parquet({_quote(_escape_glob(file.path))}, file_row_number = true, hive_partitioning = false)"
    try:
        described = connection.execute(f"select * from {source} limit 0")
        types = {str(c[0]): c[1] for c in described.description or []}
        rows = connection.execute(f"select count(*) from {source}").fetchone()
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        raise UnreadableFileError(f"{file.name}: not a readable parquet file: {error}") from error
    total = rows[0] if rows else 0
    missing = [name for name in REQUIRED_FIELDS if name not in types and not (name == "event_date" and file.day)]
    if missing:
        raise UnreadableFileError(
            f"{file.name}: the parquet file lacks {', '.join(missing)}; export the GA4 table's own columns (select *)"
        )
    columns = ", ".join(
        (_project(f'"{name}"', types[name], kind) if name in types else f"null::{duckdb_type(kind)}") + f' as "{name}"'
        for name, kind in EVENT_SCHEMA.items()
    )
    unknown = [name for name in types if name not in EVENT_SCHEMA and name not in ("event_date", "file_row_number")]
    leftover = (
        "to_json(struct_pack(" + ", ".join(f'"{name}" := "{name}"' for name in unknown) + "))::varchar"
        if unknown
        else "null::varchar"
    )
    date_text = '"event_date"::varchar' if "event_date" in types else f"'{file.day:%Y%m%d}'" if file.day else "null"
    for start in range(0, total, _BATCH_ROWS):
        window = f"file_row_number >= {start} and file_row_number < {start + _BATCH_ROWS}"
        select = f"""
            select {date_text} as event_date_text, {columns}, {_quote(file.name)} as _source_file,
                file_row_number + 1 as _source_line, {leftover} as _unknown_fields,
                null::varchar as _reason, null::varchar as _content
            from {source} where {window}
            """
        rows_here = min(_BATCH_ROWS, total - start)
        _file_rows(connection, file, select, rows_here, report)
        if progress:
            progress(rows_here)


def _project(expression: str, actual: Any, kind: FieldType, depth: int = 0) -> str:
    """SQL that turns a value of a parquet file's type into the canonical type; members it lacks become null.

    BigQuery writes arrays without list inference as ``struct<list: array<struct<element: ...>>>``: they are unwrapped.
    """
    name = str(actual.id)
    if isinstance(kind, list):
        if name == "struct" and [c[0] for c in actual.children] == ["list"]:
            return _project(f'{expression}."list"', actual.children[0][1], kind, depth)
        if name != "list":
            return f"null::{duckdb_type(kind)}"
        member = actual.children[0][1]
        item = f"x{depth}"
        inner = item
        if str(member.id) == "struct" and [c[0] for c in member.children] in (["element"], ["item"]):
            inner, member = f'{item}."{member.children[0][0]}"', member.children[0][1]
        return f"list_transform({expression}, lambda {item}: {_project(inner, member, kind[0], depth + 1)})"
    if isinstance(kind, dict):
        if name != "struct":
            return f"null::{duckdb_type(kind)}"
        members = dict(actual.children)
        packed = ", ".join(
            f'"{m}" := '
            + (_project(f'{expression}."{m}"', members[m], k, depth) if m in members else f"null::{duckdb_type(k)}")
            for m, k in kind.items()
        )
        return f"case when {expression} is not null then struct_pack({packed}) end"
    if name.startswith("timestamp") and kind == "BIGINT":
        return f"epoch_us({expression})"
    return f"try_cast({expression} as {kind})"


# --- small helpers ----------------------------------------------------------------------------------------------


def _batches(items: Any) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH_ROWS)):
        yield batch


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escape_glob(path: Path) -> str:
    """DuckDB reads every path as a glob: shield the characters that mean something there."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
