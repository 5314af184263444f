"""The dbt models: the incremental ones a day (or a range of days) at a time, then the tables."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets
from pydantic import Field

from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.tables import full_refresh_done, pending_full_refresh
from beha2vec_dagster.defs.dbt.build import DbtBuild, days_variables
from beha2vec_dagster.defs.dbt.days import INCREMENTAL_ASSET, build_days
from beha2vec_dagster.defs.dbt.project import TRANSLATOR, dbt_project, environment
from beha2vec_dagster.lib.partitions import daily_partitions, range_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource

# with the seeds, small tables of facts that the incremental models read
_INCREMENTAL = "config.materialized:incremental config.materialized:seed"


class IncrementalModelsConfig(dg.Config):
    """How the incremental models are built."""

    full_refresh: bool = Field(
        default=False,
        description="Rebuild them from scratch, for all days: after a change of the models or their variables, "
        "or when a property has left the export.",
    )


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """All dbt models and seeds: those made day by day, and the rest."""
    daily = daily_partitions(settings)
    with environment(settings):
        project = dbt_project()

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        select=_INCREMENTAL,
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=TRANSLATOR,
        name=INCREMENTAL_ASSET,
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
            pending = pending_full_refresh(connection, INCREMENTAL_ASSET)
        if pending:
            context.log.info(f"All days are rebuilt from scratch, because {pending}.")
        full_refresh = config.full_refresh or pending is not None
        yield from build_days(DbtBuild(context, settings, dbt, warehouse, full_refresh))
        if pending and context.selected_asset_keys == dbt_incremental_models.keys:
            with warehouse.connect("dbt full refresh") as connection:
                full_refresh_done(connection, INCREMENTAL_ASSET)

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        select="fqn:*",
        exclude=_INCREMENTAL,
        dagster_dbt_translator=TRANSLATOR,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="dbt_table_models",
    )
    def dbt_table_models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        """Persons, dimensions and features rebuilt whole, and the views of the marts."""
        yield from DbtBuild(context, settings, dbt, warehouse).whole(days_variables(range_of(context.run.tags)))

    return [dbt_incremental_models, dbt_table_models]
