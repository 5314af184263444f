"""The override file: labels given by people, which win over every model."""

import csv
import io
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

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
    rows = _yaml_rows(text, file) if _is_yaml(file) else _csv_rows(text, file)
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


def save_override(
    path: Path | str, labels: Labels, page_key: str, theme: str | None = None, page_type: str | None = None
) -> Overrides:
    """Write a page's labels to the file, in place of those it had there; with neither label, take the page out.

    The file is made where there is none, keeps its form (CSV or YAML) and order, and is replaced atomically: readers
    it sees the old one or the new one. What is written is read back first.

    Returns:
        What the file says now.

    Raises:
        OverrideFileError: the file cannot be read or written, is wrong already, has comments (YAML) that would be lost,
            or a label does not exist.
    """
    file = Path(path).resolve()  # of a link, what it leads to
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock"), timeout=10):
            rows = _rows_of(file, labels)
            if theme or page_type:
                rows[page_key] = {"page_key": page_key, "theme": theme or "", "page_type": page_type or ""}
            else:
                rows.pop(page_key, None)
            temporary = file.with_name(f".{file.stem}.{os.getpid()}{file.suffix}")
            try:
                temporary.write_text(_written(list(rows.values()), file), encoding="utf-8")
                try:
                    written = load_overrides(temporary, labels)
                except OverrideFileError as problem:
                    raise OverrideFileError(str(problem).replace(str(temporary), file.name)) from problem
                if file.exists():
                    shutil.copymode(file, temporary)
                temporary.replace(file)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as problem:  # a lock that is not given is one too
        raise OverrideFileError(f"{file.name}: cannot be written ({type(problem).__name__})") from problem
    return written


def _rows_of(file: Path, labels: Labels) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    load_overrides(file, labels)  # refuses what is wrong
    text = file.read_text(encoding="utf-8-sig")
    if _is_yaml(file) and re.search(r"(^|\s)#", text):
        raise OverrideFileError(f"{file.name}: has comments, which would be lost; write the entry into it by hand")
    rows = _yaml_rows(text, file) if _is_yaml(file) else _csv_rows(text, file)
    return {row["page_key"]: row for _, row in rows}


def _written(rows: list[dict[str, str]], file: Path) -> str:
    if _is_yaml(file):
        entries = [{column: text for column, text in row.items() if text} for row in rows]
        return str(yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=1_000))
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _is_yaml(file: Path) -> bool:
    return file.suffix in (".yml", ".yaml")


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
