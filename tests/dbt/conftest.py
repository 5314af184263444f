"""A dbt project on a folder of raw partitions that a test writes."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.ga4.schema import EVENT_SCHEMA, PROVENANCE_SCHEMA, duckdb_type

PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
INCREMENTAL_MODELS = (
    "base_ga4__events",
    "stg_ga4__events",
    "stg_ga4__event_items",
    "stg_ga4__user_properties",
    "ga4_quality__daily",
    "int_ga4__events_sessionized",
    "int_ga4__client_days",
    "int_ga4__page_views",
    "int_ga4__sessions",
    "int_ga4__session_traffic_sources",
    "int_ga4__sequence_events",
)
# incremental, too, but without a window: read from all history at the first run
BUILT_AT_FULL_REFRESH = ("base_ga4__own_hosts", "base_ga4__url_templates")
RAW_SCHEMA = {**EVENT_SCHEMA, **PROVENANCE_SCHEMA}


def event(event_timestamp: int, event_name: str, user: str | None, **fields: Any) -> dict[str, Any]:
    """A raw event; ``params`` names parameters whose values go where GA4 puts text and whole numbers."""
    params = [
        {"key": key, "value": {"int_value" if isinstance(value, int) else "string_value": value}}
        for key, value in fields.pop("params", {}).items()
    ]
    return {
        "event_timestamp": event_timestamp,
        "event_name": event_name,
        "user_pseudo_id": user,
        "event_params": params,
        **fields,
    }


class Warehouse:
    """Raw partitions, dbt in this process, and the tables it built."""

    def __init__(self, data_dir: Path, target: Path, logs: Path) -> None:
        self.data_dir = data_dir
        self.target = target
        self._places = {
            "BEHA2VEC_DATA_DIR": str(data_dir), "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(logs)
        }  # fmt: skip
        self._manifest: Any = None
        with pytest.MonkeyPatch.context() as patch:
            for name in ("GA4_MIN_DATE", "GA4_MAX_DATE"):
                patch.delenv(name, raising=False)
            self._manifest = self._called(["parse", *_flags()]).result

    def clear(self) -> None:
        """Remove all raw partitions and all models; the seeds stay."""
        shutil.rmtree(self.data_dir / "raw_ga4_events", ignore_errors=True)
        models = self.models()
        with self._opened() as connection:
            found = connection.execute(
                "select if(table_type = 'VIEW', 'view', 'table') as kind, table_name from information_schema.tables"
                " where table_schema = 'ga4' order by kind desc"
            ).fetchall()
            for kind, name in found:
                if name in models:
                    connection.execute(f"drop {kind} ga4.{name}")

    def write_day(self, day: str, events: Iterable[dict[str, Any]], property_id: str = "p") -> None:
        """Write one raw partition in the canonical schema, as ingest does; no events make an empty file."""
        path = self._partition(day, property_id) / "events.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = self.data_dir / "rows.json"
        rows.write_text(json.dumps(list(events)))
        columns = ", ".join(f"'{name}': '{duckdb_type(field)}'" for name, field in RAW_SCHEMA.items())
        duckdb.execute(f"copy (from read_json('{rows}', format = 'array', columns = {{{columns}}})) to '{path}'")

    def remove_day(self, day: str, property_id: str = "p") -> None:
        """Remove one raw partition."""
        shutil.rmtree(self._partition(day, property_id))

    def dbt(self, *arguments: str, **variables: Any) -> list[Any]:
        """Run dbt and return its results, one a node; RuntimeError says what failed."""
        asked = [*arguments, *_flags(), "--vars", json.dumps(variables)]
        gc.disable()  # looking for garbage in the manifest takes a seventh
        try:
            outcome = self._called(asked)
        finally:
            gc.enable()
        results = list(getattr(outcome.result, "results", []))
        failures = [f"{result.node.name}: {result.message}" for result in results if str(result.status) not in GOOD]
        if not outcome.success:
            raise RuntimeError("\n".join(failures) or str(outcome.exception))
        return results

    def _called(self, arguments: list[str]) -> Any:
        """What dbt gives. The environment is as before after it: tests of other folders run in the same process."""
        from dbt.cli.main import dbtRunner
        from dbt_common.behavior_flags import BehaviorFlagRendered

        with pytest.MonkeyPatch.context() as patch:
            # for each flag dbt searches all imported modules, to name one in a message: half the run time here
            patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt.adapters.duckdb.impl"))
            for name, place in self._places.items():
                patch.setenv(name, place)
            return dbtRunner(manifest=self._manifest).invoke(arguments)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with self._opened() as connection:
            return connection.execute(sql).fetchall()

    def rows(self, models: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of each model, in one fixed order; sums of fractions up to the order in which they were added."""
        found = {}
        with self._opened() as connection:
            for model in models:
                types = connection.execute(f"select column_name, column_type from (describe ga4.{model})").fetchall()
                rounded = ", ".join(f"round({name}, 6) as {name}" for name, kind in types if kind == "DOUBLE")
                replaced = f"replace ({rounded})" if rounded else ""
                found[model] = connection.execute(f"select * {replaced} from ga4.{model} order by all").fetchall()
        return found

    def models(self) -> list[str]:
        """All models of the project."""
        return [node.name for node in self._manifest.nodes.values() if str(node.resource_type) == "model"]

    def all_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of every model."""
        return self.rows(self.models())

    def _opened(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.data_dir / "warehouse.duckdb"))

    def _partition(self, day: str, property_id: str) -> Path:
        return self.data_dir / "raw_ga4_events" / f"property_id={property_id}" / f"event_date={day}"


GOOD = ("success", "pass", "warn")


def _flags() -> list[str]:
    # a call without JSON artifacts and log file, which no test reads, takes a seventh less
    quiet = ["--quiet", "--no-write-json", "--log-level-file", "none"]
    return [*quiet, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]


@pytest.fixture(scope="session")
def _shared_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One folder and one parse of the project for all tests: a parse takes seconds."""
    warehouse = Warehouse(*map(tmp_path_factory.mktemp, ("data", "target", "logs")))
    warehouse.dbt("seed")
    return warehouse


@pytest.fixture
def warehouse(_shared_warehouse: Warehouse) -> Warehouse:
    """An empty warehouse."""
    _shared_warehouse.clear()
    return _shared_warehouse


@pytest.fixture(scope="session")
def manifest(_shared_warehouse: Warehouse) -> Any:
    """The parsed project."""
    return _shared_warehouse._manifest
