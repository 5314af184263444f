"""Read the files of an export into canonical rows; what cannot be read is set aside with file, line and reason.

Each reader fills two tables of the given DuckDB connection: ``accepted`` (the canonical columns, with
``property_id`` and ``event_date``) and ``quarantine``. A row goes to exactly one of them. What an export holds beyond
the schema is kept in ``_unknown_fields``: a JSON object of path -> value, where a path through a list
(``items[].color``) has a list of values, one an element.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from itertools import islice

import duckdb

from beha2vec_core.ga4 import flat_csv, ndjson, parquet
from beha2vec_core.ga4.reading import UnreadableFileError, open_file
from beha2vec_core.ga4.schema import EVENT_SCHEMA, PROVENANCE_SCHEMA, duckdb_type
from beha2vec_core.ga4.source_files import SourceFile, on_this_machine
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote

_READERS = {"ndjson": ndjson.read, "csv": flat_csv.read, "parquet": parquet.read}

# Rows of one file whose text is kept in the quarantine, and how much of it; a little more is read, as what is cut in
# two could not be seen to be personal.
QUARANTINED_ROWS_SHOWN = 10_000
MAX_QUARANTINED_TEXT = 2_000
_READ_TEXT = 3_000
# when an event can have happened, in microseconds since 1970: from 2000 on, before 2100
FIRST_TIME, LAST_TIME = 946_684_800_000_000, 4_102_444_800_000_000
# rows of a file's beginning that show whether it is an export
_ROWS_JUDGED = 100


@dataclass
class FileReport:
    """What became of one file's rows: ``rows_in == accepted + quarantined + outside``, always.

    ``outside`` counts rows of days that were not asked for; only a file of many days has such.
    """

    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    outside: int = 0


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the two tables that the readers fill, as temporary ones: they need no log and no wait for the disk."""
    columns = ", ".join(f'"{name}" {duckdb_type(kind)}' for name, kind in (EVENT_SCHEMA | PROVENANCE_SCHEMA).items())
    connection.execute(f"create temp table accepted (property_id varchar, event_date date, {columns})")
    connection.execute(
        "create temp table quarantine (property_id varchar, event_date date, source_file varchar, source_line bigint,"
        " reason varchar, content varchar)"
    )


def require_readable(file: SourceFile) -> None:
    """Read the first rows of a file.

    Raises:
        UnreadableFileError: the file is not what its name says, lacks required columns, or has no event in them.
    """
    report = FileReport()
    with on_this_machine(file, rows=_ROWS_JUDGED) as here, limits.connect() as connection:
        create_tables(connection)
        for select, rows in islice(_READERS[here.format](connection, here), 1):
            first = f"select * from ({select}) limit {_ROWS_JUDGED}"
            _file_rows(connection, here, None, report, first, min(rows, _ROWS_JUDGED))
        if report.quarantined and not report.accepted:
            ((most,),) = connection.execute("select mode(reason) from quarantine").fetchall()
            raise UnreadableFileError(f"{file.name}: its rows are no events of GA4, most because: {most}")


def require_beginning(file: SourceFile) -> None:
    """Read the first bytes of a file of this machine, which finds files that are empty or cut short at once.

    Raises:
        UnreadableFileError: there are none.
        OSError: they cannot be decompressed.
    """
    with open_file(file.path) as stream:
        if not stream.read(4):
            raise UnreadableFileError(f"{file.name}: is empty")


def read_file(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, days: Collection[date] | None = None
) -> FileReport:
    """Read one file of this machine into ``accepted`` and ``quarantine``, of many days only ``days`` (None: all).

    Raises:
        UnreadableFileError: the file is cut short, not what its name says, or lacks required columns; rows read
            before that stay in the tables, so the caller decides (see `ingest`).
    """
    report = FileReport()
    try:
        for select, rows in _READERS[file.format](connection, file):
            _file_rows(connection, file, days, report, select, rows)
    except OSError as error:
        where = f"breaks off after row {report.rows_in:,}" if report.rows_in else "cannot be read"
        raise UnreadableFileError(
            f"{file.name}: {where} ({error}). It is cut short, still being written or not open to this user: "
            "export or copy it again"
        ) from error
    except (duckdb.Error, RuntimeError, UnicodeError) as error:  # the latter two where a damaged footer garbles names
        # only parquet is opened by DuckDB itself; a full disk or memory is not the file's fault
        if file.format != "parquet" or isinstance(error, duckdb.OutOfMemoryException) or "No space" in str(error):
            raise
        raise UnreadableFileError(f"{file.name}: not a readable parquet file: {error}") from error
    assert report.rows_in == report.accepted + report.quarantined + report.outside, f"{file.name}: {report}"
    return report


def _file_rows(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    days: Collection[date] | None,
    report: FileReport,
    select: str,
    rows: int,
) -> None:
    """Send the ``rows`` rows of ``select`` (see `reading`) to ``accepted`` or ``quarantine``."""
    day = f"date '{file.day}'" if file.day else "null::date"
    judged = f"""(
        select *, coalesce(
                try_strptime(event_date_text, '%Y%m%d'), try_strptime(event_date_text, '%Y-%m-%d')
            )::date as event_date,
            case
                when _reason is not null then _reason
                when event_date_text is null then 'event_date is missing'
                when event_date is null then 'event_date is not a date (YYYYMMDD)'
                when event_date <> {day} then 'event_date ' || event_date || ' is not the day of the file''s name'
                when event_timestamp is null then 'event_timestamp is missing or not a whole number of microseconds'
                when event_timestamp not between {FIRST_TIME} and {LAST_TIME}
                    then 'event_timestamp is not in microseconds since 1970'
                when coalesce(event_name, '') = '' then 'event_name is missing'
            end as verdict
        from ({select})
    )"""
    listed = ", ".join(f"date '{day}'" for day in sorted(days or ())) or "null::date"
    wanted = "true" if file.day or days is None else f"event_date in ({listed})"
    names = ", ".join(f'"{name}"' for name in EVENT_SCHEMA | PROVENANCE_SCHEMA)
    accepted = _count(
        connection,
        f"insert into accepted select {quote(file.property_id)}, event_date, {names} from {judged}"
        f" where verdict is null and {wanted}",
    )
    quarantined = outside = 0
    if accepted < rows:
        # the file's own day counts, not the day a row claims; rows of other days are ignored here
        content = f"left(_content, {_READ_TEXT})" if report.quarantined < QUARANTINED_ROWS_SHOWN else "null"
        quarantined = _count(
            connection,
            f"insert into quarantine select {quote(file.property_id)}, coalesce({day}, event_date), _source_file,"
            f" _source_line, verdict, {content} from {judged}"
            f" where verdict is not null and (event_date is null or {wanted})",
        )
        if wanted != "true":
            outside = _count(connection, f"select count(*) from {judged} where not coalesce({wanted}, true)")
    report.rows_in += rows
    report.accepted += accepted
    report.quarantined += quarantined
    report.outside += outside


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    ((number,),) = connection.execute(query).fetchall()
    return int(number)
