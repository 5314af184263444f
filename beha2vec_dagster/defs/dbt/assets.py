"""The dbt models: the incremental ones a day (or a range of days) at a time, then the tables."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets
from filelock import FileLock
from pydantic import Field

import beha2vec_dagster
from beha2vec_core import dbt_process
from beha2vec_core.estimate import chunk_bytes
from beha2vec_core.progress import ProgressBar
from beha2vec_core.settings import ExportSettings, Settings
from beha2vec_core.store import chunks
from beha2vec_core.store.tables import full_refresh_done, pending_full_refresh, require_full_refresh
from beha2vec_core.words import counted
from beha2vec_dagster.lib.console import brief_dbt
from beha2vec_dagster.lib.lineage import column_lineage
from beha2vec_dagster.lib.metadata import relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, range_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource

_PROJECT_DIR = Path(beha2vec_dagster.__file__).parent.parent / "dbt_ga4"
# with the seeds, small tables of facts that the incremental models read
_INCREMENTAL = "config.materialized:incremental config.materialized:seed"
_INCREMENTAL_ASSET = "dbt_incremental_models"
_SCHEMA = "ga4"


@cache
def _project() -> DbtProject:
    """The dbt project, with a manifest as new as its files. Its profile reads the environment (see `_environment`)."""
    project = DbtProject(project_dir=_PROJECT_DIR, profiles_dir=_PROJECT_DIR)
    newest = max(p.stat().st_mtime for p in _project_files())
    project.manifest_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(project.manifest_path) + ".lock"):  # one process at a time
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            project.preparer.prepare(project)
    return project


def _project_files() -> list[Path]:
    """What the models are made of."""
    files = sorted(path for path in _PROJECT_DIR.rglob("*") if path.suffix in (".sql", ".yml", ".csv"))
    return [path for path in files if "target" not in path.relative_to(_PROJECT_DIR).parts]


@contextmanager
def _environment(settings: Settings, **more: str) -> Iterator[None]:
    """What dbt reads from the environment: its profile the data folder, dagster-dbt where `dbt` is, and more."""
    names = more | {
        "BEHA2VEC_DATA_DIR": str(settings.storage.data_dir),
        "BEHA2VEC_MEMORY_LIMIT": settings.storage.memory_limit,
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
    window: Mapping[str, str],
    *,
    full_refresh: bool = False,
) -> Iterator[Any]:
    """Run ``dbt build`` under the warehouse's lock, then report the tables it built.

    Tables that were built before a failure are reported too. Unit tests are for the developer (`make test`).
    """
    # buildable: a test that also reads a model which neither was selected nor comes before does not apply here
    arguments = [*_build_arguments(settings, full_refresh), "--indirect-selection", "buildable"]
    events: list[Any] = []
    target_path = _target_path(settings)
    try:
        with warehouse.exclusive(f"dbt build ({context.op_execution_context.op.name})"), brief_dbt():
            with _environment(settings, **window):
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


def _build_arguments(settings: ExportSettings, full_refresh: bool) -> list[str]:
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    # the output of a step goes to a file; dbt's own files of the whole project and of results, which nobody reads, take
    # a seventh of a call
    arguments += ["--no-use-colors", "--no-write-json", "--vars", json.dumps(_variables(settings))]
    return arguments + (["--full-refresh"] if full_refresh else [])


def _variables(settings: ExportSettings) -> dict[str, object]:
    """The variables of the models that are settings of ours."""
    return {
        "timezone": settings.export.timezone,
        "property_timezones": settings.export.property_timezones,
        "predicted_events": settings.predictions.events,
    }


def _target_path(settings: Settings) -> Path:
    """One folder, not one a run as is the default, which a year of nights would fill; the lock guards it."""
    return settings.storage.data_dir / "dbt_target"


def _window(days: tuple[date, date] | None) -> dict[str, str]:
    """Days as environment variables: with other vars dbt would parse the whole project again."""
    first, last = days or ("", "")
    return {"GA4_MIN_DATE": str(first), "GA4_MAX_DATE": str(last)}


def _build_days(
    context: dg.AssetExecutionContext,
    settings: ExportSettings,
    dbt: DbtCliResource,
    warehouse: WarehouseResource,
    *,
    full_refresh: bool,
) -> Iterator[Any]:
    """Build the run's days, or with a full refresh all days that have raw partitions, in one dbt call or in chunks.

    A stopped build of the same days continues after its last finished chunk. The data tests run in the last call, for
    the days of all.
    """
    asked = range_of(context.run.tags)
    raw = chunks.raw_days(settings.storage.raw_path)
    span = (min(raw), max(raw)) if full_refresh and raw else asked
    days = chunks.days_between(*span) if span else []
    build = _this_build(context, settings, days, raw if full_refresh else {}, full_refresh)
    with warehouse.connect("dbt chunks") as connection:
        finished = chunks.begin_build(connection, build, raw)
    done = {day for chunk in finished for day in chunk.days}
    calls = chunks.split_days(
        [day for day in days if day not in done],
        raw,
        chunk_bytes(settings, days, raw),
        settings.storage.dbt_chunk_days,
    )
    # a run of the data tests alone builds nothing
    if (len(calls) <= 1 and not done) or not context.selected_asset_keys:
        yield from _dbt_build(context, settings, dbt, warehouse, _window(asked), full_refresh=full_refresh)
        return
    context.log.info(
        f"{counted(len(days), 'day')} in {counted(len(calls), 'dbt call')}"
        + (f"; a build that was stopped has finished {counted(len(done), 'day')} of them" if done else "")
    )
    asked_here = False
    if full_refresh:
        # from the first call on the tables lack days: if this run is stopped, the next one has to go on
        with warehouse.connect("dbt chunks") as connection:
            asked_here = require_full_refresh(connection, _INCREMENTAL_ASSET, "a rebuild of all days was stopped")
    bar = ProgressBar(title="dbt", unit="call", total=len(calls))
    for number, chunk in enumerate(calls[:-1], 1):
        state = chunks.chunk_state(chunk, raw)
        _dbt_chunk(
            context, settings, dbt, warehouse, chunk, is_first=number == 1 and not done, full_refresh=full_refresh
        )
        with warehouse.connect("dbt chunks") as connection:
            chunks.chunk_done(connection, build, chunk, state)
        context.log.info(f"{chunk.first} to {chunk.last} ({number}/{len(calls)} dbt calls)")
        bar.update()
    bar.close()
    last = _window(calls[-1]) | {"GA4_TEST_MIN_DATE": str(days[0])}
    built = set()
    try:
        for event in _dbt_build(context, settings, dbt, warehouse, last):
            built |= {event.output_name} if isinstance(event, dg.Output) else set()
            yield event
    finally:  # a data test that fails leaves no day to be built again
        if {key.to_python_identifier() for key in context.selected_asset_keys} <= built:
            with warehouse.connect("dbt chunks") as connection:
                chunks.build_done(connection, build)
                if asked_here:
                    full_refresh_done(connection, _INCREMENTAL_ASSET)


def _dbt_chunk(
    context: dg.AssetExecutionContext,
    settings: ExportSettings,
    dbt: DbtCliResource,
    warehouse: WarehouseResource,
    chunk: chunks.Chunk,
    *,
    is_first: bool,
    full_refresh: bool,
) -> None:
    """Build some of the days, without tests. Readers get the warehouse between two calls."""
    arguments = [*_build_arguments(settings, is_first and full_refresh), "--exclude-resource-type", "test"]
    arguments += [] if is_first else ["--exclude-resource-type", "seed"]  # the last call writes them again
    window = _window(chunk) | {"GA4_FULL_REFRESH_IN_PARTS": "1"}
    with warehouse.exclusive(f"dbt build ({chunk.first} to {chunk.last})"), brief_dbt():
        with _environment(settings, **window):
            started = dbt.cli(arguments, context=context, target_path=_target_path(settings))
        started.wait()


def _this_build(
    context: dg.AssetExecutionContext,
    settings: ExportSettings,
    days: Sequence[date],
    raw: Mapping[date, chunks.RawDay],
    full_refresh: bool,
) -> chunks.Build:
    """What this build is made of. A full refresh also follows all raw partitions: its first call reads them."""
    models = chunks.text_hash([_variables(settings), [path.read_text() for path in _project_files()]])
    selected = sorted(key.to_user_string() for key in context.selected_asset_keys)
    states = [day.state for day in raw.values()]
    return chunks.Build(
        models, chunks.text_hash([models, selected, days[:1], days[-1:], states, full_refresh]), full_refresh
    )


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
        name=_INCREMENTAL_ASSET,
    )
    def dbt_incremental_models(
        context: dg.AssetExecutionContext,
        config: IncrementalModelsConfig,
        dbt: DbtCliResource,
        warehouse: WarehouseResource,
    ) -> Iterator[Any]:
        """Events, sessions, page views: only the selected days (and what depends on them) are rewritten."""
        require_kept(settings, range_of(context.run.tags))
        with warehouse.connect("dbt full refresh") as connection:
            pending = pending_full_refresh(connection, _INCREMENTAL_ASSET)
        if pending:
            context.log.info(f"All days are rebuilt from scratch, because {pending}.")
        yield from _build_days(
            context, settings, dbt, warehouse, full_refresh=config.full_refresh or pending is not None
        )
        if pending and context.selected_asset_keys == dbt_incremental_models.keys:
            with warehouse.connect("dbt full refresh") as connection:
                full_refresh_done(connection, _INCREMENTAL_ASSET)

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
        yield from _dbt_build(context, settings, dbt, warehouse, _window(range_of(context.run.tags)))

    return [dbt_incremental_models, dbt_table_models]
