"""The graph of one project, run in this process without waiting; and whether two projects hold the same rows."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    import dagster as dg

REPOSITORY = Path(__file__).resolve().parents[2]
# the moment at which a row was written is its own
_MOMENTS = {"classified_at", "ingested_at", "fitted_at", "promoted_at"}
# what a run reads from files, and counts as it comes: a copied file counts twice there, and nowhere else
_NOT_COMPARED = {"ga4.ga4_quality__daily"}
_OURS = {
    "beha2vec.enriched_pages": "from beha2vec.enriched_pages",
    "beha2vec.user_embeddings": """
        select * exclude (sequence_hash) from beha2vec.user_embeddings
        semi join beha2vec.cluster_model_current using (model_version)""",
    "beha2vec.user_clusters": """
        from beha2vec.user_clusters semi join beha2vec.cluster_model_current using (cluster_model_version)""",
    "beha2vec.cluster_profiles": "from beha2vec.cluster_profiles",
    "beha2vec.cluster_transitions": "from beha2vec.cluster_transitions",
    "beha2vec.cluster_paths": "from beha2vec.cluster_paths",
    "beha2vec.buying_paths": "from beha2vec.buying_paths",
    "beha2vec.highlights": "from beha2vec.highlights",
}


def enter(folder: Path, **settings: str) -> None:
    """Make a folder the project of this process. To be called before a `Graph` is made."""
    home = folder / "dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / "beha2vec_dagster" / "instance" / "dagster.yaml", home)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("BEHA2VEC_", "DAGSTER_", "OPENAI_"))]:
        del os.environ[name]
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ |= {f"BEHA2VEC_{name.upper()}": value for name, value in settings.items()}


class Graph:
    """The jobs and the sensor of the project entered; what its runs print goes to a log.

    Args:
        without: assets that its runs leave out.
    """

    def __init__(self, instance: dg.DagsterInstance, log: TextIO, without: Collection[str] = ()) -> None:
        from beha2vec_dagster.definitions import defs

        self._defs, self._instance, self._log, self._without = defs(), instance, log, without
        self._cursor: str | None = None

    def ask_sensor(self) -> dict[str, str] | None:
        """What `new_exports` asks for now: the tags of a run, or nothing."""
        import dagster as dg

        sensor = self._defs.resolve_sensor_def("new_exports")
        result = sensor(dg.build_sensor_context(self._instance, cursor=self._cursor))
        if not isinstance(result, dg.SensorResult):
            return None
        self._cursor = result.cursor
        for request in result.run_requests or []:
            return dict(request.tags) | {"dagster/sensor_name": "new_exports"}
        return None

    def ask_schedule(self, name: str, tick: datetime) -> dg.RunRequest:
        """The run that a schedule asks for at a moment."""
        import dagster as dg

        schedule = self._defs.resolve_schedule_def(name)
        (request,) = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=tick)).run_requests or []
        return request

    def run(self, job: str, tags: dict[str, str], config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
        """A run of a job, in this process."""
        found = self._defs.resolve_job_def(job)
        selected = [key for key in found.asset_layer.executable_asset_keys if key.path[-1] not in self._without]
        with redirect_stdout(self._log), redirect_stderr(self._log):
            return found.execute_in_process(
                instance=self._instance,
                asset_selection=selected if self._without else None,
                tags=tags,
                run_config={"loggers": {"console": {}}} | (config or {}),
                raise_on_error=False,
            )


def embedded(result: dg.ExecuteInProcessResult) -> int | None:
    """How many users a run has embedded; nothing where it did not come so far."""
    told = [m for m in result.asset_materializations_for_node("user_embeddings") if "embedded" in m.metadata]
    return sum(int(m.metadata["embedded"].value) for m in told if "model_version" in m.metadata) if told else None


def seconds_by_step(told: str) -> dict[str, float]:
    """How long each step took, from what `beha2vec materialize` printed."""
    found = re.findall(r'^.*? (\w+): Finished execution of step "\w+" in (.+)\.$', told, re.MULTILINE)
    return {step: _seconds(duration) for step, duration in found}


def _seconds(duration: str) -> float:
    """Dagster's durations: ``351ms``, ``4.2s``, ``1m3s``."""
    number = {unit: float(n) for n, unit in re.findall(r"([\d.]+)(ms|s|m)", duration)}
    return number.get("m", 0) * 60 + number.get("s", 0) + number.get("ms", 0) / 1000


