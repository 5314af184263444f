"""Results go to BigQuery, next to the models: loaded, and merged into the same data set."""

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from beha2vec_core.ga4.bigquery import DataSet
from beha2vec_core.store.sql import quote
from beha2vec_core.store.warehouse import transaction

# results with a row for each user and day, replaced by day, and those that are replaced whole
_DAILY = ("user_embeddings", "user_clusters", "user_predictions", "audience_members")
_WHOLE = (
    "enriched_pages",
    "encoders",
    "encoder_evaluation",
    "cluster_models",
    "cluster_members",
    "cluster_profiles",
    "cluster_transitions",
    "cluster_paths",
    "cluster_insights",
    "highlights",
    "prediction_models",
    "prediction_evaluation",
)
SEQUENCES = "user_sequences"


def write_results(connection: duckdb.DuckDBPyConnection, data_set: DataSet, sequences_path: Path) -> dict[str, int]:
    """Write our results to BigQuery, next to the models: days that changed by load job and MERGE, others as a whole.

    Which days changed shows in what was noted of each day when it was written last (`cache.written_to_bigquery`). So a
    new encoder, a rollback or a day that was deleted here reaches BigQuery too.

    Args:
        sequences_path: the folder of the user sequences.

    Returns:
        The rows written, by table.

    Raises:
        SourceNotReachedError: BigQuery does not take them; tables before it are written.
    """
    written: dict[str, int] = {}
    with data_set.asked():
        there = {table.table_id for table in data_set.client.list_tables(str(data_set))}
    for name in _DAILY:
        table = f"beha2vec.{name}"
        states = connection.execute(
            f"select event_date, count(*) || ' ' || sum(hash(one)) from {table} as one group by event_date"
        ).fetchall()
        written[name] = _write_days(connection, data_set, name, f"select * from {table}", dict(states), name in there)
    files = {
        date.fromisoformat(file.parent.name.partition("=")[2]): file.stat()
        for file in sequences_path.glob("event_date=*/sequences.parquet")
    }
    if files:
        read = f"read_parquet({quote(f'{sequences_path}/event_date=*/sequences.parquet')}, hive_partitioning = true"
        select = f"select * from {read}, hive_types = {{event_date: date}})"
        changed = {day: f"{file.st_size} {file.st_mtime_ns}" for day, file in files.items()}
        written[SEQUENCES] = _write_days(connection, data_set, SEQUENCES, select, changed, SEQUENCES in there)
    for name in _WHOLE:
        written[name] = _write(connection, data_set, name, f"select * from beha2vec.{name}")
    return written


def _write_days(
    connection: duckdb.DuckDBPyConnection,
    data_set: DataSet,
    name: str,
    select: str,
    states: Mapping[date, str],
    there: bool,
) -> int:
    """Replace the days whose state is not the one that was noted, and note it; all days if the table is not there."""
    which = "data_set = ? and table_name = ?"
    noted = dict(
        connection.execute(
            f"select event_date, state from cache.written_to_bigquery where {which}", [str(data_set), name]
        ).fetchall()
    )
    changed = sorted(day for day in {*states, *noted} if states.get(day) != noted.get(day))
    if there and not changed:
        return 0
    listed = ", ".join(f"date '{day}'" for day in changed)
    of_days = f"event_date in ({listed})" if there and noted else "true"
    rows = _write(connection, data_set, name, f"{select} where {of_days}", of_days)
    with transaction(connection):
        connection.execute(f"delete from cache.written_to_bigquery where {which}", [str(data_set), name])
        for day, state in states.items():
            connection.execute(
                "insert into cache.written_to_bigquery values (?, ?, ?, ?)", [str(data_set), name, day, state]
            )
    return rows


def _write(
    connection: duckdb.DuckDBPyConnection, data_set: DataSet, name: str, select: str, of_days: str | None = None
) -> int:
    """Replace the rows of some days, or the table."""
    with tempfile.TemporaryDirectory(prefix="results-") as folder:
        file = Path(folder) / f"{name}.parquet"
        described = connection.execute(f"describe {select}").fetchall()
        # BigQuery has neither a type for numbers above its INT64, nor does it read DuckDB's JSON as text
        as_text = [column for column, kind, *_ in described if kind in ("UBIGINT", "JSON")]
        replaced = ", ".join(f'"{column}"::varchar as "{column}"' for column in as_text)
        rows = f"select * {f'replace ({replaced})' if replaced else ''} from ({select})"
        ((count,),) = connection.execute(f"copy ({rows}) to {quote(file)} (format parquet)").fetchall()
        with data_set.asked():
            if of_days is None:
                data_set.load(file, name)
            else:
                _merge(data_set, file, name, [column for column, *_ in described], of_days)
    return int(count)


def _merge(data_set: DataSet, file: Path, name: str, columns: list[str], of_days: str) -> None:
    staged = f"{name}__loaded"
    data_set.load(file, staged)
    names = ", ".join(f"`{column}`" for column in columns)
    values = ", ".join(f"loaded.`{column}`" for column in columns)
    partitioned = "partition by event_date " if "event_date" in columns else ""
    there = of_days.replace("event_date", "kept.event_date")
    for sql in (
        f"create table if not exists `{data_set}.{name}` {partitioned}as select * from `{data_set}.{staged}` limit 0",
        f"merge into `{data_set}.{name}` as kept using `{data_set}.{staged}` as loaded on false "
        f"when not matched by source and {there} then delete when not matched then insert ({names}) values ({values})",
    ):
        data_set.query(sql).result()
    data_set.client.delete_table(f"{data_set}.{staged}", not_found_ok=True)
