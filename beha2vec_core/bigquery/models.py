"""What dbt built in BigQuery comes to the local warehouse.

The tables that Python reads are copied here, of the days that changed, as Arrow by the Storage Read API; views are made
again here, as they have no rows. Whole partitions are replaced, so doing it again changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from beha2vec_core.ga4.bigquery import DataSet, find_tables
from beha2vec_core.ga4.report import IngestError, IngestReport
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import ExportSettings, Settings, SettingsError
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote
from beha2vec_core.store.warehouse import transaction
from beha2vec_core.words import counted

# what dbt's other models are made of, and nothing else reads: the largest tables
NOT_COPIED = ("base_ga4__events", "stg_ga4__events", "int_ga4__events_sessionized")


def target_of(settings: Settings) -> DataSet:
    """The data set of the models and results."""
    source = DataSet.of(str(settings.export.source))
    ours = settings.bigquery
    return replace(source, project=ours.project or source.payer, name=ours.dataset, maximum_bytes=ours.maximum_bytes)


def dbt_environment(settings: ExportSettings) -> dict[str, str]:
    """The variables that dbt's profile and macros read, see docs/bigquery.md."""
    source, target = DataSet.of(settings.export.source), target_of(settings)
    given = {"BIGQUERY_EMULATOR_HOST": source.endpoint, "BEHA2VEC_BIGQUERY_LABELS": settings.bigquery.labels}
    return {
        "GA4_BIGQUERY_PROJECT": source.project,
        "GA4_BIGQUERY_DATASET": source.name,
        "BEHA2VEC_BIGQUERY_PROJECT": target.project,
        "BEHA2VEC_BIGQUERY_DATASET": target.name,
        "BEHA2VEC_BIGQUERY_LOCATION": settings.bigquery.location,
        "BEHA2VEC_BIGQUERY_MAXIMUM_BYTES": str(settings.bigquery.maximum_bytes),
    } | {name: value for name, value in given.items() if value}


def require_one_warehouse(settings: Settings) -> None:
    """Refuse a data folder that was used with the other warehouse: two histories would mix, forgotten people come back.

    Raises:
        SettingsError: with the remedy.
    """
    storage = settings.storage
    if storage.warehouse != "bigquery":
        if _mark(storage).exists():
            raise SettingsError(
                f"{storage.data_dir} was used with BEHA2VEC_WAREHOUSE=bigquery, and has no raw events. Use a new "
                "BEHA2VEC_DATA_DIR, or set BEHA2VEC_WAREHOUSE back to bigquery"
            )
        return
    used = None
    # those of a folder of BigQuery's were forgotten there too
    if Forgotten(storage.data_dir).hashes() and not _mark(storage).exists():
        used = "people that were forgotten, whom BigQuery still has. Delete them there first, and use"
    elif any(storage.raw_path.glob("property_id=*/event_date=*/*.parquet")):
        used = "raw events of BEHA2VEC_WAREHOUSE=duckdb. Use"
    if used:
        raise SettingsError(f"{storage.data_dir} has {used} a new BEHA2VEC_DATA_DIR (docs/bigquery.md)")


def mark_folder(storage: Storage) -> None:
    """Note that a data folder belongs to models in BigQuery."""
    storage.data_dir.mkdir(parents=True, exist_ok=True)
    _mark(storage).touch()


def _mark(storage: Storage) -> Path:
    return storage.data_dir / "models_in_bigquery"


def require_tables(connection: duckdb.DuckDBPyConnection, report: IngestReport) -> None:
    """Refuse to build days again whose tables are gone, which would delete what was made of them.

    Args:
        connection: the warehouse, whose ingest log has what earlier runs found.
        report: what is there now.

    Raises:
        IngestError: with the days.
    """
    missing = sorted({day.event_date for day in report.days if day.status == "missing"})
    gone = [
        day
        for (day,) in connection.execute(
            """select distinct event_date from raw.ga4_ingest_log
            where status = 'ingested' and list_contains(?::date[], event_date) order by event_date""",
            [missing],
        ).fetchall()
    ]
    if gone:
        raise IngestError(
            f"BigQuery has no table any more of {counted(len(gone), 'day')} from {gone[0]} to {gone[-1]}, which an "
            "earlier run read (do tables expire?). Ask for a range without these days, so that what was made of them "
            "stays"
        )


def user_tables(settings: ExportSettings) -> list[str]:
    """Which of GA4's tables of users the export has, as the variable ``read_user_tables`` names them.

    Raises:
        SourceNotReachedError: the data set cannot be asked.
    """
    found = {table.prefix for table in find_tables(settings.export.source)}
    return sorted(f"{prefix}*" for prefix in found - {"events_"})