def sequences(data: Path, first: date, last: date) -> dict[tuple[str, str], str]:
    """A digest of each sequence, by day and user."""
    if not any((data / "user_sequences").glob("*/*.parquet")):
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""select event_date::varchar, user_key, md5(told::varchar)
            from read_parquet('{data}/user_sequences/*/*.parquet', hive_partitioning = true) as told
            where event_date between ? and ?""",
            [first, last],
        ).fetchall()
    return {(day, user): digest for day, user, digest in rows}


@contextmanager
def read(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a project, to be read."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def differences(data: Path, clean: Path) -> list[str]:
    """What the results of two projects do not have in common: ids and counts exactly, figures and vectors to 1e-5."""
    tables = _tables(data)
    found = [f"{name}: only in one of the two" for name in tables.keys() ^ _tables(clean).keys()]
    with read(data) as one, read(clean) as other:
        for name, query in sorted(tables.items()):
            if not _are_equal(one.sql(query).to_arrow_table(), other.sql(query).to_arrow_table()):
                found += _compare(name, one.sql(query).df(), other.sql(query).df())
    days = {path.parent.name for path in (data / "user_sequences").glob("*/*.parquet")}
    for day in sorted(days | {path.parent.name for path in (clean / "user_sequences").glob("*/*.parquet")}):
        files = [folder / "user_sequences" / day / "sequences.parquet" for folder in (data, clean)]
        rows = [duckdb.sql(f"from read_parquet('{file}')").fetchall() if file.exists() else None for file in files]
        if rows[0] != rows[1]:
            found.append(f"user_sequences of {day} differ")
    return found


def _tables(data: Path) -> dict[str, str]:
    with read(data) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'ga4' order by 1"
        ).fetchall()
    dbt = {f"ga4.{name}": f"from ga4.{name}" for (name,) in names}
    return {name: query for name, query in (dbt | _OURS).items() if name not in _NOT_COMPARED}


def _are_equal(one: pa.Table, other: pa.Table) -> bool:
    """Whether two results have the same rows to the bit, which takes DuckDB a hundredth of the time of `_compare`."""
    if len(one) != len(other) or one.column_names != other.column_names:
        return False
    columns = [column for column in one.column_names if column not in _MOMENTS]
    one, other = one.select(columns), other.select(columns)
    return not duckdb.sql("from (from one except all from other) limit 1").fetchall()


def _compare(name: str, one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    if len(one) != len(other):
        return [f"{name}: {len(one):,} rows and {len(other):,}"]
    if list(one) != list(other):
        return [f"{name}: columns {list(one)} and {list(other)}"]
    columns = [column for column in one if column not in _MOMENTS]
    one, other = _sorted(one[columns]), _sorted(other[columns])
    return [f"{name}.{column} differs" for column in columns if not _alike(one[column], other[column])]


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """By everything that is exact; figures come last, rounded."""
    exact = [column for column in frame if not _is_figure(frame[column])]
    keys = pd.DataFrame({column: frame[column].map(_text) for column in exact})
    for column in frame.columns.difference(exact):
        if frame[column].dtype.kind == "f":
            keys[column] = frame[column].round(4).map(_text)
    return frame.loc[keys.sort_values(list(keys)).index].reset_index(drop=True)


def _text(value: object) -> str:
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _is_figure(column: pd.Series) -> bool:
    if column.dtype.kind == "f":
        return True
    given = column.dropna()
    return len(given) > 0 and isinstance(given.iloc[0], np.ndarray) and given.iloc[0].dtype.kind == "f"


def _alike(one: pd.Series, other: pd.Series) -> bool:
    if not (_is_figure(one) and _is_figure(other)):
        return one.map(_text).equals(other.map(_text))
    if one.dtype.kind == "f":
        # in bfloat16 a text's vector, and how sure its theme is, depends a little on the texts beside it
        tolerance = 5e-3 if str(one.name).endswith("_confidence") else 1e-5
        return bool(np.allclose(one, other, rtol=1e-6, atol=tolerance, equal_nan=True))
    return bool(np.allclose(np.stack(one.tolist()), np.stack(other.tolist()), rtol=0, atol=1e-5))
