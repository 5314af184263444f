"""The dbt models: the incremental ones a day (or a range of days) at a time, then the tables."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets
from filelock import FileLock
from pydantic import Field

import beha2vec_dagster
from beha2vec_core import dbt_process
from beha2vec_core.settings import ExportSettings, Settings
from beha2vec_core.store.tables import full_refresh_done, pending_full_refresh
from beha2vec_dagster.lib.console import brief_dbt
from beha2vec_dagster.lib.lineage import column_lineage
from beha2vec_dagster.lib.metadata import relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, range_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource

_PROJECT_DIR = Path(beha2vec_dagster.__file__).parent.parent / "dbt_ga4"
# with the seeds, small tables of facts that the incremental models read
_INCREMENTAL = "config.materialized:incremental config.materialized:seed"
_SCHEMA = "ga4"


@cache
def _project() -> DbtProject:
    """The dbt project, with a manifest as new as its files. Its profile reads the environment (see `_environment`)."""
    project = DbtProject(project_dir=_PROJECT_DIR, profiles_dir=_PROJECT_DIR)
    inputs = [p for p in _PROJECT_DIR.rglob("*") if p.suffix in (".sql", ".yml", ".csv")]
    inputs = [path for path in inputs if "target" not in path.relative_to(_PROJECT_DIR).parts]
    newest = max(p.stat().st_mtime for p in inputs)
    project.manifest_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(project.manifest_path) + ".lock"):  # one process at a time
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            project.preparer.prepare(project)
    return project


@contextmanager
def _environment(settings: Settings, **more: str) -> Iterator[None]:
    """What dbt reads from the environment: its profile the data folder, dagster-dbt where `dbt` is, and more."""
    names = more | {
        "BEHA2VEC_DATA_DIR": str(settings.storage.data_dir),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
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


def dbt_resource(settings: Settings) -> DbtCliResource:
    """dbt on our project, as a process that ends with its run."""
    with _environment(settings):
        _project()  # its manifest is as new as its files
        folder = str(_PROJECT_DIR)
        return DbtCliResource(project_dir=folder, profiles_dir=folder, dbt_executable=str(dbt_process.EXECUTABLE))


class _Translator(DagsterDbtTranslator):
    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "dbt_ga4"


_translator = _Translator(
    settings=DagsterDbtTranslatorSettings(
        enable_asset_checks=True, enable_source_tests_as_checks=False, enable_code_references=True
    )
)


class IncrementalModelsConfig(dg.Config):
    """How the incremental models are built."""

    full_refresh: bool = Field(
        default=False,
        description="Rebuild them from scratch, for all days: after a change of the models or their variables, "
        "or when a property has left the export.",
    )


def _dbt_build(
    context: dg.AssetExecutionContext,
    settings: ExportSettings,
    dbt: DbtCliResource,
    warehouse: WarehouseResource,
    *,
    full_refresh: bool = False,
) -> Iterator[Any]:
    """Run ``dbt build`` under the warehouse's lock, then report the tables it built.

    Tables that were built before a failure are reported too. Unit tests are for the developer (`make test`).
    """
    # buildable: a test that also reads a model which neither was selected nor comes before does not apply here
    arguments = ["build", "--exclude-resource-type", "unit_test", "--indirect-selection", "buildable"]
    # the output of a step goes to a file; dbt's own files of the whole project and of results, which nobody reads, take
    # a seventh of a call
    arguments += ["--no-use-colors", "--no-write-json"]
    given = {
        "timezone": settings.export.timezone,
        "property_timezones": settings.export.property_timezones,
        "predicted_events": settings.predictions.events,
    }
    arguments += ["--vars", json.dumps(given)]
    arguments += ["--full-refresh"] if full_refresh else []
    events: list[Any] = []
    # one folder, not one a run as is the default, which a year of nights would fill with gigabytes; the lock guards it
    target_path = settings.storage.data_dir / "dbt_target"
    try:
        with warehouse.exclusive(f"dbt build ({context.op_execution_context.op.name})"), brief_dbt():
            with _environment(settings, **_window(context)):
                started = dbt.cli(arguments, context=context, target_path=target_path)
            for event in started.stream():
                events.append(event)
    finally:
        built = [key for key in context.selected_asset_keys if _was_built(key, events)]
        with warehouse.connect("dbt metadata") as connection:
            for key in built:
                node = _node(key.path[-1])
                about = relation_metadata(
                    connection, f"{_SCHEMA}.{node['name']}", descriptions=_column_descriptions(node)
                )
                if node["resource_type"] == "model":
                    compiled = target_path / "compiled" / node["package_name"] / node["original_file_path"]
                    about["dagster/column_lineage"] = column_lineage(
                        _manifest(), node, compiled.read_text(), _translator
                    )
                context.add_asset_metadata(about, asset_key=key)
        yield from events


def _window(context: dg.AssetExecutionContext) -> dict[str, str]:
    """The run's days as environment variables: with other vars dbt would parse the whole project again."""
    days = range_of(context.run.tags) or ("", "")
    return {"GA4_MIN_DATE": str(days[0]), "GA4_MAX_DATE": str(days[1])}


@cache
def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(_project().manifest_path.read_text())
    return manifest


def _node(name: str) -> dict[str, Any]:
    nodes = _manifest()["nodes"]
    node: dict[str, Any] = nodes.get(f"model.dbt_ga4.{name}") or nodes[f"seed.dbt_ga4.{name}"]
    return node


def dbt_descriptions() -> dict[str, dict[str, str]]:
    """What dbt says of the columns of each of its tables, as ga4.<model>."""
    nodes = [n for n in _manifest()["nodes"].values() if n["resource_type"] in ("model", "seed")]
    return {f"{_SCHEMA}.{node['name']}": _column_descriptions(node) for node in nodes}


def _column_descriptions(node: dict[str, Any]) -> dict[str, str]:
    return {name: column["description"] for name, column in node["columns"].items()}


def _was_built(key: dg.AssetKey, events: list[Any]) -> bool:
    return any(isinstance(event, dg.Output) and event.output_name == key.to_python_identifier() for event in events)


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """All dbt models and seeds: those made day by day, and the rest."""
    daily = daily_partitions(settings)
    with _environment(settings):
        project = _project()

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        select=_INCREMENTAL,
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=_translator,
        name="dbt_incremental_models",
    )
    def dbt_incremental_models(
        context: dg.AssetExecutionContext,
        config: IncrementalModelsConfig,
        dbt: DbtCliResource,
        warehouse: WarehouseResource,
    ) -> Iterator[Any]:
        """Events, sessions, page views: only the selected days (and what depends on them) are rewritten."""
        require_kept(settings, range_of(context.run.tags))
        asset = "dbt_incremental_models"
        with warehouse.connect("dbt full refresh") as connection:
            pending = pending_full_refresh(connection, asset)
        if pending:
            context.log.info(f"All days are rebuilt from scratch, because {pending}.")
        yield from _dbt_build(
            context, settings, dbt, warehouse, full_refresh=config.full_refresh or pending is not None
        )
        if pending and context.selected_asset_keys == dbt_incremental_models.keys:
            with warehouse.connect("dbt full refresh") as connection:
                full_refresh_done(connection, asset)

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        select="fqn:*",
        exclude=_INCREMENTAL,
        dagster_dbt_translator=_translator,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="dbt_table_models",
    )
    def dbt_table_models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        """Persons, dimensions and features rebuilt whole, and the views of the marts."""
        yield from _dbt_build(context, settings, dbt, warehouse)

    return [dbt_incremental_models, dbt_table_models]
