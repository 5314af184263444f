"""The code location: everything Dagster loads."""

import dagster as dg
from dagster_dbt import DbtCliResource

from beha2vec_core import dbt_process
from beha2vec_dagster import alerts, jobs, sensors
from beha2vec_dagster.assets import (
    clusters,
    dbt,
    encoder,
    encoder_evaluation,
    ga4,
    insights,
    pages,
    promotion,
    sequences,
    serving,
)
from beha2vec_dagster.checks import all_checks
from beha2vec_dagster.console import console
from beha2vec_dagster.resources import ComputeResource, LlmResource, WarehouseResource
from beha2vec_dagster.settings import settings

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(
        [clusters, dbt, encoder, encoder_evaluation, ga4, insights, pages, promotion, sequences, serving]
    ),
    asset_checks=all_checks,
    jobs=[
        jobs.materialize_everything,
        jobs.refresh_last_days,
        jobs.train_encoder,
        jobs.rebuild_clusters,
        jobs.reembed_history,
        jobs.write_insights,
        jobs.check_exports,
    ],
    schedules=[jobs.nightly_refresh, jobs.weekly_training, jobs.watch_exports],
    sensors=[sensors.new_exports, alerts.alert_on_failed_runs, alerts.alert_on_failed_checks],
    loggers={"console": console},
    resources={
        "warehouse": WarehouseResource(
            database=str(settings.warehouse_path), lock_timeout_seconds=settings.lock_timeout_seconds
        ),
        "compute": ComputeResource(device=settings.device),
        "llm": LlmResource(),
        "dbt": DbtCliResource(project_dir=dbt.dbt_project, dbt_executable=str(dbt_process.EXECUTABLE)),
    },
    # a step costs a third of a second in this process, and seconds in one of its own
    executor=dg.in_process_executor,
).map_asset_specs(func=lambda spec: spec.replace_attributes(owners=settings.owners or []))
