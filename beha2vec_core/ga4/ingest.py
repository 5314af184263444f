"""Ingest: an export's files become one canonical parquet partition a property and day.

A partition is replaced as a whole, by temp name and ``os.replace``: whoever reads meanwhile sees the old or the new
one. Every row is accounted for (rows in = accepted + quarantined). A day that cannot be trusted leaves its old
partition as it was.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from beha2vec_core.ga4.readers import UnreadableFileError, create_tables, read_file
from beha2vec_core.ga4.schema import EVENT_SCHEMA, PROVENANCE_SCHEMA
from beha2vec_core.ga4.sources import SourceFile

# Files read before their partitions are written: bounds the scratch space, a few dozen small days at a time.
_CHUNK_BYTES = 256 * 2**20

# ingested: replaced by what the files hold. missing: no file and no rows, an empty day. kept: no file any more, the
# earlier partition stays. unreadable: too many bad rows or a broken file, the earlier partition (if any) stays.
DayStatus = Literal["ingested", "missing", "kept", "unreadable"]


class IngestError(RuntimeError):
    """Nothing could be read, or too much was bad; the message names the files and the remedy."""


@dataclass
class DayReport:
    """What became of one day of one property."""

    property_id: str
    event_date: date
    status: DayStatus
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    users: int = 0
    files: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass
class IngestReport:
    """What became of all asked days: one report a property and day, and the quarantined rows (see `create_tables`)."""

    days: list[DayReport]
    quarantine: list[tuple[Any, ...]]
    unknown_fields: Counter[str]

    @property
    def rows_in(self) -> int:
        """Rows read for the asked days."""
        return sum(day.rows_in for day in self.days)

    @property
    def accepted(self) -> int:
        """Rows in the partitions."""
        return sum(day.accepted for day in self.days)

    @property
    def quarantined(self) -> int:
        """Rows set aside."""
        return sum(day.quarantined for day in self.days)


def partition_file(raw_path: Path, property_id: str, day: date) -> Path:
    """Where the events of one property and day lie."""
    return raw_path / f"property_id={property_id}" / f"event_date={day.isoformat()}" / "events.parquet"


def ingest_days(
    files: Sequence[SourceFile],
    days: Iterable[date],
    raw_path: Path,
    *,
    max_bad_share: float = 0.05,
    progress: Callable[[str], None] | None = None,
) -> IngestReport:
    """Read the files that hold ``days`` and replace those days' partitions.

    A day without a file is recorded as ``missing`` and a day that cannot be trusted as ``unreadable``: the caller
    decides whether that is an error (see `require_usable`).

    Args:
        files: from `find_source_files`.
        days: the days asked for; other days in undated files are left alone.
        raw_path: the folder of the partitions.
        max_bad_share: a day with a larger share of quarantined rows is ``unreadable``.
        progress: called with a line of text as files are read.
    """
    wanted = sorted(set(days))
    raw_path.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(raw_path)
    report = IngestReport([], [], Counter())
    say = progress or (lambda text: None)

    with (
        tempfile.TemporaryDirectory(prefix=f".ingest-{os.getpid()}-", dir=raw_path.parent) as scratch,
        duckdb.connect(str(Path(scratch) / "rows.duckdb")) as connection,
    ):
        create_tables(connection)
        undated = [file for file in files if file.day is None]
        broken = _read_all(connection, undated, report, say)
        for chunk in _chunks(wanted, files):
            connection.begin()  # one commit a chunk: hundreds of small days would each wait for the disk
            broken |= _read_all(connection, [f for f in files if f.day in chunk], report, say)
            for property_id in sorted({file.property_id for file in files}):
                for day in chunk:
                    report.days.append(_settle_day(connection, raw_path, property_id, day, max_bad_share, broken))
            _forget(connection, report, "event_date between ? and ?", [chunk[0], chunk[-1]])
            connection.commit()
        # rows of undated files that name no day belong to no partition, yet are never lost
        _forget(connection, report, "event_date is null", [])
    return report


def require_usable(report: IngestReport, *, max_bad_share: float) -> None:
    """Raise unless the days asked for can be built upon: an error for one bad day alone, tolerance inside a range.

    Raises:
        IngestError: nothing could be read; or the only day asked for is missing or unreadable; or more than
            ``max_bad_share`` of all rows is bad.
    """
    problems = [day for day in report.days if day.status == "unreadable"]
    usable = [day for day in report.days if day.status in ("ingested", "kept")]
    asked = sorted({day.event_date for day in report.days})
    span = f"{asked[0]}" if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"
    if not usable and not problems:
        raise IngestError(
            f"the export has no events for {span}. Check BEHA2VEC_SOURCE and that the export of this day has arrived; "
            "for another span set BEHA2VEC_START_DATE and BEHA2VEC_END_DATE"
        )
    bad_share = report.quarantined / report.rows_in if report.rows_in else 0.0
    if not usable or (len(asked) == 1 and problems) or bad_share > max_bad_share:
        reasons = "; ".join(f"{day.event_date}: {day.problem}" for day in problems[:5])
        raise IngestError(
            f"{span}: {reasons or f'{bad_share:.1%} of the rows could not be read'}. The rows and reasons are in "
            "raw.ga4_quarantine; earlier partitions are untouched. Mend the export, or allow more with "
            "BEHA2VEC_MAX_BAD_SHARE"
        )


def _chunks(days: list[date], files: Sequence[SourceFile]) -> Iterator[list[date]]:
    """Cut the days into runs whose files are small enough to be held together, a day at least."""
    sizes: Counter[date] = Counter()
    for file in files:
        if file.day is not None:
            sizes[file.day] += file.path.stat().st_size
    chunk: list[date] = []
    for day in days:
        if chunk and sum(sizes[d] for d in chunk) + sizes[day] > _CHUNK_BYTES:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _read_all(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    report: IngestReport,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Read files one after the other; give the problems of those that broke."""
    problems = {}
    for number, file in enumerate(files, start=1):
        try:
            read = read_file(connection, file)
        except UnreadableFileError as error:
            problems[file.name] = str(error)
            connection.execute(
                "insert into quarantine values (?, ?, ?, null, ?, null)",
                [file.property_id, file.day, file.name, str(error)],
            )
            say(f"unreadable: {error}")
        else:
            report.unknown_fields.update(read.unknown_fields)
            say(
                f"{file.name} ({number:,}/{len(files):,}): {read.accepted:,} events"
                + (f", {read.quarantined:,} rows quarantined" if read.quarantined else "")
            )
    return problems


