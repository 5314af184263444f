"""Ingest: an export's files become one canonical parquet partition a property and day.

A partition is replaced as a whole, by temp name and ``os.replace``: readers see the old or the new one. Every row
is accounted for (rows in = accepted + quarantined + forgotten: see ``privacy/forgotten.py``). A day that cannot be
trusted leaves its old partition as it was.
Personal data is removed before anything is stored, see `privacy`.
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from beha2vec_core.files import put_in_place, remove_stale_scratch, scratch
from beha2vec_core.ga4.readers import MAX_QUARANTINED_TEXT, QUARANTINED_ROWS_SHOWN, create_tables, read_file
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.report import DayReport, IngestError, IngestReport
from beha2vec_core.ga4.sorting import read_parts, sorted_parts, write_original
from beha2vec_core.ga4.source_files import SourceFile, on_this_machine
from beha2vec_core.ga4.unfinished import Unfinished
from beha2vec_core.privacy.clean import clean_reason, clean_row
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.partitions import ORIGINALS, cleaner_of, forget_originals, write_cleaned
from beha2vec_core.progress import ProgressBar
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote
from beha2vec_core.words import counted

# What DuckDB may hold in memory before it spills to the scratch folder, in each process.
MEMORY_BYTES = 2 * 10**9
# A process needs as much memory as this, and starting one takes as long as reading so many bytes.
_PROCESS_MEMORY_BYTES, _PROCESS_FILE_BYTES = 10**9, 10**7
# Lines of progress, at most: a year's export has hundreds of files.
_PROGRESS_LINES = 4


def partition_file(raw_path: Path, property_id: str, day: date) -> Path:
    """The file of the events of one property and day."""
    return raw_path / f"property_id={property_id}" / f"event_date={day.isoformat()}" / "events.parquet"


def ingest_days(
    files: Sequence[SourceFile],
    days: Iterable[date],
    raw_path: Path,
    *,
    max_bad_share: float = 0.05,
    progress: Callable[[str], None] | None = None,
    notice: str | None = None,
    keep_originals_days: int = 0,
    memory_bytes: int = MEMORY_BYTES,
    threads: int = 1,
) -> IngestReport:
    """Read the files that hold ``days`` and replace those days' partitions.

    A day without a file is recorded as ``missing`` and a day that cannot be trusted as ``unreadable``: the caller
    decides whether that is an error (see `require_usable`).

    Args:
        days: the days asked for; other days in undated files are left alone.
        max_bad_share: a day with a larger share of quarantined rows is ``unreadable``.
        progress: called with a few lines of text as files are read; a terminal also shows a progress bar.
        notice: what of the source holds no events: progress shows it once, and the report has it.
        keep_originals_days: how long rows are also kept as they came, with all personal data; 0: not at all.
        memory_bytes: what DuckDB may use before it writes to the disk, in all processes together.
        threads: days of files on this machine are read in as many processes, if the memory is enough for them.

    A run that was ended goes on where it was, if the source is elsewhere and a day's files have not changed.

    Raises:
        IngestError: the source holds our own partitions.
        SourceNotReachedError: the source cannot be read; days before it are ingested.
    """
    wanted = sorted(set(days))
    raw_path.mkdir(parents=True, exist_ok=True)
    ours = next((file.path for file in files if file.lies_in(raw_path)), None)
    if ours:
        raise IngestError(f"the source holds what ingest itself wrote ({ours}); set BEHA2VEC_SOURCE to the export only")
    forget_originals(raw_path, keep_originals_days)
    say = progress or (lambda text: None)
    run = _Run(raw_path, max_bad_share, say, IngestReport(notice=notice), keep_originals=keep_originals_days > 0)
    if notice:
        run.say(notice)
    dated: defaultdict[date, list[SourceFile]] = defaultdict(list)
    for file in files:
        if file.day is not None:
            dated[file.day].append(file)

    undated = [file for file in files if file.day is None]
    unfinished = Unfinished(raw_path, files, (max_bad_share, keep_originals_days > 0))
    resumed = [day for day in wanted if run.resume(day, unfinished)]
    if resumed:
        run.say(f"{counted(len(resumed), 'day')} that the run before this one had read")
    wanted = [day for day in wanted if day not in resumed]
    run.files = len(undated) + sum(len(dated[day]) for day in wanted)
    properties = sorted({file.property_id for file in files})
    processes = _processes([] if undated else [dated[day] for day in wanted], threads, memory_bytes)
    title = "reading the export"
    with closing(ProgressBar(title=title, unit="file", total=run.files, shown=progress is not None)) as run.bar:
        if processes > 1:
            memory = min(MEMORY_BYTES, memory_bytes // processes)
            read = partial(delayed(_read_day), os.getpid(), raw_path, max_bad_share, run.keep_originals)
            calls = (read(day, dated[day], properties, memory) for day in wanted)
            try:  # joblib pickles what these processes send each other; nothing pickled is read from a file
                reports = Parallel(processes, backend="loky", return_as="generator")(calls)
                for day, found in zip(wanted, reports, strict=True):
                    run.take(found, dated[day])
            finally:
                get_reusable_executor().shutdown(wait=True)  # they would keep their memory for minutes
                remove_stale_scratch(raw_path, "ingest")  # of processes that were ended
        else:
            run.read_days(wanted, undated, dated, properties, min(MEMORY_BYTES, memory_bytes), unfinished)
    unfinished.end()
    if run.report.redacted:
        run.say(f"personal data removed from {counted(run.report.redacted, 'value')}")
    return run.report


def _processes(files: Sequence[Sequence[SourceFile]], threads: int, memory_bytes: int) -> int:
    """How many processes read the files of days: what is fetched from elsewhere is read by this one."""
    here = [file for of_day in files for file in of_day if file.origin is None]
    if len(here) < sum(map(len, files)):
        return 1
    large_enough = sum(file.size for file in here) // _PROCESS_FILE_BYTES
    return min(threads, len(files), memory_bytes // _PROCESS_MEMORY_BYTES, large_enough)


@cache
def _end_with(parent: int) -> None:
    """End this process when its parent has ended: those of joblib stay for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _read_day(
    parent: int,
    raw_path: Path,
    max_bad_share: float,
    keep_originals: bool,
    day: date,
    files: Sequence[SourceFile],
    properties: Sequence[str],
    memory_bytes: int,
) -> IngestReport:
    """Read a day in a process of its own, which takes one core."""
    if os.getpid() != parent:  # joblib reads in this process where it can start no other
        _end_with(parent)
        limits.hold_to_one_thread()
    run = _Run(raw_path, max_bad_share, lambda text: None, keep_originals=keep_originals, files=len(files))
    run.read_days([day], [], {day: files}, properties, memory_bytes)
    return run.report


