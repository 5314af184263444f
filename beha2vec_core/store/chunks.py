"""A dbt build in chunks of days: which days the next call builds, and which chunks of a stopped build are finished.

One call for a long range needs memory and disk for all of it at once. The incremental models give the same rows for
any order of days, so a range is built in chunks. A finished chunk is recorded in the warehouse until its build ends; a
build that was stopped continues after its last finished chunk.

A call that is stopped leaves some models with its days and others without. So the days of a call are noted for its
models until all of them are built, and the next call of one of these models builds the days that are still noted too.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

# Bytes of an event in raw partitions (deploy/sizes.py, docs/deployment.md). Rows that differ little, such as those of a
# site with few pages, take much less there, but not where they are worked on: so sizes are counted in events.
EVENT_BYTES = 57


class RawDay(NamedTuple):
    """The raw partitions of one day.

    Attributes:
        bytes: of the files.
        events: their rows, or as many as the bytes usually hold if that is more: large rows count as several.
        state: a hash that changes when a file does.
    """

    bytes: int
    events: int
    state: str


class Chunk(NamedTuple):
    """Consecutive days that one dbt call builds."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Its days, in order."""
        return days_between(self.first, self.last)


class Build(NamedTuple):
    """What makes two builds the same one."""

    models: str  # hash of the models, their variables and settings
    key: str  # hash of that, the days, the selected models, and whether all days are rebuilt
    full_refresh: bool  # whether the tables begin empty


def days_between(first: date, last: date) -> list[date]:
    """All days from first to last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def raw_days(raw_path: Path) -> dict[date, RawDay]:
    """The days that have raw partitions, of any property; the state follows names, sizes and modification times."""
    files: dict[date, list[tuple[str, int, int]]] = {}
    rows: Counter[date] = Counter()
    for path in raw_path.glob("property_id=*/event_date=*/*.parquet"):
        about = path.stat()
        day = date.fromisoformat(path.parent.name.removeprefix("event_date="))
        files.setdefault(day, []).append((str(path.relative_to(raw_path)), about.st_size, about.st_mtime_ns))
        with suppress(pa.ArrowInvalid, OSError):  # a damaged file: dbt says so
            rows[day] += pq.read_metadata(path).num_rows
    found = {}
    for day, of in sorted(files.items()):
        size = sum(bytes_ for _, bytes_, _ in of)
        found[day] = RawDay(size, max(rows[day], size // EVENT_BYTES), text_hash(sorted(of)))
    return found


def split_days(
    days: Iterable[date], raw: Mapping[date, RawDay], most_events: float, most_days: int | None = None
) -> list[Chunk]:
    """Cut days into chunks of consecutive days, as few as possible.

    Args:
        days: in order; a chunk ends where one is missing.
        raw: events by day; a day that is not there has none.
        most_events: of a chunk. A single day may have more.
        most_days: days of a chunk, instead of ``most_events``.
    """
    chunks: list[Chunk] = []
    held = 0
    for day in days:
        events = raw[day].events if day in raw else 0
        if chunks and day == chunks[-1].last + timedelta(days=1):
            first = chunks[-1].first
            fits = (day - first).days < most_days if most_days else held + events <= most_events
            if fits:
                chunks[-1] = Chunk(first, day)
                held += events
                continue
        chunks.append(Chunk(day, day))
        held = events
    return chunks


def chunk_state(chunk: Chunk, raw: Mapping[date, RawDay]) -> str:
    """A hash of a chunk's raw partitions."""
    return text_hash([raw[day].state if day in raw else "" for day in chunk.days])


def text_hash(value: object) -> str:
    """A short hash of what JSON can write."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def begin_build(connection: duckdb.DuckDBPyConnection, build: Build, raw: Mapping[date, RawDay]) -> list[Chunk]:
    """The chunks that this build had finished when it was stopped.

    Records that no longer hold are deleted: of other models, of chunks whose raw partitions have changed, and, as a
    full refresh empties the tables, of all other builds before one.
    """
    connection.execute("delete from cache.dbt_chunks where models <> ?", [build.models])
    if build.full_refresh:
        connection.execute("delete from cache.dbt_chunks where build <> ?", [build.key])
    rows = connection.execute(
        "select first_day, last_day, raw from cache.dbt_chunks where build = ? order by first_day", [build.key]
    ).fetchall()
    finished = []
    for first, last, state in rows:
        chunk = Chunk(first, last)
        if state == chunk_state(chunk, raw):
            finished.append(chunk)
        else:
            connection.execute("delete from cache.dbt_chunks where build = ? and first_day = ?", [build.key, first])
    return finished


def chunk_done(connection: duckdb.DuckDBPyConnection, build: Build, chunk: Chunk, state: str) -> None:
    """Record a finished chunk, with the state of its raw partitions before the call that built it."""
    connection.execute("insert into cache.dbt_chunks values (?, ?, ?, ?, ?)", [build.models, build.key, *chunk, state])


def build_done(connection: duckdb.DuckDBPyConnection, build: Build) -> None:
    """Forget the chunks of a build: the next one for the same days builds them again."""
    connection.execute("delete from cache.dbt_chunks where build = ?", [build.key])


def days_begin(connection: duckdb.DuckDBPyConnection, models: Iterable[str], days: Iterable[date]) -> None:
    """Note, before a call, the days that it builds. For who holds the lock until the call has ended."""
    connection.execute(
        "insert into cache.dbt_days_begun select model, unnest(?::date[]) from (select unnest(?::varchar[]) as model)",
        [[*days], [*models]],
    )


def days_built(connection: duckdb.DuckDBPyConnection, models: Iterable[str], days: Iterable[date]) -> None:
    """Take off the note after a call."""
    connection.execute(
        """delete from cache.dbt_days_begun
        where list_contains(?::varchar[], model) and list_contains(?::date[], event_date)""",
        [[*models], [*days]],
    )


def days_left_begun(connection: duckdb.DuckDBPyConnection, models: Iterable[str] | None = None) -> list[date]:
    """The days that a stopped call may have left out of one of the models, or of any; in order."""
    of = None if models is None else [*models]
    found = connection.execute(
        """select distinct event_date from cache.dbt_days_begun
        where $1::varchar[] is null or list_contains($1::varchar[], model) order by all""",
        [of],
    )
    return [day for (day,) in found.fetchall()]


def forget_days_begun(connection: duckdb.DuckDBPyConnection, models: Iterable[str], first_kept: date | None) -> None:
    """Delete notes that no call can take off: of models that are not among these, and of days before the first kept."""
    connection.execute(
        "delete from cache.dbt_days_begun where not list_contains(?::varchar[], model) or event_date < ?",
        [[*models], first_kept],
    )


def day_ranges(days: Iterable[date]) -> str:
    """Days in words, in order: ``2026-01-05 to 2026-01-07, 2026-01-10``."""
    ranges = split_days(days, {}, 0)
    return ", ".join(f"{first} to {last}" if first != last else f"{first}" for first, last in ranges)
