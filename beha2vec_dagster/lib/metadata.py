"""Metadata of assets: row counts, column schemas, previews and small pictures, in the keys that Dagster's UI knows."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster import MetadataValue, TableColumn, TableSchema
from PIL import Image

from beha2vec_core.store.columns import column_descriptions
from beha2vec_core.store.tables import IDENTIFIERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_CELL = 80
_MAX_LIST = 3
_HIDDEN = "(hidden)"
_MARKS = set("\\`*_[]|!#~:.@")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def relation_metadata(
    connection: duckdb.DuckDBPyConnection, relation: str, rows: int = 5, descriptions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Row count, column schema and a preview of a table, view or parquet scan; the preview names no person.

    Columns are described by ``beha2vec_core.store.columns``, unless descriptions are given.
    """
    schema = relation_columns(connection, relation, descriptions)
    count = connection.execute(f"select count(*) from {relation}").fetchone()
    preview = connection.execute(f"select * from {relation} limit {rows}").fetchall()
    names = [column.name for column in schema.columns]
    # Dagster keeps these records, so a person's ids never get there
    shown = [[_HIDDEN if n in IDENTIFIERS else cell for n, cell in zip(names, row, strict=True)] for row in preview]
    return {
        "dagster/row_count": count[0] if count else 0,
        "dagster/column_schema": schema,
        "preview": markdown_table(names, shown),
    }


def relation_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, descriptions: Mapping[str, str] | None = None
) -> TableSchema:
    """The columns of a relation alone, none of whose rows is read."""
    known = column_descriptions(relation) if descriptions is None else descriptions
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return TableSchema([TableColumn(name=c[0], type=c[1], description=known.get(c[0])) for c in described])


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[Any]], longest: int = _MAX_CELL) -> MetadataValue:
    """A small table. Cells are data from outside: cut to ``longest``, and without anything Markdown or HTML acts on."""
    lines = ["| " + " | ".join(map(_cell, names)) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_cell(value, longest) for value in row) + " |" for row in rows]
    return MetadataValue.md("\n".join(lines))


def _cell(value: Any, longest: int = _MAX_CELL) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        shown = ", ".join(_cell(member, longest) for member in value[:_MAX_LIST])
        return f"{shown}, … ({len(value)})" if len(value) > _MAX_LIST else shown
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "".join(c if c.isprintable() else " " for c in str(value))
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    # every mark that Markdown or HTML acts on, colons and dots included, since bare addresses become links
    return "".join(_ENTITIES.get(c, "\\" + c if c in _MARKS else c) for c in text)


def picture(figure: Figure, alt: str) -> MetadataValue:
    """A figure as a small PNG inside Markdown (under 50 KB, since it is kept with every materialization)."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80, bbox_inches="tight")
    # a palette of 64 colors keeps the picture at a third of its size
    Image.open(drawn).convert("RGB").quantize(64).save(buffer, format="png", optimize=True)
    return MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})")


def made(
    about: Mapping[str, Any] | None = None,
    *,
    version: str | None = None,
    checks: Sequence[dg.AssetCheckResult] = (),
    **values: Any,
) -> dg.MaterializeResult[Any]:
    """What an asset returns: its metadata, of which values that are None are left out.

    Args:
        about: metadata of its table, as `relation_metadata` has it.
        version: of what was made; without it Dagster takes one of its own.
    """
    return dg.MaterializeResult(
        metadata={**(about or {}), **plain(values)},
        data_version=dg.DataVersion(version) if version else None,
        check_results=checks,
    )


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known: Dagster shows no empty entries."""
    return {key: value for key, value in values.items() if value is not None}
