"""Records and lists that come as JSON text: read as if they were nested.

``TO_JSON_STRING(event_params)``, a JSON column, or a detour through a database without nested types leave such text.
"""

import json
from typing import Any

from beha2vec_core.ga4.schema import FieldType

_CONTAINERS = (dict, list)


class BrokenJsonTextError(ValueError):
    """A record or list is text that begins like JSON, but cannot be read as JSON."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is text, but not the JSON it begins as")
        self.path = path


def nested(event: dict[str, Any], schema: dict[str, FieldType]) -> dict[str, Any]:
    """The event with all JSON text unpacked, and top-level names spelled as the schema has them.

    Text that is no JSON record or list stays as it is; blank text is null. Parquet's lists, wrapped as
    ``{"list": [{"element": ...}]}``, are unwrapped.

    >>> nested({"GEO": '{"city": "Lima"}'}, {"geo": {"city": "VARCHAR"}})
    {'geo': {'city': 'Lima'}}

    Raises:
        BrokenJsonTextError: text begins like JSON and is not.
    """
    named = {name if (lower := name.lower()) in event or lower not in schema else lower: v for name, v in event.items()}
    return _members(named, schema, "")


def may_differ(shape: Any, schema: dict[str, FieldType]) -> bool:
    """Whether `nested` may change events of this shape, as DuckDB's ``json_structure`` reports it."""
    if not isinstance(shape, dict):
        return False
    return any(name not in schema and name.lower() in schema for name in shape) or _may_hold_text(shape, schema)


def _may_hold_text(shape: Any, kind: FieldType) -> bool:
    if isinstance(kind, dict) and isinstance(shape, dict):
        return any(_may_hold_text(member, kind[name]) for name, member in shape.items() if name in kind)
    if isinstance(kind, list) and isinstance(shape, list):
        return any(_may_hold_text(member, kind[0]) for member in shape)
    return isinstance(kind, _CONTAINERS) and shape != "NULL"


def _members(record: dict[str, Any], kind: dict[str, FieldType], path: str) -> dict[str, Any]:
    return {
        name: _nested(member, inner, f"{path}{name}") if isinstance(inner := kind.get(name), _CONTAINERS) else member
        for name, member in record.items()
    }


def _nested(value: Any, kind: dict[str, FieldType] | list[FieldType], path: str) -> Any:
    if isinstance(value, str):
        return _unpacked(value, kind, path)
    if isinstance(kind, dict):
        return _members(value, kind, f"{path}.") if isinstance(value, dict) else value
    if isinstance(value, dict) and isinstance(value.get("list"), list) and len(value) == 1:
        value = value["list"]
    if not isinstance(value, list):
        return value
    members = [_element(member, kind[0]) for member in value]
    inner = kind[0]
    return [_nested(member, inner, f"{path}[]") for member in members] if isinstance(inner, _CONTAINERS) else members


def _unpacked(text: str, kind: dict[str, FieldType] | list[FieldType], path: str) -> Any:
    stripped = text.strip()
    if stripped in ("", "null"):
        return None
    if stripped[0] not in '[{"':
        return text
    try:
        inner = json.loads(stripped)
    except (ValueError, RecursionError) as error:
        if stripped[0] == '"':
            return text
        raise BrokenJsonTextError(path) from error
    found = _nested(inner, kind, path)
    return text if isinstance(found, str) else found


def _element(member: Any, kind: FieldType) -> Any:
    """A list's member without parquet's wrapper."""
    if isinstance(member, dict) and len(member) == 1:
        for wrapper in ("element", "item"):
            if wrapper in member and not (isinstance(kind, dict) and wrapper in kind):
                return member[wrapper]
    return member
