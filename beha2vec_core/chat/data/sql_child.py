"""Runs one statement in a process of its own: ``python -I sql_child.py``, JSON on stdin, answers on stdout.

DuckDB's memory limit leaves out what functions allocate for themselves (``repeat``, ``range`` of billions), and its
interrupt waits for such a function to end. A process has limits that hold, and can be killed. Of ours it imports only
how the published database is opened, so that it starts fast.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

_PROCESS_BYTES = 1_500_000_000  # address space of Python and DuckDB themselves, most of it never touched


class Refused(Exception):
    """The statement uses what is not allowed."""


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    _limit_process(request)
    try:
        answer = _run(request)
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"failed": "memory"}
    except Exception as error:
        kind, message = type(error).__name__, str(error)
        out = kind == "OutOfMemoryException" or "out of memory" in message.lower() or "bad_alloc" in message
        answer = {"failed": "memory" if out else message}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # what DuckDB would tidy up dies with the process


def _limit_process(request: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:  # not Unix: the time limit and DuckDB's own limits remain
        return
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # the signal is not handled: the process ends
    seconds, memory = math.ceil(request["seconds"]), int(request["memory_mb"]) * 1_000_000
    limits = {"RLIMIT_AS": memory + _PROCESS_BYTES, "RLIMIT_CPU": 4 * seconds + 5, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, value in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (ValueError, OSError):  # a system that does not know it (macOS and RLIMIT_AS)
            continue


def _run(request: dict[str, Any]) -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).parents[3]))  # the process knows installed packages only
    from beha2vec_core.store.published import open_published

    limits: dict[str, str | int] = {"memory_limit": f"{request['memory_mb']}MB", "threads": 2, "temp_directory": ""}
    connection = open_published(Path(request["path"]), limits=limits)
    _check(connection, request)
    cursor = connection.execute(request["statement"])
    if cursor.description is None:
        return {"failed": "it gives no rows"}
    columns = [column[0] for column in cursor.description]
    numbers = [str(column[1]) in _NUMBERS for column in cursor.description]
    rows: list[list[Any]] = []
    size, truncated = 0, False
    while row := cursor.fetchone():
        if len(rows) == request["rows"] or size > request["characters"]:
            truncated = True
            break
        plain = [_plain(value, request["cell_characters"]) for value in row]
        size += sum(len(str(value)) for value in plain)
        rows.append(plain)
    return {"columns": columns, "numbers": numbers, "rows": rows, "truncated": truncated}


_INTEGERS = "TINYINT SMALLINT INTEGER BIGINT HUGEINT"
_NUMBERS = {*_INTEGERS.split(), *(f"U{name}" for name in _INTEGERS.split())}
_NUMBERS |= {"FLOAT", "DOUBLE", "NUMBER", "BOOLEAN", "bool", "DECIMAL"}


_FOUND_WITHOUT_SCHEMA = """select lower(table_name) from duckdb_tables() where schema_name in ('main', 'pg_catalog')
    union select lower(view_name) from duckdb_views() where schema_name in ('main', 'pg_catalog')"""


def _check(connection: Any, request: dict[str, Any]) -> None:
    """The same rules as before, by the parser that will run it: two parsers may read one text differently."""
    ((text,),) = connection.execute("select json_serialize_sql(?::varchar)", [request["statement"]]).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        if parsed["error_type"] == "not implemented":
            raise Refused("only a SELECT can be run")
        raise Refused(f"DuckDB cannot read it: {parsed['error_message']}")
    if len(parsed["statements"]) != 1:
        raise Refused("give one statement, not several")
    names = {str(name).lower() for name in _cte_names(parsed)}
    # where the part of the statement is not in scope, its name is that of a table that is found without a schema
    if taken := names & {name for (name,) in connection.execute(_FOUND_WITHOUT_SCHEMA).fetchall()}:
        raise Refused(f"{min(taken)!r} is the name of a table: give the part of the statement another one")
    functions = {*request["functions"], *request["operators"], *request["table_functions"]}
    nodes = [parsed]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += [item for item in node if isinstance(item, dict | list)]
            continue
        nodes += [value for value in node.values() if isinstance(value, dict | list)]
        kind = node.get("type")
        if kind == "BASE_TABLE":
            schema, table = str(node["schema_name"]).lower(), str(node["table_name"])
            if node["catalog_name"] or not (schema in request["schemas"] or (not schema and table.lower() in names)):
                raise Refused(f"the table {table!r} is not in an allowed schema")
        elif kind == "TABLE_FUNCTION":
            name = str(node["function"]["function_name"]).lower()
            if name not in request["table_functions"]:
                raise Refused(f"the table function {name} is not allowed")
        elif kind == "SHOW_REF":
            raise Refused("only a SELECT can be run")
        elif "function_name" in node and str(node["function_name"]).lower() not in functions:
            raise Refused(f"the function {node['function_name']} is not allowed")


def _cte_names(node: Any) -> list[str]:
    found = []
    nodes = [node]
    while nodes:
        one = nodes.pop()
        if isinstance(one, dict):
            found += [entry["key"] for entry in (one.get("cte_map") or {}).get("map", [])]
            nodes += one.values()
            if one.get("type") == "RECURSIVE_CTE_NODE":
                found.append(one.get("cte_name", ""))
        elif isinstance(one, list):
            nodes += one
    return found


def _plain(value: Any, limit: int) -> Any:
    """A value as JSON knows it, long ones cut."""
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) < 2**63 else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if type(value).__name__ == "Decimal":
        return float(value)
    if isinstance(value, list | tuple | set):
        items = list(value)[: limit // 10]
        return [_plain(item, limit // 10) for item in items] + (["…"] if len(items) < len(value) else [])
    if isinstance(value, dict):
        return {str(key)[:limit]: _plain(item, limit // 10) for key, item in list(value.items())[: limit // 10]}
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


if __name__ == "__main__":
    main()
