"""JSON: an event a line, as ``bq extract`` and ``EXPORT DATA`` write it, or an array, as ``bq query`` does."""

import json
import re
from collections.abc import Iterator
from functools import cache
from io import BufferedReader, BytesIO
from itertools import chain
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from beha2vec_core.ga4.json_text import BrokenJsonTextError, may_differ, nested
from beha2vec_core.ga4.reading import UnreadableFileError, batches, blocks, chunked, open_file, whole
from beha2vec_core.ga4.schema import EVENT_SCHEMA, FieldType
from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.store.sql import quote

# BigQuery's own limit for a row of JSON is 100 MB; an event has a few thousand bytes.
_MAX_LINE_BYTES = 64 * 2**20
_FIELDS: dict[str, FieldType] = {"event_date": "VARCHAR"} | EVENT_SCHEMA
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How a file begins whose lines are not its events.
_SNIFFED_BYTES = 4096
_EVENTS_IN_MANY_LINES = re.compile(rb"\s*(?:(?P<array>\[\s*(?:[{]|\]?\s*\Z))|[{][ \t\r]*\n)")
_CHUNK_BYTES = 2**20
# Whole strings are passed over; possessive, so that it gives up at once where the next brace is not there yet.
_TO_NEXT_BRACE = re.compile(rb'[^"{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}]*+)*+([{}])', re.DOTALL)
_BETWEEN_ELEMENTS = b" \t\r\n,[]"


