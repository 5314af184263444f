"""Arrow's fields and rows as BigQuery's REST calls give them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

_ROWS_AT_ONCE = 1_000


def reference_of(project: str, data_set: str) -> dict[str, str]:
    return {"projectId": project, "datasetId": data_set}


def parameter(given: dict[str, Any]) -> Any:
    """The value of a parameter of a query."""
    value = given["parameterValue"]
    return [one["value"] for one in value["arrayValues"]] if "arrayValues" in value else value["value"]


def fields_of(schema: Iterable[pa.Field]) -> list[dict[str, Any]]:
    """Fields of Arrow as REST names them."""
    return [_field(one.name, one.type) for one in schema]


def paths_of(fields: list[dict[str, Any]], above: str = "") -> Iterable[tuple[str, str]]:
    """Paths and types of fields, as COLUMN_FIELD_PATHS lists them."""
    called = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT<...>"}
    for one in fields:
        kind = called.get(one["type"], one["type"])
        yield above + one["name"], f"ARRAY<{kind}>" if one["mode"] == "REPEATED" else kind
        yield from paths_of(one.get("fields", []), f"{above}{one['name']}.")


def _field(name: str, kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        return _field(name, kind.value_type) | {"mode": "REPEATED"}
    if pa.types.is_struct(kind):
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields_of(kind)}
    for is_kind, called in (
        (pa.types.is_integer, "INTEGER"),
        (pa.types.is_floating, "FLOAT"),
        (pa.types.is_decimal, "NUMERIC"),
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_timestamp, "TIMESTAMP" if getattr(kind, "tz", None) else "DATETIME"),
        (pa.types.is_binary, "BYTES"),
    ):
        if is_kind(kind):
            return {"name": name, "type": called, "mode": "NULLABLE"}
    return {"name": name, "type": "STRING", "mode": "NULLABLE"}


def page_of(table: pa.Table, query: dict[str, str]) -> dict[str, Any]:
    """Some rows as REST gives them, and where the next ones begin."""
    start = int(query.get("pageToken", query.get("startIndex", "0")))
    rows = table.slice(start, min(int(query.get("maxResults", _ROWS_AT_ONCE)), _ROWS_AT_ONCE))
    kinds = pa.struct(list(table.schema))
    values = [_rest(row, kinds) for row in rows.to_pylist()]
    more = {"pageToken": str(start + rows.num_rows)} if start + rows.num_rows < table.num_rows else {}
    return {"totalRows": str(table.num_rows), "rows": values} | more


def _rest(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):  # BigQuery has no list that is null
        return [{"v": _rest(member, kind.value_type)} for member in value or []]
    if isinstance(value, dict):
        return {"f": [{"v": _rest(value[one.name], one.type)} for one in kind]}
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if value is None else str(value)