class Fetched(NamedTuple):
    """A table of dbt's models that has come, and is not in the warehouse yet."""

    model: str
    file: Path  # its rows, as parquet
    replaces: str = ""  # SQL of the rows of the warehouse's table that these replace; empty: all


def tables_here(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The tables of dbt's models that the warehouse has."""
    found = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'ga4' and database_name = current_database()"
    ).fetchall()
    return frozenset(name for (name,) in found)


def rewritten_rows(window: Mapping[str, Any], days: tuple[date, date]) -> str:
    """SQL: the rows that a run of these days rewrites in an incremental model.

    Args:
        window: the model's ``meta.window``: column, days before and after that its runs rewrite.
    """
    first = days[0] - timedelta(days=int(window["days_before"]))
    last = days[1] + timedelta(days=int(window["days_after"]))
    return f"{window['column']} between '{first}' and '{last}'"


def fetch_table(
    data_set: DataSet, model: str, folder: Path, replaces: str = "", *, is_view: bool = False
) -> tuple[Fetched, int]:
    """Fetch a table of dbt's models to a file, without the warehouse, which others need meanwhile; and its rows.

    Args:
        replaces: SQL of the rows that are wanted; empty: all.
        is_view: a view has no rows of its own: a query reads it.

    Raises:
        SourceNotReachedError: BigQuery does not give it.
    """
    file = folder / f"{model}.parquet"
    with data_set.asked(), limits.connect() as connection:
        schema, batches = data_set.read_view(model) if is_view else data_set.read(model, condition=replaces)
        broken: list[Exception] = []
        reader = pa.RecordBatchReader.from_batches(schema, _noting(batches, broken))
        # a TIMESTAMP of BigQuery is a moment; ours are in UTC, without a zone
        moments = [one.name for one in schema if pa.types.is_timestamp(one.type) and one.type.tz]
        replaced = ", ".join(f'"{name}" at time zone \'UTC\' as "{name}"' for name in moments)
        connection.register("read_here", reader)
        select = f"select * {f'replace ({replaced})' if replaced else ''} from read_here"
        try:
            ((rows,),) = connection.execute(f"copy ({select}) to {quote(file)} (format parquet)").fetchall()
        except duckdb.Error:
            if broken:  # DuckDB's error has its whole text, with the names of accounts
                raise broken[0] from None
            raise
    return Fetched(model, file, replaces), int(rows)


def put_table(connection: duckdb.DuckDBPyConnection, fetched: Fetched) -> None:
    """Put a table that was fetched into the warehouse, and delete its file."""
    table, rows = f'ga4."{fetched.model}"', f"from read_parquet({quote(fetched.file)})"
    connection.execute("create schema if not exists ga4")
    with transaction(connection):
        if fetched.replaces:
            connection.execute(f"delete from {table} where {fetched.replaces}")
            connection.execute(f"insert into {table} by name {rows}")
        else:
            if fetched.model not in tables_here(connection):  # a view, while DuckDB was the warehouse
                connection.execute(f"drop view if exists {table}")
            connection.execute(f"create or replace table {table} as {rows}")
    fetched.file.unlink()


def require_nobody_back(connection: duckdb.DuckDBPyConnection, data_dir: Path) -> None:
    """Refuse to go on with forgotten people whom GA4 has written to the export again.

    Raises:
        PrivacyError: with the remedy.
    """
    forgotten = Forgotten(data_dir)
    hashes = forgotten.hashes()
    columns = connection.execute(
        """select table_name, column_name from duckdb_columns() where database_name = current_database()
        and schema_name = 'ga4' and column_name in ('user_pseudo_id', 'user_id')"""
    ).fetchall()
    if not hashes or not columns:
        return
    ids = connection.execute(" union ".join(f'select "{column}" from ga4."{table}"' for table, column in columns))
    back = forgotten.those_of((one for (one,) in ids.fetchall() if one is not None), hashes)
    if back:
        raise PrivacyError(
            f"GA4's export in BigQuery has forgotten people again ({counted(len(back), 'identifier')}). Run beha2vec "
            "forget --again, which says how to remove them there"
        )


def _noting(batches: Iterator[pa.RecordBatch], broken: list[Exception]) -> Iterator[pa.RecordBatch]:
    """The batches; what breaks them is noted too, as DuckDB keeps only its text."""
    try:
        yield from batches
    except Exception as error:
        broken.append(error)
        raise
