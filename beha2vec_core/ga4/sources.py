"""Find the files of an export, here or elsewhere, and derive from their names which property and day they hold.

Known names: BigQuery's shards ``events_YYYYMMDD``, ``events_intraday_YYYYMMDD`` and ``events_fresh_YYYYMMDD`` (with
any suffix, as ``EXPORT DATA`` adds; two dates in a name are a span, not a day), folders ``event_date=YYYY-MM-DD``,
``analytics_<id>`` and ``property_id=<id>``. A file whose name gives no day may hold many: its rows say theirs. Names
that begin with ``.`` or ``_`` are no exports (``_SUCCESS``, ``._events...``, a download under way). BigQuery's other
tables of GA4, ``pseudonymous_users_YYYYMMDD`` and ``users_YYYYMMDD``, have one row per user and no events; see
`user_tables` for what is read of them.
"""

import glob
import os
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from beha2vec_core.buckets import is_bucket, shown
from beha2vec_core.ga4.source_files import (
    COMPRESSED,
    Export,
    Format,
    Origin,
    SourceFile,
    SourceNotFoundError,
    TableKind,
)

_SUFFIXES: dict[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".csv": "csv",
}
_DATE = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?!\d)")
_SHARD = re.compile(r"events_(?:(intraday|fresh)_)?(\d{4})(\d{2})(\d{2})(?!\d)")
_SHARD_FOLDER = re.compile(rf"{_SHARD.pattern}$")
# `users_` alone may end any name: only where a table's name can begin
_USER_TABLE = re.compile(
    r"pseudonymous_users(?![A-Za-z])|(?:^|[^A-Za-z_]|analytics_\d+_)users_\d{8}(?!\d)", re.IGNORECASE
)
_DAY_FOLDER = re.compile(r"event_date=(\d{4})-?(\d{2})-?(\d{2})$")
_PROPERTY_FOLDER = re.compile(r"(?:analytics_|property_id=)([A-Za-z0-9_.-]+)$")


def find_source_files(source: str, property_id: str) -> list[SourceFile]:
    """The files of events that `find_export` finds."""
    return find_export(source, property_id).files


def find_export(source: str, property_id: str) -> Export:
    """All files of the export, ordered by path.

    Where a property's day has a daily table, its intraday and fresh tables are left out: they hold the same events.

    Args:
        source: a file, a folder (searched deeply) or a glob (``**`` allowed); a file or folder of a bucket; a data set
            of BigQuery (`bigquery`).
        property_id: the property of files whose path names none.

    Raises:
        SourceNotFoundError: nothing there that could be an export.
        SourceNotReachedError: it is not on this machine, and cannot be asked.
    """
    described = [_describe(*found, property_id) for found in _found(source)]
    files = [file for file in described if not _is_user_table(file.path)]
    user_tables = sorted(file for file in described if _is_user_table(file.path))
    where = shown(source) if is_bucket(source) else source
    if user_tables and not files:
        raise SourceNotFoundError(
            f"no events at {where!r}, only GA4's tables of users, first {user_tables[0].name}. Export the tables "
            "events_YYYYMMDD too (docs/export.md), and set BEHA2VEC_SOURCE to where they are"
        )
    if not files:
        raise SourceNotFoundError(
            f"{_why_none(source, where)}. Set BEHA2VEC_SOURCE to a file, a folder or a glob of "
            f"{', '.join(_SUFFIXES)} files (.gz and .zst too), or to a data set of BigQuery with tables "
            "events_YYYYMMDD; or write a demo export: beha2vec demo-data --out data/demo_export"
        )
    return Export(sorted(_without_superseded(files)), user_tables)


def _why_none(source: str, where: str) -> str:
    path = Path(source).expanduser()
    if is_elsewhere(source):
        return f"no GA4 export at {where!r}"
    if path.is_dir():
        return f"the folder {path} has no file of a GA4 export"
    if path.exists():
        return f"{path} is no file of a GA4 export: its name has another ending"
    if glob.has_magic(source):
        return f"no file of a GA4 export fits the pattern {path}"
    return f"no GA4 export: {path} does not exist"


def is_elsewhere(source: str) -> bool:
    """Whether a source is not on this machine."""
    return is_bucket(source) or source.startswith("bigquery://")


def _found(source: str) -> list[tuple[Path, str, Origin | None]]:
    """Path, name and origin of what a source has."""
    origins: Sequence[Origin] | None = None
    if source.startswith("bigquery://"):
        from beha2vec_core.ga4.bigquery import find_tables

        origins = find_tables(source)
    elif is_bucket(source):
        from beha2vec_core.ga4.bucket import find_objects

        origins = find_objects(source)
    if origins is not None:
        return [(Path(one.path), one.name, one) for one in origins if _format(Path(one.path))]
    path = Path(source).expanduser()
    if path.is_dir():
        # glob follows linked folders, which Path.rglob does not, and passes hidden names by
        candidates = [path / match for match in glob.glob("**/*", root_dir=path, recursive=True)]
    elif path.is_file():
        candidates = [path]
    else:
        candidates = [Path(match) for match in glob.glob(str(path), recursive=True)]
    # a file reached by two ways (a link to a folder above) is one file, by its shortest path
    candidates.sort(key=lambda file: (-len(file.parts), file))
    paths = {file.resolve(): file for file in candidates if _format(file) and file.is_file()}
    folders = [path] if path.is_dir() else [file.parent for file in paths.values()]
    root = Path(os.path.commonpath(folders)) if folders else Path()
    return [(file, file.relative_to(root).as_posix(), None) for file in paths.values()]


def _format(path: Path) -> Format | None:
    if path.name.startswith((".", "_")):
        return None
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _is_user_table(path: Path) -> bool:
    """From the name of the file, or of the folder that a table was exported to."""
    if _SHARD.search(path.name):
        return False
    return any(_USER_TABLE.search(name) for name in (path.name, path.parent.name))


def _describe(path: Path, name: str, origin: Origin | None, property_id: str) -> SourceFile:
    day, kind = _day_and_kind(path)
    for folder in reversed(path.parent.parts):
        if match := _PROPERTY_FOLDER.match(folder):
            property_id = match[1]
            break
    file_format = _format(path)
    assert file_format is not None
    return SourceFile(path, name, property_id, day, kind, file_format, origin)


def _day_and_kind(path: Path) -> tuple[date | None, TableKind]:
    if (match := _SHARD.search(path.name)) and len(set(_DATE.findall(path.name))) < 2:
        kind: TableKind = match[1] or "daily"  # type: ignore[assignment]  # the pattern allows only these
        return _date(match[2], match[3], match[4]), kind
    if _is_user_table(path):
        days = set(_DATE.findall(path.name)) or set(_DATE.findall(path.parent.name))
        return _date(*days.pop()) if len(days) == 1 else None, "daily"
    for folder in reversed(path.parent.parts):
        if match := _DAY_FOLDER.match(folder):
            return _date(*match.groups()), "daily"
        if match := _SHARD_FOLDER.match(folder):
            return _date(match[2], match[3], match[4]), match[1] or "daily"  # type: ignore[return-value]
    return None, "daily"


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _without_superseded(files: list[SourceFile]) -> list[SourceFile]:
    order = {"daily": 0, "fresh": 1, "intraday": 2}
    best: dict[tuple[str, date], int] = {}
    for file in files:
        if file.day is not None:
            key = (file.property_id, file.day)
            best[key] = min(best.get(key, 9), order[file.kind])
    return [file for file in files if file.day is None or order[file.kind] == best[(file.property_id, file.day)]]
