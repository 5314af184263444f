"""Newline-delimited JSON, as ``bq extract`` and ``EXPORT DATA`` write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from io import BufferedReader
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from beha2vec_core.ga4.reading import UnreadableFileError, batches, chunked, open_file, quote, whole
from beha2vec_core.ga4.schema import EVENT_SCHEMA, FieldType
from beha2vec_core.ga4.sources import SourceFile

# BigQuery's own limit for a row of JSON is 100 MB; an event has a few thousand bytes.
_MAX_LINE_BYTES = 64 * 2**20


def read(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Iterator[tuple[str, int]]:
    """The rows of a file of newline-delimited JSON, plain or gzipped (see `reading`).

    Raises:
        UnreadableFileError: the file ends in the middle of an event.
    """
    # event_timestamp as text first: a number is rounded by DuckDB where it should be refused
    structure = json.dumps({"event_date": "VARCHAR"} | _json_structure(EVENT_SCHEMA) | {"event_timestamp": "VARCHAR"})
    columns = ", ".join(
        f'{whole("event.event_timestamp")} as "event_timestamp"' if name == "event_timestamp" else f'event."{name}"'
        for name in EVENT_SCHEMA
    )
    with open_file(file.path) as stream:
        for batch in batches((line, len(line[1])) for line in _lines(stream)):
            lines_table = _lines_table(batch)
            connection.register("lines_arrow", lines_table)
            # json_structure names {} as it names mixed types, so empty objects count as null here
            connection.execute(
                """
                create or replace temp table parsed as
                select line, number, reason,
                    case when reason is null then from_json(line, $structure) end as event,
                    case when reason is null then regexp_matches(line, $misfit) end as misfits,
                    case when reason is null then
                        json_structure(replace(replace(line, ':{}', ':null'), ': {}', ': null'))::varchar
                    end as structure
                from (
                    select line, number, case
                        when problem is not null then problem
                        when not json_valid(line) then 'not valid JSON'
                        when json_type(line) <> 'OBJECT' then 'not a JSON object'
                    end as reason
                    from lines_arrow
                )
                """,
                {"structure": structure, "misfit": _misfit_pattern()},
            )
            with_leftovers = _find_leftovers(connection)
            yield (
                f"""
                select event.event_date as event_date_text, {columns}, {quote(file.name)} as _source_file,
                    number as _source_line, {"leftover" if with_leftovers else "null::varchar"} as _unknown_fields,
                    reason as _reason, line as _content
                from parsed
                    {"left join leftovers using (number)" if with_leftovers else ""}
                """,
                lines_table.num_rows,
            )
            last_number, last_line = batch[-1]
            connection.unregister("lines_arrow")
            if not last_line.endswith(b"\n") and _is_cut_short(last_line):
                raise UnreadableFileError(
                    f"{file.name}: line {last_number:,}, the last, breaks off in the middle of an event. "
                    "The file is cut short or still being written: export or copy it again"
                )


def _lines(stream: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers; of a monstrous line only the beginning."""
    number = 0
    while line := stream.readline(_MAX_LINE_BYTES):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) >= _MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(_MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, line + b"\n"
        elif line and not line.isspace():
            yield number, line


def _lines_table(batch: list[tuple[int, bytes]]) -> pa.Table:
    """Columns ``line`` (text), ``number`` and ``problem`` (why the line cannot be parsed, else null)."""
    lines = [line for _, line in batch]
    problems: list[str | None] = [None] * len(batch)
    try:
        texts = pa.array(lines, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        for index, line in enumerate(lines):
            try:
                line.decode()
            except UnicodeDecodeError:
                problems[index] = "not valid UTF-8"
        texts = pa.array([line.decode(errors="replace") for line in lines])
    for index, line in enumerate(lines):
        if len(line) > _MAX_LINE_BYTES:
            problems[index] = f"longer than {_MAX_LINE_BYTES:,} bytes"
    return chunked(
        {
            "line": texts,
            "number": pa.array([number for number, _ in batch], pa.int64()),
            "problem": pa.array(problems, pa.string()),
        }
    )


def _is_cut_short(line: bytes) -> bool:
    """Whether the last line of a file begins an event that it does not end."""
    if not line.lstrip().startswith(b"{"):
        return False
    text = line.decode(errors="replace").rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return not text.endswith("}") or error.pos >= len(text) or error.msg.startswith("Unterminated")
    except RecursionError:
        pass
    return False


def _json_structure(kind: FieldType) -> Any:
    if isinstance(kind, dict):
        return {name: _json_structure(member) for name, member in kind.items()}
    if isinstance(kind, list):
        return [_json_structure(kind[0])]
    return kind


@cache
def _misfit_pattern() -> str:
    """A regular expression that finds lines whose numbers may not be what the schema wants; most lines have none.

    Finds too much rather than too little: `leftovers` has the last word.
    """
    names: dict[str, set[str]] = {"BIGINT": set(), "DOUBLE": set(), "BOOLEAN": set()}
    pending: list[tuple[str, FieldType]] = list(EVENT_SCHEMA.items())
    while pending:
        name, kind = pending.pop()
        if isinstance(kind, list):
            pending.append((name, kind[0]))
        elif isinstance(kind, dict):
            pending.extend(kind.items())
        elif kind in names:
            names[kind].add(name)
    integer, number, boolean = ("|".join(sorted(found)) for found in names.values())
    text = r'"(?:-?"|-?[0-9]*[^0-9"]|-?[0-9]{19})'
    return (
        rf'"(?:{integer})"\s*:\s*(?:{text}|-?[0-9]+[.eE]|-?[0-9]{{19}}|-[^0-9]|n[^u]|[^-0-9"n\s])'
        rf'|"(?:{number})"\s*:\s*(?:{text}|-[^0-9]|n[^u]|[^-0-9"n\s])'
        rf'|"(?:{boolean})"\s*:\s*(?:n[^u]|[^tfn\s])'
    )


def _find_leftovers(connection: duckdb.DuckDBPyConnection) -> bool:
    """Fill ``leftovers`` (number, leftover) for rows that hold more than the schema can; whether there are any.

    A row is looked at only when its structure has an unknown field or a value may not fit.
    """
    structures = connection.execute("select distinct structure from parsed where structure is not null").fetchall()
    unknown = [structure for (structure,) in structures if _structure_is_unknown(structure)]
    rows = connection.execute(
        "select number, json(line) from parsed where misfits or list_contains(?::varchar[], structure)",
        [unknown],
    ).fetchall()
    found = {number: text for number, line in rows if (text := _leftovers_text(line)) is not None}
    if not found:
        return False
    table = pa.table({"number": pa.array(found.keys(), pa.int64()), "leftover": pa.array(found.values(), pa.string())})
    connection.register("leftovers_arrow", table)
    connection.execute("create or replace temp table leftovers as select * from leftovers_arrow")
    connection.unregister("leftovers_arrow")
    return True


def _leftovers_text(line: str) -> str | None:
    try:
        found = leftovers(json.loads(line))
        return json.dumps(found, ensure_ascii=False) if found else None
    except (ValueError, RecursionError):  # nested some thousand levels deep: keep it as it is
        return json.dumps({"": line}, ensure_ascii=False)


@cache
def _structure_is_unknown(structure: str) -> bool:
    try:
        return _has_unknown(json.loads(structure), {"event_date": "VARCHAR"} | EVENT_SCHEMA)
    except RecursionError:
        return True


def _has_unknown(shape: Any, kind: FieldType) -> bool:
    if shape == "NULL":
        return False
    if isinstance(kind, dict):
        if not isinstance(shape, dict):
            return True
        return any(
            _has_unknown(member, kind[name]) if name in kind else member != "NULL" for name, member in shape.items()
        )
    if isinstance(kind, list):
        return not isinstance(shape, list) or any(_has_unknown(member, kind[0]) for member in shape)
    return isinstance(shape, dict | list)


def leftovers(event: dict[str, Any]) -> dict[str, Any]:
    """What an event holds beyond the schema, or in a form that the schema cannot hold exactly, as path -> value.

    >>> leftovers({"event_name": "click", "geo": {"planet": "Mars"}, "batch_page_id": "soon"})
    {'geo.planet': 'Mars', 'batch_page_id': 'soon'}
    >>> leftovers({"items": [{"item_id": "1"}, {"item_id": "2", "color": "red"}]})
    {'items[].color': [None, 'red']}
    """
    found = _leftovers(event, {"event_date": "VARCHAR"} | EVENT_SCHEMA)
    return {path.removeprefix("."): value for path, value in found.items()}


def _leftovers(value: Any, kind: FieldType) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(kind, dict) and isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, member in value.items():
            if name in kind:
                found |= {f".{name}{path}": rest for path, rest in _leftovers(member, kind[name]).items()}
            elif member is not None:
                found[f".{name}"] = member
        return found
    if isinstance(kind, list) and isinstance(value, list):
        elements = [_leftovers(member, kind[0]) for member in value]
        paths = dict.fromkeys(chain.from_iterable(elements))
        return {f"[]{path}": [element.get(path) for element in elements] for path in paths}
    return {} if _fits(value, kind) else {"": value}


def _fits(value: Any, kind: FieldType) -> bool:
    if isinstance(kind, dict | list) or isinstance(value, dict | list):
        return False
    if kind == "VARCHAR":
        return True
    if kind == "BOOLEAN":
        return isinstance(value, bool) or value in ("true", "false")
    if isinstance(value, bool):
        return False
    if kind == "BIGINT":
        whole = value == int(value) if isinstance(value, float) and abs(value) < 2**63 else isinstance(value, int)
        return (whole or (isinstance(value, str) and _WHOLE.fullmatch(value) is not None)) and abs(int(value)) < 2**63
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return "_" not in str(value)


_WHOLE = re.compile(r"[+-]?[0-9]+")