def require_usable(report: IngestReport, *, max_bad_share: float) -> None:
    """Raise unless the days asked for can be built upon: an error for one bad day alone, tolerance inside a range.

    Raises:
        IngestError: nothing could be read; or the only day asked for is missing or unreadable; or more than
            ``max_bad_share`` of all rows is bad.
    """
    if not report.days:
        raise IngestError("no day was asked for, or the source has no files")
    problems = [day for day in report.days if day.status == "unreadable"]
    usable = [day for day in report.days if day.status in ("ingested", "kept")]
    asked = sorted({day.event_date for day in report.days})
    span = f"{asked[0]}" if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"
    if not usable and not problems and not report.quarantined:
        noted = "".join(f" ({day.problem})" for day in report.days[:1] if day.problem)
        raise IngestError(
            f"the export has no events for {span}{noted}. Check BEHA2VEC_SOURCE and that the export of this day has "
            "arrived; for another span set BEHA2VEC_START_DATE and BEHA2VEC_END_DATE"
        )
    bad_share = report.quarantined / report.rows_in if report.rows_in else 0.0
    if not usable or (len(asked) == 1 and problems) or bad_share > max_bad_share:
        reasons = "; ".join(f"{day.event_date}: {day.problem}" for day in problems[:5])
        most = Counter(reason for *_, line, reason, _ in report.quarantine if line).most_common(1)
        because = f", most because: {most[0][0]}" if most else ""
        what = reasons or f"{bad_share:.1%} of the rows could not be read{because}"
        where = "" if reasons and len(asked) == 1 else f"{span}: "
        raise IngestError(
            f"{where}{what}. The rows and reasons are in "
            "raw.ga4_quarantine; earlier partitions are untouched. Fix the export, or allow more with "
            "BEHA2VEC_MAX_BAD_SHARE"
        )


