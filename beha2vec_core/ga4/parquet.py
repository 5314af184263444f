"""Parquet, as ``EXPORT DATA`` and ``bq extract`` write it, with list inference or without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from beha2vec_core.ga4.ndjson import parse
from beha2vec_core.ga4.reading import UnreadableFileError, leftovers_json, merged_json, whole
from beha2vec_core.ga4.schema import EVENT_SCHEMA, REQUIRED_FIELDS, FieldType, duckdb_type
from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.store.sql import identifier, quote

# Canonical types with the parquet types whose values they may be unable to hold.
_LOSSY = {(kind, actual) for kind in ("BIGINT", "DOUBLE", "BOOLEAN") for actual in ("varchar", "struct", "list", "map")}
_LOSSY |= {("BIGINT", actual) for actual in ("double", "float", "decimal")}

# Rows whose JSON text is parsed at once: some 16 MB.
_TEXT_ROWS = 8_192


def read(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Iterator[tuple[str, int]]:
    """The rows of a parquet file, nested in any of the ways that BigQuery writes (see `reading`).

    Raises:
        UnreadableFileError: it lacks required columns.
        duckdb.Error: it is no parquet file, or (when the SQL is run) damaged.
    """
    source = f"read_parquet({quote(escape_glob(file.path))}, file_row_number = true, hive_partitioning = false)"
    described = connection.execute(f"select * from {source} limit 0")
    # names in SQL are the same in capitals and small letters
    known = {"event_date", *EVENT_SCHEMA}
    types = {lower if (lower := str(c[0]).lower()) in known else str(c[0]): c[1] for c in described.description or []}
    ((rows,),) = connection.execute(f"select count(*) from {source}").fetchall()
    missing = [name for name in REQUIRED_FIELDS if name not in types and not (name == "event_date" and file.day)]
    if missing:
        raise UnreadableFileError(
            f"{file.name}: the parquet file lacks {', '.join(missing)}; export the GA4 table's own columns (select *)"
        )
    if not rows:
        return
    as_text = [name for name, actual in types.items() if _holds_text(actual, EVENT_SCHEMA.get(name))]
    columns = ", ".join(
        f'{_column(name, kind, types.get(name), name in as_text)} as "{name}"' for name, kind in EVENT_SCHEMA.items()
    )
    extras = [
        (f"{name}{path}", value)
        for name, actual in types.items()
        if name not in ("event_date", "file_row_number", *as_text)
        for path, value in _extras(identifier(name), actual, EVENT_SCHEMA.get(name))
    ]
    if "event_date" not in types:
        date_text = f"'{file.day:%Y%m%d}'"
    elif str(types["event_date"].id).startswith("timestamp"):
        date_text = "event_date::date::varchar"
    else:
        date_text = "event_date::varchar"
    leftover, reason, joined = leftovers_json(extras), "null::varchar", ""
    if as_text:
        _read_text(connection, source, {name: types[name] for name in as_text})
        leftover, reason = merged_json(leftover, "_json_text.leftover"), "_json_text.reason"
        joined = "left join parquet_text on _json_row = file_row_number + 1"
    yield (
        f"""
        select {date_text} as event_date_text, {columns}, {quote(file.name)} as _source_file,
            file_row_number + 1 as _source_line, {leftover} as _unknown_fields,
            {reason} as _reason, to_json(_row)::varchar as _content
        from {source} as _row {joined}
        """,
        rows,
    )


def _column(name: str, kind: FieldType, actual: Any, as_text: bool) -> str:
    if actual is None:
        return f"null::{duckdb_type(kind)}"
    if as_text:  # text that is no JSON is kept as a leftover; parsed, it is a record of nothing
        no_json = f"coalesce(json_exists(_json_text.leftover, '$.{name}'), false)"
        return f"case when not {no_json} then _json_text.event.{name} end"
    return _project(identifier(name), actual, kind)


def _holds_text(actual: Any, kind: FieldType) -> bool:
    """Whether a record or a list, or one inside it, comes as text, which may be JSON."""
    if isinstance(kind, dict):
        if str(actual.id) == "struct":
            return any(_holds_text(member, kind[name]) for name, member in actual.children if name in kind)
    elif isinstance(kind, list):
        if listed := _list_member("", actual, 0):
            return _holds_text(listed[3], kind[0])
    else:
        return False
    return str(actual.id) == "varchar"


def _read_text(connection: duckdb.DuckDBPyConnection, source: str, types: dict[str, Any]) -> None:
    """Fill ``parquet_text`` with a record (event, leftover, reason) of what the JSON text of each row says."""
    # a column of DuckDB's type JSON is text that need not be valid: read as text
    members = ", ".join(
        f"{quote(name)}, to_json({identifier(name)}{'::varchar' if str(actual.id) == 'varchar' else ''})"
        for name, actual in types.items()
    )
    lines = f"select json_object({members})::varchar as line, file_row_number + 1 as number, null::varchar as problem"
    into = "create or replace temp table parquet_text as"
    with connection.cursor() as cursor:  # of its own, as parsing would end what is being read here
        for batch in cursor.sql(f"{lines} from {source}").to_arrow_reader(_TEXT_ROWS):
            parsed = parse(connection, pa.Table.from_batches([batch]))
            record = "struct_pack(event := event, leftover := leftover, reason := reason)"
            connection.execute(f"{into} select number as _json_row, {record} as _json_text from {parsed}")
            into = "insert into parquet_text"


def _project(expression: str, actual: Any, kind: FieldType, depth: int = 0) -> str:
    """SQL that turns a value of a parquet file's type into the canonical type; members it lacks become null."""
    name = str(actual.id)
    if isinstance(kind, list):
        listed = _list_member(expression, actual, depth)
        if listed is None:
            return f"null::{duckdb_type(kind)}"
        expression, item, value, member = listed
        return f"list_transform({expression}, lambda {item}: {_project(value, member, kind[0], depth + 1)})"
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
    if name == "varchar" and kind == "BIGINT":
        return whole(expression)
    if name in ("double", "float", "decimal") and kind == "BIGINT":
        return f"case when {expression} = trunc({expression}) then try_cast({expression} as bigint) end"
    if name in ("struct", "list", "map"):
        return f"to_json({expression})::varchar" if kind == "VARCHAR" else f"null::{kind}"
    return f"try_cast({expression} as {kind})"


