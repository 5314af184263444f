"""The dbt models: the incremental ones a day (or a range of days) at a time, then the tables."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import duckdb
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from filelock import FileLock
from joblib import cpu_count
from pydantic import Field

import beha2vec_dagster
from beha2vec_core import dbt_process
from beha2vec_core.bigquery.models import (
    NOT_COPIED,
    dbt_environment,
    fetch_table,
    put_table,
    require_nobody_back,
    require_one_warehouse,
    rewritten_rows,
    tables_here,
    target_of,
    user_tables,
)
from beha2vec_core.bigquery.price import bytes_of_queries, query_price, require_allowed
from beha2vec_core.estimate import chunk_events, memory_bytes
from beha2vec_core.files import scratch
from beha2vec_core.progress import ProgressBar, with_progress
from beha2vec_core.settings import ExportSettings
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store import chunks
from beha2vec_core.store.tables import full_refresh_done, pending_full_refresh, require_full_refresh
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_core.words import counted
from beha2vec_dagster.lib.console import brief_dbt
from beha2vec_dagster.lib.lineage import column_lineage
from beha2vec_dagster.lib.metadata import relation_columns, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, range_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource

_PROJECT_DIR = Path(beha2vec_dagster.__file__).parent.parent / "dbt_ga4"
# with the seeds, small tables of facts that the incremental models read
_INCREMENTAL = "config.materialized:incremental config.materialized:seed"
_INCREMENTAL_ASSET = "dbt_incremental_models"
_SCHEMA = "ga4"
# Each thread keeps groups of its own: with 512 MB, int_ga4__sessions of 220,000 events a day fits with one thread only.
_THREAD_BYTES = 450 * 10**6


@cache
def _project() -> DbtProject:
    """The dbt project, with a manifest as new as its files. Its profile reads the environment (see `_environment`)."""
    project = DbtProject(project_dir=_PROJECT_DIR, profiles_dir=_PROJECT_DIR)
    newest = max(p.stat().st_mtime for p in _project_files())
    project.manifest_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(project.manifest_path) + ".lock"):  # one process at a time
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            # as dagster-dbt's preparer does, which calls dbt once more for its version, and looks for packages
            _process().cli(["parse", "--quiet"], target_path=project.target_path).wait()
    return project


def _project_files() -> list[Path]:
    """What the models are made of."""
    files = sorted(path for path in _PROJECT_DIR.rglob("*") if path.suffix in (".sql", ".yml", ".csv"))
    return [path for path in files if "target" not in path.relative_to(_PROJECT_DIR).parts]


@contextmanager
def _environment(settings: ExportSettings, **more: str) -> Iterator[None]:
    """What dbt reads from the environment: its profile the data folder, dagster-dbt where `dbt` is, and more."""
    names = (
        more
        | (dbt_environment(settings) if _in_bigquery(settings) else {})
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
    with _environment(settings):
        _project()  # its manifest is as new as its files
        return _process()


def _process() -> DbtCliResource:
    folder = str(_PROJECT_DIR)
    return _DbtProcess(project_dir=folder, profiles_dir=folder, dbt_executable=str(dbt_process.EXECUTABLE))


def _in_bigquery(settings: ExportSettings) -> bool:
    return settings.storage.warehouse == "bigquery"


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


def _variables(settings: ExportSettings) -> dict[str, object]:
    """The variables of the models that are settings of ours."""
    variables: dict[str, object] = {
        "timezone": settings.export.timezone,
        "property_timezones": settings.export.property_timezones,
        "predicted_events": settings.predictions.events,
    }
    return variables | ({"read_user_tables": user_tables(settings)} if _in_bigquery(settings) else {})


def _window(days: tuple[date, date] | None) -> dict[str, str]:
    """Days as environment variables: with other vars dbt would parse the whole project again."""
    first, last = days or ("", "")
    return {"GA4_MIN_DATE": str(first), "GA4_MAX_DATE": str(last)}


class _Build(NamedTuple):
    """Builds models in a run of Dagster."""

    context: dg.AssetExecutionContext
    settings: ExportSettings
    dbt: DbtCliResource
    warehouse: WarehouseResource
    full_refresh: bool = False
    other_days: str = ""  # in words: those that are built too, because a call that was stopped had begun them

    @property
    def target_path(self) -> Path:
        """One folder, not one a run as is the default, which a year of nights would fill; the lock guards it."""
        return self.settings.storage.data_dir / "dbt_target"

    def _start(self, window: Mapping[str, str], *options: str, full_refresh: bool) -> DbtCliInvocation:
        """Start ``dbt build``. Unit tests are for the developer (`make test`)."""
        arguments = ["build", "--exclude-resource-type", "unit_test", *options, *self._options(full_refresh)]
        with _environment(self.settings, **window):
            return self.dbt.cli(arguments, context=self.context, target_path=self.target_path)

    def _options(self, full_refresh: bool) -> list[str]:
        # the output of a step goes to a file; dbt's own files of the whole project and of results, which nobody reads,
        # take a seventh of a call
        options = ["--no-use-colors", "--no-write-json", "--vars", self._variables_option()]
        options += ["--full-refresh"] if full_refresh else []
        return options + (["--target", "bigquery"] if _in_bigquery(self.settings) else [])

    def _variables_option(self) -> str:
        # dbt keeps the parsed project in the data folder, with the absolute path of the seeds. It parses it again if a
        # variable has changed, so the path is one: the same data may be used by an installation elsewhere.
        return json.dumps(_variables(self.settings) | {"installed_in": str(_PROJECT_DIR)})

    def _alone(self, purpose: str) -> AbstractContextManager[None]:
        """Hold what dbt writes: the warehouse, or for models in BigQuery only the folder of its files."""
        if _in_bigquery(self.settings):
            return Warehouse(self.target_path, self.settings.storage.lock_timeout_seconds).exclusive(purpose)
        return self.warehouse.exclusive(purpose)

    def _price(self, window: Mapping[str, str]) -> None:
        """Say what the queries that read the export will read, and refuse too much, before one of them runs."""
        nodes = {key: _node(key.path[-1]) for key in self.context.selected_asset_keys}
        readers = {
            key: node
            for key, node in nodes.items()
            if any(parent.startswith("source.") for parent in node["depends_on"].get("nodes", ()))
        }
        if not readers:
            return
        selected = ["--select", " ".join(node["name"] for node in readers.values())]
        with _environment(self.settings, **window):
            self.dbt.cli(["compile", *selected, *self._options(self.full_refresh)], target_path=self.target_path).wait()
        compiled = {node["name"]: self._compiled(node).read_text() for node in readers.values()}
        read = bytes_of_queries(target_of(self.settings), compiled)
        for key, node in readers.items():
            about: dict[str, Any] = {"bytes_to_read": read[node["name"]], "price": query_price(read[node["name"]])}
            self.context.log_event(dg.AssetObservation(key, metadata=about))
        self.context.log.info(
            f"{counted(len(read), 'model')} will read the export in BigQuery: {query_price(sum(read.values()))}"
        )
        require_allowed(read, self.settings.bigquery.maximum_bytes)

    def _compiled(self, node: Mapping[str, Any]) -> Path:
        """The file with the model's SQL."""
        return Path(self.target_path, "compiled", node["package_name"], node["original_file_path"])

    def whole(self, window: Mapping[str, str], days: Sequence[date] = ()) -> Iterator[Any]:
        """Run ``dbt build`` with the tests, alone, then report the tables it built.

        Tables that were built before a failure are reported too. The days stay noted until all are built.
        """
        events: list[Any] = []
        # buildable: a test that also reads a model which neither was selected nor comes before does not apply here
        options = ("--indirect-selection", "buildable")
        try:
            purpose = f"dbt build ({self.context.op_execution_context.op.name})"
            require_one_warehouse(self.settings)
            with (
                self._alone(purpose),
                brief_dbt(),
                closing(ProgressBar(title="dbt", unit="model", total=len(self.context.selected_asset_keys))) as bar,
            ):
                if _in_bigquery(self.settings):
                    self._price(window)
                self._begin(days)
                try:
                    for event in self._start(window, *options, full_refresh=self.full_refresh).stream():
                        events.append(event)
                        if isinstance(event, dg.Output):
                            bar.update(about=event.output_name)
                finally:
                    if self._models <= _built(events):  # also where a data test has failed
                        self._end(days)
        finally:
            built = _built(events)
            # what is not copied counts as not built: the next run has to do it again
            missing = set(built) if _in_bigquery(self.settings) else set()
            try:
                if missing:
                    self._copy(built, missing)
                self._report(built)
            finally:
                made = [one for one in events if not (isinstance(one, dg.Output) and one.output_name in missing)]
                # Dagster records each day of each model
                yield from with_progress(made, title="recording the models", unit="record")

    def _copy(self, built: set[str], missing: set[str]) -> None:
        """Copy what dbt built in BigQuery to the warehouse, as far as Python reads it; see `bigquery.models`.

        Takes from `missing` what is there.
        """
        data_set, days = target_of(self.settings), range_of(self.context.run.tags)
        nodes = [_node(key.path[-1]) for key in self.context.selected_asset_keys if key.to_python_identifier() in built]
        views = [node["name"] for node in nodes if node["config"]["materialized"] == "view"]
        # what they are made of is not here
        read = {
            node["name"]
            for node in nodes
            if node["name"] in views and {key.rpartition(".")[2] for key in node["depends_on"]["nodes"]} & {*NOT_COPIED}
        }
        views = [name for name in views if name not in read]
        outputs = {_node(key.path[-1])["name"]: key.to_python_identifier() for key in self.context.selected_asset_keys}
        missing -= {outputs[name] for name in outputs if name in NOT_COPIED}
        with self.warehouse.connect("copy from BigQuery") as connection:
            here = tables_here(connection)
        with scratch(self.settings.storage.data_dir, "copies") as folder:
            copies = []
            try:
                for name, node in {node["name"]: node for node in nodes}.items():
                    if name in (*views, *NOT_COPIED):
                        continue
                    window = None if self.full_refresh else node["config"].get("meta", {}).get("window")
                    replaces = rewritten_rows(window, days) if window and days and name in here else ""
                    fetched, rows = fetch_table(data_set, name, folder, replaces, is_view=name in read)
                    copies.append(fetched)
                    self.context.log.info(f"{name}: {counted(rows, 'row')} from BigQuery")
            finally:
                with self.warehouse.connect("copy from BigQuery") as connection:
                    for fetched in copies:
                        put_table(connection, fetched)
                        missing.discard(outputs[fetched.model])
                    require_nobody_back(connection, self.settings.storage.data_dir)
        if views:
            arguments = ["run", "--target", "duckdb", "--select", " ".join(views), "--no-use-colors", "--no-write-json"]
            arguments += ["--vars", self._variables_option()]
            # a folder of its own: dbt parses the whole project again where the target has changed
            folder = self.target_path.with_name("dbt_target_views")
            with self.warehouse.exclusive("dbt run (views)"), _environment(self.settings, **_window(days)):
                self.dbt.cli(arguments, target_path=folder).wait()
        missing -= {outputs[name] for name in views}

    def _report(self, built: set[str]) -> None:
        # each day of a run would repeat what is about the whole table: Dagster shows that of the latest record
        latest = self.context.partition_keys[-1] if self.context.assets_def.partitions_def else None
        with self.warehouse.connect("dbt metadata") as connection:
            for key in self.context.selected_asset_keys:
                if key.to_python_identifier() not in built:
                    continue
                node = _node(key.path[-1])
                if _in_bigquery(self.settings) and node["name"] in NOT_COPIED:
                    continue
                table = f"{_SCHEMA}.{node['name']}"
                described = _column_descriptions(node)
                # to count the rows of a view is to compute them
                about: dict[str, Any] = (
                    {"dagster/column_schema": relation_columns(connection, table, described)}
                    if node["config"]["materialized"] == "view"
                    else relation_metadata(connection, table, descriptions=described)
                )
                about |= {"other_days_built": self.other_days} if self.other_days else {}
                if node["resource_type"] == "model":
                    dialect = "bigquery" if _in_bigquery(self.settings) else "duckdb"
                    about["dagster/column_lineage"] = column_lineage(
                        _manifest(), node, self._compiled(node).read_text(), _translator, dialect
                    )
                self.context.add_asset_metadata(about, asset_key=key, partition_key=latest)

    def in_chunks(self) -> Iterator[Any]:
        """Build the run's days, or with a full refresh all days that have raw partitions, in one dbt call or in chunks.

        A stopped build of the same days continues after its last finished chunk. Days that a stopped call has built in
        some of the models are built too. The data tests run in the last call, for the days of all.
        """
        require_one_warehouse(self.settings)
        context, settings, storage = self.context, self.settings, self.settings.storage
        asked = range_of(context.run.tags)
        if _in_bigquery(settings):  # which has no use for chunks
            yield from self.whole(_window(asked))
            return
        raw = chunks.raw_days(storage.raw_path)
        span = (min(raw), max(raw)) if self.full_refresh and raw else asked
        days = chunks.days_between(*span) if span else []
        build = self._identity(days, raw if self.full_refresh else {})
        with self._chunks() as connection:
            finished = chunks.begin_build(connection, build, raw)
            known = {key.to_python_identifier() for key in context.assets_def.keys}
            chunks.forget_days_begun(connection, known, settings.first_kept_day("raw", datetime.now(UTC)))
            begun = chunks.days_left_begun(connection, self._models) if days else []
        others = [day for day in begun if day not in days]
        if others:
            context.log.info(
                f"{counted(len(others), 'day')} ({chunks.day_ranges(others)}) are built too: "
                "a run that was stopped has built them in some of the models only"
            )
        days = sorted([*days, *others])
        done = {day for chunk in finished for day in chunk.days} & {*days} - {*begun}
        left = [day for day in days if day not in done] or days
        calls = chunks.split_days(left, raw, chunk_events(settings, days, raw), storage.dbt_chunk_days)
        last_call = self._replace(full_refresh=False, other_days=chunks.day_ranges(others))
        # a run of the data tests alone builds nothing
        if (len(calls) <= 1 and not done) or not context.selected_asset_keys:
            window = _window(calls[0] if others and not self.full_refresh else asked)
            yield from last_call._replace(full_refresh=self.full_refresh).whole(window, days)
            return
        context.log.info(
            f"{counted(len(days), 'day')} in {counted(len(calls), 'dbt call')}"
            + (f"; a build that was stopped has finished {counted(len(done), 'day')} of them" if done else "")
        )
        asked_here = False
        if self.full_refresh:
            # from the first call on the tables lack days: if this run is stopped, the next one has to go on
            with self._chunks() as connection:
                asked_here = require_full_refresh(connection, _INCREMENTAL_ASSET, "a rebuild of all days was stopped")
        bar = ProgressBar(title="dbt", unit="call", total=len(calls))
        for number, chunk in enumerate(calls[:-1], 1):
            state = chunks.chunk_state(chunk, raw)
            self._chunk(chunk, is_first=number == 1 and not done)
            with self._chunks() as connection:
                chunks.chunk_done(connection, build, chunk, state)
            context.log.info(f"{chunk.first} to {chunk.last} ({number}/{len(calls)} dbt calls)")
            bar.update()
        bar.close()
        last = _window(calls[-1]) | {"GA4_TEST_MIN_DATE": str(days[0])}
        built = set()
        try:
            for event in last_call.whole(last, calls[-1].days):
                built |= {event.output_name} if isinstance(event, dg.Output) else set()
                yield event
        finally:  # a data test that fails leaves no day to be built again
            if self._models <= built:
                with self._chunks() as connection:
                    chunks.build_done(connection, build)
                    if asked_here:
                        full_refresh_done(connection, _INCREMENTAL_ASSET)

    def _chunk(self, chunk: chunks.Chunk, *, is_first: bool) -> None:
        """Build some of the days, without tests. Readers get the warehouse between two calls."""
        options = ["--exclude-resource-type", "test"]
        options += [] if is_first else ["--exclude-resource-type", "seed"]  # the last call writes them again
        window = _window(chunk) | {"GA4_FULL_REFRESH_IN_PARTS": "1"}
        with self.warehouse.exclusive(f"dbt build ({chunk.first} to {chunk.last})"), brief_dbt():
            self._begin(chunk.days)
            self._start(window, *options, full_refresh=is_first and self.full_refresh).wait()
            self._end(chunk.days)

    @property
    def _models(self) -> set[str]:
        return {key.to_python_identifier() for key in self.context.selected_asset_keys}

    def _begin(self, days: Sequence[date]) -> None:
        """Note the days of the call that follows, within the lock: a note that others see is of a stopped call."""
        if days and self._models:
            with closing(self.warehouse.open()) as connection:
                chunks.days_begin(connection, self._models, days)

    def _end(self, days: Sequence[date]) -> None:
        """Take off the note: all models of the call are built."""
        if days and self._models:
            with closing(self.warehouse.open()) as connection:
                chunks.days_built(connection, self._models, days)

    def _chunks(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return self.warehouse.connect("dbt chunks")

    def _identity(self, days: Sequence[date], raw: Mapping[date, chunks.RawDay]) -> chunks.Build:
        """What this build is made of. A full refresh also follows all raw partitions: its first call reads them."""
        models = chunks.text_hash([_variables(self.settings), [path.read_text() for path in _project_files()]])
        selected = sorted(key.to_user_string() for key in self.context.selected_asset_keys)
        states = [day.state for day in raw.values()]
        key = chunks.text_hash([models, selected, days[:1], days[-1:], states, self.full_refresh])
        return chunks.Build(models, key, self.full_refresh)


def _built(events: Iterable[Any]) -> set[str]:
    return {event.output_name for event in events if isinstance(event, dg.Output)}


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
        full_refresh = config.full_refresh or pending is not None
        yield from _Build(context, settings, dbt, warehouse, full_refresh).in_chunks()
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
        yield from _Build(context, settings, dbt, warehouse).whole(_window(range_of(context.run.tags)))

    return [dbt_incremental_models, dbt_table_models]
