"""The override file: labels given by people, which win over every model."""

import csv
import io
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from beha2vec_core.files import replacing
from beha2vec_core.pages.labels import Labels
from beha2vec_core.settings import Settings
from beha2vec_core.words import counted

MAX_PROBLEMS = 5
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


def overrides_path(settings: Settings) -> Path:
    """The override file: the one of the settings, else that of the data folder, which need not be there."""
    return settings.pages.overrides_file or settings.storage.page_overrides_path


def overrides_of(settings: Settings, labels: Labels) -> Overrides:
    """The overrides of the settings.

    Raises:
        OverrideFileError: as `load_overrides`; a file that the settings name has to be there.
    """
    file = overrides_path(settings)
    there = settings.pages.overrides_file is not None or file.exists()
    return load_overrides(file, labels) if there else Overrides()


def load_overrides(path: Path | str, labels: Labels) -> Overrides:
    """Read a CSV file (``page_key,theme,page_type``) or a YAML list of such mappings; theme or page_type may be blank.

    Raises:
        OverrideFileError: the file is missing, has other columns, names a page twice or a label that does not exist.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise OverrideFileError(f"{file}: cannot be read ({problem}); check the path in the settings") from problem
    return _overrides(checked_rows(text, file, labels))


def _overrides(rows: list[dict[str, str]]) -> Overrides:
    return Overrides(
        {row["page_key"]: row["theme"] for row in rows if row["theme"]},
        {row["page_key"]: row["page_type"] for row in rows if row["page_type"]},
    )


def checked_rows(text: str, file: Path, labels: Labels, *, whole: bool = False) -> list[dict[str, str]]:
    """The rows of an override file, ``page_key``, ``theme``, ``page_type``, blank for none.

    Args:
        text: what is in the file.
        file: its name, for messages; the ending says whether it is YAML.
        whole: a CSV file must have all three columns: one that is missing would take labels away.

    Raises:
        OverrideFileError: some rows are wrong; the message has a line for each of the first.
    """
    known = {"theme": {label.name for label in labels.themes}, "page_type": {label.name for label in labels.page_types}}
    rows: dict[str, dict[str, str]] = {}
    problems = []
    listed: set[str] = set()  # the kinds whose labels a message names
    for where, row in _yaml_rows(text, file) if _is_yaml(file) else _csv_rows(text, file, whole):
        if row["page_key"] in rows:
            problems.append(f"{where}: {row['page_key']!r} is there twice; keep one")
        for column, names in known.items():
            if row[column] and row[column] not in names:
                remedy = "" if column in listed else f"; it has {', '.join(sorted(names))}"
                listed.add(column)
                problems.append(f"{where}: the label file has no {column} {row[column]!r}{remedy}")
        rows[row["page_key"]] = row
    if problems:
        rest = len(problems) - MAX_PROBLEMS
        more = [f"and {counted(rest, 'more problem')}"] if rest > 0 else []
        raise OverrideFileError("\n".join(problems[:MAX_PROBLEMS] + more))
    return list(rows.values())


def save_overrides(path: Path | str, labels: Labels, rows: Iterable[Mapping[str, str | None]]) -> Overrides:
    """Write pages' labels to the file, in place of those they had there; a page with neither label is taken out.

    The file is made where there is none, keeps its form (CSV or YAML) and order, and is replaced atomically: readers
    see the old one or the new one. All rows are read before the file is replaced, so either all are written or none.

    Args:
        rows: ``page_key``, ``theme`` and ``page_type`` of each page.

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
            kept = _rows_of(file, labels)
            for row in rows:
                key = str(row["page_key"])
                if row["theme"] or row["page_type"]:
                    kept[key] = {"page_key": key} | {kind: row[kind] or "" for kind in ("theme", "page_type")}
                else:
                    kept.pop(key, None)
            text = _written(list(kept.values()), file)
            written = _overrides(checked_rows(text, Path(file.name), labels))
            with replacing(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
                if file.exists():
                    shutil.copymode(file, temporary)
    except OSError as problem:  # a lock that is not given is one too
        raise OverrideFileError(
            f"{file.name}: cannot be written ({type(problem).__name__}); BEHA2VEC_PAGE_OVERRIDES_FILE can name another"
        ) from problem
    return written


def _rows_of(file: Path, labels: Labels) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    text = file.read_text(encoding="utf-8-sig")
    rows = checked_rows(text, file, labels)
    if _is_yaml(file) and re.search(r"(^|\s)#", text):
        raise OverrideFileError(f"{file.name}: has comments, which would be lost; write the entry into it by hand")
    return {row["page_key"]: row for row in rows}


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


def _csv_rows(text: str, file: Path, whole: bool) -> list[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(text.splitlines())
    try:
        names = set(reader.fieldnames or ())
        rows = [(f"{file}: line {reader.line_num}", row) for row in reader]
    except csv.Error as problem:
        raise OverrideFileError(f"{file}: line {reader.line_num}: is not valid CSV: {problem}") from problem
    if not (set(_COLUMNS) if whole else {"page_key"}) <= names <= set(_COLUMNS):
        raise OverrideFileError(f"{file}: the first line must be {','.join(_COLUMNS)}, not {reader.fieldnames}")
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
    if not isinstance(entry, dict) or set(entry) - set(_COLUMNS) or not str(entry.get("page_key") or "").strip():
        raise OverrideFileError(f"{where}: needs a page_key and a theme, a page_type or both, nothing else")
    return {column: str(entry.get(column) or "").strip() for column in _COLUMNS}
