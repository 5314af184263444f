"""The dbt project: its manifest, its variables, and dbt as a process with the environment that its profile reads."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from filelock import FileLock
from joblib import cpu_count

import beha2vec_dagster
from beha2vec_core import dbt_process
from beha2vec_core.bigquery.models import dbt_environment, user_tables
from beha2vec_core.estimate import memory_bytes
from beha2vec_core.settings import ExportSettings
from beha2vec_core.settings.groups import Storage

PROJECT_DIR = Path(beha2vec_dagster.__file__).parent.parent / "dbt_ga4"
SCHEMA = "ga4"
# Each thread keeps groups of its own: with 512 MB, int_ga4__sessions of 220,000 events a day fits with one thread only.
_THREAD_BYTES = 450 * 10**6


@cache
def dbt_project() -> DbtProject:
    """The dbt project, with a manifest as new as its files. Its profile reads the environment (see `environment`)."""
    project = DbtProject(project_dir=PROJECT_DIR, profiles_dir=PROJECT_DIR)
    newest = max(p.stat().st_mtime for p in project_files())
    project.manifest_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(project.manifest_path) + ".lock"):  # one process at a time
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            # as dagster-dbt's preparer does, which calls dbt once more for its version, and looks for packages
            _process().cli(["parse", "--quiet"], target_path=project.target_path).wait()
    return project


def project_files() -> list[Path]:
    """The files that the models are made of."""
    files = sorted(path for path in PROJECT_DIR.rglob("*") if path.suffix in (".sql", ".yml", ".csv"))
    return [path for path in files if "target" not in path.relative_to(PROJECT_DIR).parts]


@contextmanager
def environment(settings: ExportSettings, **more: str) -> Iterator[None]:
    """What dbt reads from the environment: its profile the data folder, dagster-dbt where `dbt` is, and more."""
    names = (
        more
        | (dbt_environment(settings) if in_bigquery(settings) else {})
        | {
            "BEHA2VEC_DATA_DIR": str(settings.storage.data_dir),
            "BEHA2VEC_MEMORY_LIMIT": settings.storage.memory_limit,
            "BEHA2VEC_THREADS": _threads(settings.storage),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
    )
    before = {name: os.environ.get(name) for name in names}
    os.environ |= names
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _threads(storage: Storage) -> str:
    """The threads of dbt's DuckDB, no more than the memory limit is enough for; empty: as many as the machine has."""
    enough = max(1, int(memory_bytes(storage.memory_limit) // _THREAD_BYTES))
    if storage.threads or enough < cpu_count():
        return str(min(storage.threads or enough, enough))
    return ""


class _DbtProcess(DbtCliResource):
    """dbt as a process alone: its adapter here too, for what dagster-dbt can fetch, would cost two seconds a call."""

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        return None


def dbt_resource(settings: ExportSettings) -> DbtCliResource:
    """dbt on our project, as a process that ends with its run."""
    with environment(settings):
        dbt_project()  # its manifest is as new as its files
        return _process()


def _process() -> DbtCliResource:
    folder = str(PROJECT_DIR)
    return _DbtProcess(project_dir=folder, profiles_dir=folder, dbt_executable=str(dbt_process.EXECUTABLE))


def in_bigquery(settings: ExportSettings) -> bool:
    """Whether the models are built in BigQuery."""
    return settings.storage.warehouse == "bigquery"


class _Translator(DagsterDbtTranslator):
    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "dbt_ga4"


TRANSLATOR = _Translator(
    settings=DagsterDbtTranslatorSettings(
        enable_asset_checks=True, enable_source_tests_as_checks=False, enable_code_references=True
    )
)


def variables(settings: ExportSettings) -> dict[str, object]:
    """The variables of the models that are settings of ours."""
    found: dict[str, object] = {
        "timezone": settings.export.timezone,
        "property_timezones": settings.export.property_timezones,
        "predicted_events": settings.predictions.events,
    }
    return found | ({"read_user_tables": user_tables(settings)} if in_bigquery(settings) else {})


@cache
def manifest() -> dict[str, Any]:
    """The manifest that dbt wrote of the project."""
    found: dict[str, Any] = json.loads(dbt_project().manifest_path.read_text())
    return found


def dbt_node(name: str) -> dict[str, Any]:
    """A model or seed in the manifest."""
    nodes = manifest()["nodes"]
    node: dict[str, Any] = nodes.get(f"model.dbt_ga4.{name}") or nodes[f"seed.dbt_ga4.{name}"]
    return node


def dbt_descriptions() -> dict[str, dict[str, str]]:
    """What dbt says of the columns of each of its tables, as ga4.<model>."""
    nodes = [n for n in manifest()["nodes"].values() if n["resource_type"] in ("model", "seed")]
    return {f"{SCHEMA}.{node['name']}": column_descriptions(node) for node in nodes}


def column_descriptions(node: dict[str, Any]) -> dict[str, str]:
    """The description of each column of a model or seed."""
    return {name: column["description"] for name, column in node["columns"].items()}
