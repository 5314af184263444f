"""The override file: labels given by people, which win over every model."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from beha2vec_core.pages.labels import Labels

_COLUMNS = ("page_key", "theme", "page_type")


class OverrideFileError(ValueError):
    """An override file that cannot be used; the message names the file, the line and the remedy."""


@dataclass(frozen=True)
class Overrides:
    """Labels by page_key; where one of the two is not overridden it is not there."""

    themes: Mapping[str, str] = field(default_factory=dict)
    page_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def page_keys(self) -> set[str]:
        """The pages named."""
        return {*self.themes, *self.page_types}


def load_overrides(path: Path | str | None, labels: Labels) -> Overrides:
    """Read a CSV file (``page_key,theme,page_type``) or a YAML list of such mappings; theme or page_type may be blank.

    Raises:
        OverrideFileError: the file is missing, has other columns, names a page twice or a label that does not exist.
    """
    if path is None:
        return Overrides()
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise OverrideFileError(f"{file}: cannot be read ({problem}); check the path in the settings") from problem
    rows = _yaml_rows(text, file) if file.suffix in (".yml", ".yaml") else _csv_rows(text, file)
    themes: dict[str, str] = {}
    page_types: dict[str, str] = {}
    seen: set[str] = set()
    for where, row in rows:
        if (page_key := row["page_key"]) in seen:
            raise OverrideFileError(f"{where}: {page_key!r} is there twice; keep one")
        seen.add(page_key)
        for column, known, into in (
            ("theme", {label.name for label in labels.themes}, themes),
            ("page_type", {label.name for label in labels.page_types}, page_types),
        ):
            if not row[column]:
                continue
            if row[column] not in known:
                raise OverrideFileError(
                    f"{where}: the label file has no {column} {row[column]!r}; it has {', '.join(sorted(known))}"
                )
            into[page_key] = row[column]
    return Overrides(themes, page_types)


def _csv_rows(text: str, file: Path) -> list[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(text.splitlines())
    if not set(reader.fieldnames or ()) <= set(_COLUMNS) or "page_key" not in (reader.fieldnames or ()):
        raise OverrideFileError(f"{file}: the first line must be {','.join(_COLUMNS)}, not {reader.fieldnames}")
    rows = [(f"{file}: line {reader.line_num}", row) for row in reader]
    return [(where, _row(row, where)) for where, row in rows]


def _yaml_rows(text: str, file: Path) -> list[tuple[str, dict[str, str]]]:
    try:
        entries = yaml.safe_load(text) or []
    except yaml.YAMLError as problem:
        raise OverrideFileError(f"{file}: is not valid YAML: {problem}") from problem
    if not isinstance(entries, list):
        raise OverrideFileError(f"{file}: must be a list of mappings with {', '.join(_COLUMNS)}")
    return [(f"{file}: [{n}]", _row(entry, f"{file}: [{n}]")) for n, entry in enumerate(entries, start=1)]


def _row(entry: Any, where: str) -> dict[str, str]:
    if not isinstance(entry, dict) or set(entry) - set(_COLUMNS) or not entry.get("page_key"):
        raise OverrideFileError(f"{where}: needs a page_key and a theme, a page_type or both, nothing else")
    return {column: str(entry.get(column) or "").strip() for column in _COLUMNS}