def _list_member(expression: str, actual: Any, depth: int) -> tuple[str, str, str, Any] | None:
    """A list's expression, the name of its lambda variable, the member's expression and type; None for no list.

    BigQuery writes arrays without list inference as ``struct<list: array<struct<element: ...>>>``: unwrapped here.
    """
    if str(actual.id) == "struct" and [child[0] for child in actual.children] == ["list"]:
        expression, actual = f'{expression}."list"', actual.children[0][1]
    if str(actual.id) != "list":
        return None
    member = actual.children[0][1]
    item = value = f"x{depth}"
    if str(member.id) == "struct" and [child[0] for child in member.children] in (["element"], ["item"]):
        value, member = f'{item}."{member.children[0][0]}"', member.children[0][1]
    return expression, item, value, member


def _extras(expression: str, actual: Any, kind: FieldType, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Path and SQL (JSON or null) of each part of a value that the canonical type cannot hold."""
    if kind is None:
        yield "", f"to_json({expression})"
    elif isinstance(kind, list):
        listed = _list_member(expression, actual, depth)
        if listed is None:
            yield "", f"to_json({expression})"
            return
        expression, item, value, member = listed
        for path, extra in _extras(value, member, kind[0], depth + 1):
            found = f"list_transform({expression}, lambda {item}: {extra})"
            yield (
                f"[]{path}",
                f"case when len(list_filter({found}, lambda e{depth}: e{depth} is not null)) > 0"
                f" then to_json({found}) end",
            )
    elif isinstance(kind, dict):
        if str(actual.id) != "struct":
            yield "", f"to_json({expression})"
            return
        for name, member in actual.children:
            for path, extra in _extras(f"{expression}.{identifier(name)}", member, kind.get(name), depth):
                yield f".{name}{path}", extra
    elif (kind, str(actual.id)) in _LOSSY:
        yield "", f"case when {_project(expression, actual, kind, depth)} is null then to_json({expression}) end"


def escape_glob(path: Path) -> str:
    """DuckDB reads every path as a glob: shield the characters that mean something there."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