def _forget(connection: duckdb.DuckDBPyConnection, report: IngestReport, which: str, parameters: list[object]) -> None:
    """Put the quarantined rows into the report and drop the accepted ones, now that their partitions stand."""
    order = "order by event_date, source_file, source_line"
    report.quarantine += connection.execute(f"from quarantine where {which} {order}", parameters).fetchall()
    connection.execute(f"delete from quarantine where {which}", parameters)
    connection.execute(f"delete from accepted where {which}", parameters)


def _settle_day(
    connection: duckdb.DuckDBPyConnection,
    raw_path: Path,
    property_id: str,
    day: date,
    max_bad_share: float,
    broken: dict[str, str],
) -> DayReport:
    """Judge the day that was read and replace its partition, or leave the old one."""
    key: list[object] = [property_id, day]
    counts = connection.execute(
        "select count(*), count(distinct user_pseudo_id) from accepted where property_id = ? and event_date = ?", key
    ).fetchone()
    bad = connection.execute(
        "select count(source_line), mode(reason) from quarantine where property_id = ? and event_date = ?", key
    ).fetchone()
    assert counts is not None and bad is not None
    (accepted, users), (quarantined, reason) = counts, bad
    names = connection.execute(
        "select distinct f from (select _source_file f from accepted where property_id = $1 and event_date = $2"
        " union all select source_file from quarantine where property_id = $1 and event_date = $2) order by f",
        key,
    ).fetchall()
    report = DayReport(
        property_id, day, "ingested", accepted + quarantined, accepted, quarantined, users, [name for (name,) in names]
    )
    target = partition_file(raw_path, property_id, day)
    broken_here = [text for name, text in broken.items() if name in report.files]
    if broken_here:
        report.problem = "; ".join(broken_here)
    elif report.rows_in and quarantined > max_bad_share * report.rows_in:
        report.problem = f"{quarantined:,} of {report.rows_in:,} rows could not be read, most because: {reason}"
    if report.problem:
        report.status, report.accepted, report.users = "unreadable", 0, 0
        report.rows_in = quarantined
    elif accepted == 0:
        report.status = "kept" if target.exists() else "missing"
    else:
        _write_partition(connection, target, key)
    return report


def _write_partition(connection: duckdb.DuckDBPyConnection, target: Path, key: list[object]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f'"{name}"' for name in EVENT_SCHEMA | PROVENANCE_SCHEMA)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    path = str(temporary).replace("'", "''")
    try:
        connection.execute(
            f"copy (select {columns} from accepted where property_id = ? and event_date = ?"
            f" order by event_timestamp, user_pseudo_id, _source_file, _source_line)"
            f" to '{path}' (format parquet, compression zstd)",
            key,
        )
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def remove_stale_scratch(raw_path: Path) -> None:
    """Delete scratch folders that a killed ingest left beside the partitions."""
    for folder in raw_path.parent.glob(".ingest-*"):
        shutil.rmtree(folder, ignore_errors=True)