def read(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Iterator[tuple[str, int]]:
    """The rows of a file of newline-delimited JSON or of a JSON array, compressed or not (see `reading`).

    Raises:
        UnreadableFileError: the file ends in the middle of an event or an array.
    """
    columns = ", ".join(
        f'{whole("event.event_timestamp")} as "event_timestamp"' if name == "event_timestamp" else f'event."{name}"'
        for name in EVENT_SCHEMA
    )
    with open_file(file.path) as stream:
        for lines in _tables(stream, file.name):
            parsed = parse(connection, lines)
            yield (
                f"""
                select event.event_date as event_date_text, {columns}, {quote(file.name)} as _source_file,
                    number as _source_line, leftover as _unknown_fields, reason as _reason, line as _content
                from {parsed}
                """,
                lines.num_rows,
            )


def rows(stream: BufferedReader, name: str) -> Iterator[tuple[int, bytes]]:
    """The events of a file as they stand, each with the number of its line, or of its place in an array.

    Raises:
        UnreadableFileError: the file is cut short; what is left of the last event was given before.
    """
    begins = _events_in_many_lines(stream)
    return _elements(stream, name, in_array=begins["array"] is not None) if begins else _lines(stream, name)


def _events_in_many_lines(stream: BufferedReader) -> re.Match[bytes] | None:
    if stream.peek(_SNIFFED_BYTES).startswith(_BYTE_ORDER_MARK):
        stream.read(len(_BYTE_ORDER_MARK))
    return _EVENTS_IN_MANY_LINES.match(stream.peek(_SNIFFED_BYTES))


def _tables(stream: BufferedReader, name: str) -> Iterator[pa.Table]:
    """The events of a file as `_lines_table` has them, in batches."""
    number = 0
    if not _events_in_many_lines(stream):
        for block in blocks(stream, _MAX_LINE_BYTES):
            table = _plain_lines(block, number)
            if table is None:
                yield from map(_lines_table, _sized(_lines(BytesIO(block), name, number)))
            else:
                yield table
            number += block.count(b"\n")
    else:
        yield from map(_lines_table, _sized(rows(stream, name)))


def _sized(rows: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    return batches((row, len(row[1])) for row in rows)


def _plain_lines(block: bytes, number: int) -> pa.Table | None:
    """`_lines_table` of all lines of a block at once, if there is nothing special about any of them, as is the rule."""
    data = np.frombuffer(block, np.uint8)
    offsets = np.append(0, np.flatnonzero(data == ord("\n")) + 1)
    if offsets[-1] < len(block) or (data[offsets[:-1]] != ord("{")).any() or np.diff(offsets).max() > _MAX_LINE_BYTES:
        return None
    count = len(offsets) - 1
    try:
        lines = pa.Array.from_buffers(
            pa.binary(), count, [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(block)]
        ).cast(pa.string())
    except pa.ArrowInvalid:  # not UTF-8
        return None
    numbers = pa.array(np.arange(number + 1, number + 1 + count))
    return chunked({"line": lines, "number": numbers, "problem": pa.nulls(count, pa.string())})


def parse(connection: duckdb.DuckDBPyConnection, lines: pa.Table) -> str:
    """Read lines of JSON into the canonical types; a relation of line, number, reason, event and leftover.

    Args:
        connection: gets the temporary tables ``parsed`` and ``leftovers``, which the next call replaces.
        lines: ``line`` (text), ``number`` (of each line another) and ``problem`` (why it cannot be parsed, else null).

    Returns:
        SQL: ``line`` is the line with its JSON text unpacked, ``event`` a struct of the schema's fields and event_date,
        ``leftover`` the JSON of what it cannot hold, ``reason`` why the line could not be read.
    """
    create = "create or replace temp table parsed as"
    _parse(connection, lines, create, each=False)
    if _need_a_look(connection):
        _parse(connection, lines, create, each=True)
        _unpack_text(connection)
    # event_timestamp as text first: a number is rounded by DuckDB where it should be refused
    structure = quote(json.dumps(_json_structure(_FIELDS) | {"event_timestamp": "VARCHAR"}))
    event = f"case when reason is null then from_json(line, {structure}) end as event"
    if _find_leftovers(connection):
        return f"(select *, {event} from parsed left join leftovers using (number))"
    return f"(select *, {event}, null::varchar as leftover from parsed)"


# json_structure names {} as it names mixed types, so empty objects count as null here
_NO_EMPTY = """
    case when contains(line, '{}') then replace(replace(line, ':{}', ':null'), ': {}', ': null') else line end"""
_PARSE = f"""
    select line, number, reason,
        case when reason is null then regexp_matches(line, $misfit) end as misfits,
        case when $each and reason is null then json_structure({_NO_EMPTY})::varchar end as structure
    from (
        select line, number, case
            when problem is not null then problem
            when kind is null then 'not valid JSON'
            when kind <> 'OBJECT' then 'not a JSON object'
        end as reason
        from (select *, try(json_type(line)) as kind from lines_arrow)
    )
"""
# The structure of all lines together costs a quarter of that of each.
_TOGETHER = f"""
    select (try(json_structure('[' || lines || ']')) -> 0)::varchar
    from (select string_agg({_NO_EMPTY}, ',') as lines from parsed where reason is null)
"""


def _parse(connection: duckdb.DuckDBPyConnection, lines: pa.Table, into: str, *, each: bool) -> None:
    """Lines with the structure of each, or without."""
    connection.register("lines_arrow", lines)
    connection.execute(f"{into} {_PARSE}", {"misfit": _misfit_pattern(), "each": each})
    connection.unregister("lines_arrow")


def _need_a_look(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a line of ``parsed`` may have JSON text or an unknown field; mixed types hide what is in them."""
    ((structure,),) = connection.execute(_TOGETHER).fetchall()
    return structure is None or (
        '"JSON"' in structure or _structure_may_differ(structure) or _structure_is_unknown(structure)
    )


def _unpack_text(connection: duckdb.DuckDBPyConnection) -> None:
    """Parse again, as if they were nested, the lines of ``parsed`` whose records or lists are JSON text."""
    structures = connection.execute("select distinct structure from parsed where structure is not null").fetchall()
    packed = [structure for (structure,) in structures if _structure_may_differ(structure)]
    if not packed:
        return
    numbers: list[int] = []
    lines: list[str] = []
    problems: list[str | None] = []
    for number, line in connection.execute(
        "select number, line from parsed where list_contains(?::varchar[], structure)", [packed]
    ).fetchall():
        problem = None
        try:
            event = json.loads(line)
            if (found := nested(event, _FIELDS)) == event:
                continue
            line = json.dumps(found)
        except BrokenJsonTextError as error:
            problem = str(error)
        except (ValueError, RecursionError):  # what DuckDB takes and Python does not: left as it is
            continue
        numbers.append(number)
        lines.append(line)
        problems.append(problem)
    if numbers:
        texts = pa.array(problems, pa.string())
        unpacked = chunked({"line": pa.array(lines), "number": pa.array(numbers), "problem": texts})
        connection.register("unpacked_arrow", unpacked)
        connection.execute("delete from parsed where number in (select number from unpacked_arrow)")
        connection.unregister("unpacked_arrow")
        _parse(connection, unpacked, "insert into parsed", each=True)


def _lines(stream: BufferedReader | BytesIO, name: str, number: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers; of a monstrous line only the beginning."""
    while line := stream.readline(_MAX_LINE_BYTES):
        number += 1
        if len(line) >= _MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(_MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, line + b"\n"
        elif line and not line.isspace():
            yield number, line
            if not line.endswith(b"\n") and _is_cut_short(line):
                raise _cut_short(name, f"line {number:,}, the last, breaks off in the middle of an event")


def _elements(stream: BufferedReader, name: str, *, in_array: bool) -> Iterator[tuple[int, bytes]]:
    """The objects of a JSON array, or objects of many lines one after the other, numbered from one.

    Found by their braces alone, so that an object that is not valid JSON costs only itself.
    """
    number = depth = begin = at = 0
    buffer = b""
    while chunk := stream.read(_CHUNK_BYTES):
        buffer, at, begin = buffer[begin:] + chunk, at - begin, 0
        while brace := _TO_NEXT_BRACE.match(buffer, at):
            at = brace.end()
            depth += 1 if brace[1] == b"{" else -1
            if depth == 1 and brace[1] == b"{":
                if between := buffer[begin : at - 1].strip(_BETWEEN_ELEMENTS):
                    number += 1
                    yield number, between
                begin = at - 1
            elif depth <= 0:
                number, depth = number + 1, 0
                yield number, buffer[begin:at].strip(_BETWEEN_ELEMENTS)
                begin = at
        if len(buffer) - begin > _MAX_LINE_BYTES:
            raise UnreadableFileError(
                f"{name}: event {number + 1:,} has no end within {_MAX_LINE_BYTES:,} bytes: a brace or a quote is "
                "missing there. Export it again"
            )
    rest = buffer[begin:]
    if left := rest.strip(_BETWEEN_ELEMENTS):
        number += 1
        yield number, left
    if depth:
        raise _cut_short(name, f"event {number:,}, the last, breaks off in the middle")
    if in_array and not rest.rstrip().endswith(b"]"):
        raise _cut_short(name, f"the array has no end after event {number:,}")


def _cut_short(name: str, what: str) -> UnreadableFileError:
    return UnreadableFileError(f"{name}: {what}. The file is cut short or still being written: export or copy it again")


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
        "select number, json(line) from parsed where misfits or list_contains(?::varchar[], structure)", [unknown]
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
def _structure_may_differ(structure: str) -> bool:
    try:
        return may_differ(json.loads(structure), _FIELDS)
    except RecursionError:
        return False


@cache
def _structure_is_unknown(structure: str) -> bool:
    try:
        return _has_unknown(json.loads(structure), _FIELDS)
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
    found = _leftovers(event, _FIELDS)
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