@dataclass
class _Run:
    """One ingest under way: what it was asked for, and what it found so far."""

    raw_path: Path
    max_bad_share: float
    say: Callable[[str], None]
    report: IngestReport = field(default_factory=IngestReport)
    broken: dict[SourceFile, str] = field(default_factory=dict)
    keep_originals: bool = False
    files: int = 0
    bar: ProgressBar | None = None
    scratch: Path | None = None

    def __post_init__(self) -> None:
        self.cleaner = cleaner_of(self.raw_path)
        self.done = self.events = self.bad_rows = 0
        self.unknown_of_day: dict[str, int] = {}

    def read_days(
        self,
        days: Sequence[date],
        undated: Sequence[SourceFile],
        dated: Mapping[date, Sequence[SourceFile]],
        properties: Sequence[str],
        memory_bytes: int,
        unfinished: Unfinished | None = None,
    ) -> None:
        """Read the files of days and replace their partitions, one day after the other."""
        with scratch(self.raw_path, "ingest") as folder, _scratch_connection(folder, memory_bytes) as connection:
            self.scratch = folder
            create_tables(connection)
            self.read(connection, undated, days)
            for day in days:
                self.read(connection, dated[day], [day])
                for property_id in properties:
                    own = [file for file in dated[day] if file.property_id == property_id]
                    with Forgotten(self.raw_path.parent).held() as forgotten:
                        self.settle(connection, property_id, day, own, folder, forgotten)
                self.forget(connection, day)
                if unfinished:
                    self.note(day, unfinished)
            self.leave_out_of_no_day(connection)
            self.forget(connection, None)

    def take(self, found: IngestReport, files: Sequence[SourceFile]) -> None:
        """Add what another process found of a day and its files."""
        self.report.days += found.days
        self.report.quarantine += found.quarantine
        self.report.unknown_fields += found.unknown_fields
        self.report.rows_of_no_day += found.rows_of_no_day
        self.report.forgotten_of_no_day += found.forgotten_of_no_day
        for day in found.days:
            if day.status == "unreadable":
                self.say(f"unreadable: {day.problem}")
        self.events += found.accepted
        self.bad_rows += found.quarantined
        for file in files:
            self.count(file)

    def read(self, connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile], days: Sequence[date]) -> None:
        """Read files one after the other into the scratch tables; note those that broke."""
        for file in files:
            try:
                with on_this_machine(file, self.scratch) as here:
                    read = read_file(connection, here, days)
            except UnreadableFileError as error:
                self.broken[file] = str(error)
                connection.execute(
                    "insert into quarantine values (?, ?, ?, null, ?, null)",
                    [file.property_id, file.day, file.name, str(error)],
                )
                self.say(f"unreadable: {error}")
            else:
                self.events += read.accepted
                self.bad_rows += read.quarantined
            self.count(file)

    def count(self, file: SourceFile) -> None:
        """Count a file that was read, and say how far it is."""
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        due = self.done * _PROGRESS_LINES // self.files > (self.done - 1) * _PROGRESS_LINES // self.files
        if due and len(self.broken) < self.done:
            self.say(
                (file.name if self.files == 1 else f"{self.done:,} of {counted(self.files, 'file')}")
                + f": {counted(self.events, 'event')}"
                + (f", {counted(self.bad_rows, 'row')} quarantined" if self.bad_rows else "")
            )

    def settle(
        self,
        connection: duckdb.DuckDBPyConnection,
        property_id: str,
        day: date,
        files: Sequence[SourceFile],
        scratch: Path,
        forgotten: frozenset[str],
    ) -> None:
        """Judge the day that was read and replace its partition, or leave the old one; without forgotten people."""
        left_out = Forgotten(self.raw_path.parent).leave_out(
            connection, forgotten, f"property_id = {quote(property_id)} and event_date = date '{day}'"
        )
        of_day = "property_id = $1 and event_date = $2"
        per_file = connection.execute(
            f"""
            select file, sum(good)::bigint, sum(bad)::bigint from (
                select _source_file as file, count(*) as good, 0 as bad from accepted where {of_day} group by all
                union all
                select source_file, 0, count(source_line) from quarantine where {of_day} group by all
            ) group by file order by file
            """,
            [property_id, day],
        ).fetchall()
        good, bad = sum(row[1] for row in per_file), sum(row[2] for row in per_file)
        names = sorted({file.name for file in files} | {row[0] for row in per_file})
        report = DayReport(
            property_id, day, "ingested", good + bad + left_out, good, bad, forgotten=left_out, files=names
        )
        target = partition_file(self.raw_path, property_id, day)
        report.problem = self._problem(connection, report, bool(files))
        if report.problem:
            report.status, report.accepted, report.quarantined, report.withheld = "unreadable", 0, good + bad, good
            for name, rows, _ in per_file:
                if rows:
                    reason = f"withheld with its day: {rows:,} rows that could be read"
                    connection.execute(
                        "insert into quarantine values (?, ?, ?, null, ?, null)", [property_id, day, name, reason]
                    )
        elif not good:
            report.status = "kept" if target.exists() else "missing"
            what = "no rows of other people in " if left_out else "no rows in "
            report.problem = what + ", ".join(names) if names else None
        else:
            parts = sorted_parts(connection, property_id, day, good)
            if self.keep_originals:
                original = partition_file(self.raw_path.parent / ORIGINALS, property_id, day)
                write_original(read_parts(connection, parts), original, scratch)
            before = self.cleaner.redacted
            temporary = scratch / "events.parquet.part"
            write_cleaned(read_parts(connection, parts), temporary, self.cleaner)
            target.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(temporary, target)
            report.redacted = self.cleaner.redacted - before
            report.users = _users(connection, property_id, day)
        self.report.days.append(report)

    def _problem(self, connection: duckdb.DuckDBPyConnection, day: DayReport, has_files: bool) -> str | None:
        """Why the day cannot be trusted, if so."""
        # a broken file of many days may have held this one, unless the day has files of its own
        broken = [
            text
            for file, text in self.broken.items()
            if file.property_id == day.property_id
            and (file.name in day.files or (file.day is None and not has_files and not day.rows_in))
        ]
        if broken:
            return "; ".join(broken)
        if day.quarantined > self.max_bad_share * day.rows_in or (
            day.quarantined and not day.accepted and not day.forgotten
        ):
            ((most,),) = connection.execute(
                "select mode(reason) from quarantine where property_id = ? and event_date = ? and source_line > 0",
                [day.property_id, day.event_date],
            ).fetchall()
            return f"{day.quarantined:,} of {day.rows_in:,} rows could not be read, most because: {most}"
        return None

    def note(self, day: date, unfinished: Unfinished) -> None:
        """Note a day that was read without problems, in case the run is stopped."""
        settled = [report for report in self.report.days if report.event_date == day]
        if settled and all(report.status == "ingested" and not report.quarantined for report in settled):
            plain = [asdict(report) | {"event_date": day.isoformat()} for report in settled]
            unfinished.add(day, {"reports": plain, "unknown_fields": self.unknown_of_day})

    def resume(self, day: date, unfinished: Unfinished) -> bool:
        """Take over what an earlier run found of a day; whether there is such a run."""
        noted = unfinished.of(day)
        if noted is not None:
            self.report.days += [DayReport(**one | {"event_date": day}) for one in noted["reports"]]
            self.report.unknown_fields.update(noted["unknown_fields"])
        return noted is not None

    def leave_out_of_no_day(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Leave out quarantined rows of no day that name forgotten people."""
        forgotten = Forgotten(self.raw_path.parent)
        with forgotten.held() as hashes:
            self.report.forgotten_of_no_day = forgotten.leave_out(connection, hashes, "event_date is null")

    def forget(self, connection: duckdb.DuckDBPyConnection, day: date | None) -> None:
        """Move what is left of a day (None: of no day) from the scratch tables to the report."""
        settled = [report for report in self.report.days if report.event_date == day]
        if day and not any(report.files for report in settled):
            return  # nothing was read
        which = f"event_date = date '{day}'" if day else "event_date is null"
        if self.broken or not day or any(report.quarantined for report in settled):
            self.report.quarantine += _listed_quarantine(connection, which)
        if day is None:
            ((rows,),) = connection.execute(f"select count(source_line) from quarantine where {which}").fetchall()
            self.report.rows_of_no_day = rows
        ingested = [report.property_id for report in settled if report.status == "ingested"]
        self.unknown_of_day = {}
        for name, rows in connection.execute(
            f"""
            select field, count(*) from (
                select unnest(json_keys(_unknown_fields)) as field from accepted
                where {which} and _unknown_fields is not null and list_contains(?::varchar[], property_id)
            ) group by field
            """,
            [ingested],
        ).fetchall():
            self.report.unknown_fields[name] += rows
            self.unknown_of_day[name] = rows
        connection.execute(f"delete from accepted where {which}")
        connection.execute(f"delete from quarantine where {which}")


def _listed_quarantine(connection: duckdb.DuckDBPyConnection, which: str) -> list[tuple[Any, ...]]:
    """The quarantined rows, of each file the first ones; a last row counts the others."""
    rows = connection.execute(
        f"""
        with numbered as (
            select *, row_number() over (partition by source_file, source_line is null order by source_line) as n
            from quarantine where {which}
        )
        select property_id, event_date, source_file, source_line, reason, content from numbered
        where n <= {QUARANTINED_ROWS_SHOWN} or source_line is null
        union all
        select property_id, event_date, source_file, null, format('and {{:,}} more rows like these', count(*)), null
        from numbered where n > {QUARANTINED_ROWS_SHOWN} and source_line is not null group by all
        order by property_id, source_file, source_line nulls first
        """
    ).fetchall()
    return [
        (*row, clean_reason(reason), content and clean_row(content, MAX_QUARANTINED_TEXT))
        for *row, reason, content in rows
    ]


def _users(connection: duckdb.DuckDBPyConnection, property_id: str, day: date) -> int:
    ((users,),) = connection.execute(
        "select count(distinct user_pseudo_id) from accepted where property_id = ? and event_date = ?",
        [property_id, day],
    ).fetchall()
    return int(users)


# --- scratch ----------------------------------------------------------------------------------------------------


def _scratch_connection(scratch: Path, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    return limits.connect(
        config={
            "temp_directory": str(scratch / "spill"),
            "memory_limit": f"{memory_bytes}B",
            "preserve_insertion_order": False,  # partitions are sorted as they are written
        }
    )
