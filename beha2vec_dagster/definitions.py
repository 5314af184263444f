"""The code location: everything Dagster loads."""

import os
import warnings
from collections.abc import Mapping

import dagster as dg

from beha2vec_core.settings import ExportSettings, SettingsError
from beha2vec_core.store import limits
from beha2vec_dagster.defs.audiences import activations
from beha2vec_dagster.defs.audiences import assets as audiences
from beha2vec_dagster.defs.clusters import assets as clusters
from beha2vec_dagster.defs.dbt import assets as dbt
from beha2vec_dagster.defs.dbt.project import dbt_resource
from beha2vec_dagster.defs.encoder import assets as encoder
from beha2vec_dagster.defs.encoder import evaluation
from beha2vec_dagster.defs.insights import assets as insights
from beha2vec_dagster.defs.operations import checks, jobs
from beha2vec_dagster.defs.operations import sensors as alerts
from beha2vec_dagster.defs.pages import assets as pages
from beha2vec_dagster.defs.predictions import assets as predictions
from beha2vec_dagster.defs.promotion import assets as promotion
from beha2vec_dagster.defs.raw import assets as raw
from beha2vec_dagster.defs.raw import sensors
from beha2vec_dagster.defs.sequences import assets as sequences
from beha2vec_dagster.defs.serving import assets as serving
from beha2vec_dagster.lib import exported
from beha2vec_dagster.lib.assets import with_attributes
from beha2vec_dagster.lib.console import console
from beha2vec_dagster.lib.executor import build_executor
from beha2vec_dagster.lib.records import write_without_waiting
from beha2vec_dagster.lib.resources import ComputeResource, LlmResource, WarehouseResource

# backfill policies are marked beta; the pins in pyproject.toml keep them as they are
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def build_defs(settings: ExportSettings, resource_overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole graph for some settings.

    Args:
        settings: what the graph reads, where it writes, its days and hours.
        resource_overrides: resources by name (`warehouse`, `compute`, `llm`, `dbt`) that replace the usual ones.
    """
    warehouse = WarehouseResource(
        database=str(settings.storage.warehouse_path),
        connection_config=limits.duckdb_config(settings.storage),
        lock_timeout_seconds=settings.storage.lock_timeout_seconds,
    )
    modules = (raw, dbt, pages, sequences, encoder, evaluation, promotion, clusters, insights, predictions, audiences)
    made = [asset for module in modules for asset in module.build_assets(settings)]
    assets = dg.map_asset_specs(
        lambda spec: with_attributes(spec, settings),
        [*made, *serving.build_assets(settings, made), *activations.build_assets(settings)],
    )
    return dg.Definitions(
        assets=dg.with_source_code_references(assets),
        asset_checks=[*checks.build_checks(settings), promotion.candidate_is_no_worse],
        jobs=jobs.ALL,
        schedules=jobs.build_schedules(settings),
        sensors=[*sensors.build_sensors(settings), *alerts.build_sensors(settings)],
        loggers={"console": console},
        resources={
            "warehouse": warehouse,
            "compute": ComputeResource(device=settings.encoder.device, **settings.compute.model_dump()),
            "llm": LlmResource(settings),
            "dbt": dbt_resource(settings),
        }
        | dict(resource_overrides or {}),
        executor=build_executor(settings, assets),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The graph for the settings of this process's environment; `dagster dev`, `dg` and code servers call it."""
    exported.restore()
    # Threads that wait by spinning starve a busy machine: training beside other work is many times slower without this.
    # OpenMP reads it when torch is first imported, inside a step.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    write_without_waiting()
    try:
        settings = ExportSettings.load()
        limits.hold_to(settings.storage)
        return build_defs(settings)
    except SettingsError as error:
        # Dagster prints the stack below the message, which says all there is to know
        raise error.with_traceback(None) from None
