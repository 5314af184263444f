"""One dbt call in a run of Dagster: its options, its price in BigQuery, and what Dagster records of it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource

from beha2vec_core.bigquery.models import (
    NOT_COPIED,
    fetch_table,
    put_table,
    require_nobody_back,
    require_one_warehouse,
    rewritten_rows,
    tables_here,
    target_of,
)
from beha2vec_core.bigquery.price import bytes_of_queries, query_price, require_allowed
from beha2vec_core.files import scratch
from beha2vec_core.progress import ProgressBar, with_progress
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store import chunks
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_core.words import counted
from beha2vec_dagster.defs.dbt.project import (
    PROJECT_DIR,
    SCHEMA,
    TRANSLATOR,
    column_descriptions,
    dbt_node,
    environment,
    in_bigquery,
    manifest,
    variables,
)
from beha2vec_dagster.lib.console import brief_dbt
from beha2vec_dagster.lib.lineage import column_lineage
from beha2vec_dagster.lib.metadata import relation_columns, relation_metadata
from beha2vec_dagster.lib.partitions import range_of
from beha2vec_dagster.lib.resources import WarehouseResource


def days_variables(days: tuple[date, date] | None) -> dict[str, str]:
    """Days as environment variables: with other vars dbt would parse the whole project again."""
    first, last = days or ("", "")
    return {"GA4_MIN_DATE": str(first), "GA4_MAX_DATE": str(last)}


class DbtBuild(NamedTuple):
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

    def _start(self, days: Mapping[str, str], *options: str, full_refresh: bool) -> DbtCliInvocation:
        """Start ``dbt build``. Unit tests are for the developer (`make test`)."""
        arguments = ["build", "--exclude-resource-type", "unit_test", *options, *self._options(full_refresh)]
        with environment(self.settings, **days):
            return self.dbt.cli(arguments, context=self.context, target_path=self.target_path)

    def _options(self, full_refresh: bool) -> list[str]:
        # the output of a step goes to a file; dbt's own files of the whole project and of results, which nobody reads,
        # take a seventh of a call
        options = ["--no-use-colors", "--no-write-json", "--vars", self._variables_option()]
        options += ["--full-refresh"] if full_refresh else []
        return options + (["--target", "bigquery"] if in_bigquery(self.settings) else [])

    def _variables_option(self) -> str:
        # dbt keeps the parsed project in the data folder, with the absolute path of the seeds. It parses it again if a
        # variable has changed, so the path is one: the same data may be used by an installation elsewhere.
        return json.dumps(variables(self.settings) | {"installed_in": str(PROJECT_DIR)})

    def _alone(self, purpose: str) -> AbstractContextManager[None]:
        """Hold what dbt writes: the warehouse, or for models in BigQuery only the folder of its files."""
        if in_bigquery(self.settings):
            return Warehouse(self.target_path, self.settings.storage.lock_timeout_seconds).exclusive(purpose)
        return self.warehouse.exclusive(purpose)

    def _price(self, window: Mapping[str, str]) -> None:
        """Say what the queries that read the export will read, and refuse too much, before one of them runs."""
        nodes = {key: dbt_node(key.path[-1]) for key in self.context.selected_asset_keys}
        readers = {
            key: node
            for key, node in nodes.items()
            if any(parent.startswith("source.") for parent in node["depends_on"].get("nodes", ()))
        }
        if not readers:
            return
        selected = ["--select", " ".join(node["name"] for node in readers.values())]
        with environment(self.settings, **window):
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
                closing(
                    ProgressBar(title="dbt", unit="model", total=len(self.context.selected_asset_keys), has_bar=False)
                ) as bar,
            ):
                if in_bigquery(self.settings):
                    self._price(window)
                self._begin(days)
                try:
                    for event in self._start(window, *options, full_refresh=self.full_refresh).stream():
                        events.append(event)
                        if isinstance(event, dg.Output):
                            bar.update(about=event.output_name)
                finally:
                    if self.models <= built_by(events):  # also where a data test has failed
                        self._end(days)
        finally:
            built = built_by(events)
            # what is not copied counts as not built: the next run has to do it again
            missing = set(built) if in_bigquery(self.settings) else set()
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
        nodes = [
            dbt_node(key.path[-1]) for key in self.context.selected_asset_keys if key.to_python_identifier() in built
        ]
        views = [node["name"] for node in nodes if node["config"]["materialized"] == "view"]
        # what they are made of is not here
        read = {
            node["name"]
            for node in nodes
            if node["name"] in views and {key.rpartition(".")[2] for key in node["depends_on"]["nodes"]} & {*NOT_COPIED}
        }
        views = [name for name in views if name not in read]
        outputs = {
            dbt_node(key.path[-1])["name"]: key.to_python_identifier() for key in self.context.selected_asset_keys
        }
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
            with self.warehouse.exclusive("dbt run (views)"), environment(self.settings, **days_variables(days)):
                self.dbt.cli(arguments, target_path=folder).wait()
        missing -= {outputs[name] for name in views}

    def _report(self, built: set[str]) -> None:
        # each day of a run would repeat what is about the whole table: Dagster shows that of the latest record
        latest = self.context.partition_keys[-1] if self.context.assets_def.partitions_def else None
        with self.warehouse.connect("dbt metadata") as connection:
            for key in self.context.selected_asset_keys:
                if key.to_python_identifier() not in built:
                    continue
                node = dbt_node(key.path[-1])
                if in_bigquery(self.settings) and node["name"] in NOT_COPIED:
                    continue
                table = f"{SCHEMA}.{node['name']}"
                described = column_descriptions(node)
                # to count the rows of a view is to compute them
                about: dict[str, Any] = (
                    {"dagster/column_schema": relation_columns(connection, table, described)}
                    if node["config"]["materialized"] == "view"
                    else relation_metadata(connection, table, descriptions=described)
                )
                about |= {"other_days_built": self.other_days} if self.other_days else {}
                if node["resource_type"] == "model":
                    dialect = "bigquery" if in_bigquery(self.settings) else "duckdb"
                    about["dagster/column_lineage"] = column_lineage(
                        manifest(), node, self._compiled(node).read_text(), TRANSLATOR, dialect
                    )
                self.context.add_asset_metadata(about, asset_key=key, partition_key=latest)

    def part(self, chunk: chunks.Chunk, *, is_first: bool) -> None:
        """Build some of the days, without tests. Readers get the warehouse between two calls."""
        options = ["--exclude-resource-type", "test"]
        options += [] if is_first else ["--exclude-resource-type", "seed"]  # the last call writes them again
        of_chunk = days_variables(chunk) | {"GA4_FULL_REFRESH_IN_PARTS": "1"}
        with self.warehouse.exclusive(f"dbt build ({chunk.first} to {chunk.last})"), brief_dbt():
            self._begin(chunk.days)
            self._start(of_chunk, *options, full_refresh=is_first and self.full_refresh).wait()
            self._end(chunk.days)

    @property
    def models(self) -> set[str]:
        """The models of the call, as Dagster names their outputs."""
        return {key.to_python_identifier() for key in self.context.selected_asset_keys}

    def _begin(self, days: Sequence[date]) -> None:
        """Note the days of the call that follows, within the lock: a note that others see is of a stopped call."""
        if days and self.models:
            with closing(self.warehouse.open()) as connection:
                chunks.days_begin(connection, self.models, days)

    def _end(self, days: Sequence[date]) -> None:
        """Take off the note: all models of the call are built."""
        if days and self.models:
            with closing(self.warehouse.open()) as connection:
                chunks.days_built(connection, self.models, days)


def built_by(events: Iterable[Any]) -> set[str]:
    """The models whose outputs are among these events."""
    return {event.output_name for event in events if isinstance(event, dg.Output)}
