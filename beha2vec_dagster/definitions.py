"""The code location: everything Dagster loads. ``build_definitions`` takes other resources, as tests need."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from beha2vec_dagster import checks, jobs
from beha2vec_dagster.assets import clusters, dbt, encoder, ga4, insights, pages, sequences, serving
from beha2vec_dagster.console import console
from beha2vec_dagster.resources import ComputeResource, LlmResource, WarehouseResource
from beha2vec_dagster.settings import settings


def build_definitions(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and resources."""
    resources = {
        "warehouse": WarehouseResource(
            database=str(settings.warehouse_path), lock_timeout_seconds=settings.lock_timeout_seconds
        ),
        "compute": ComputeResource(device=settings.device),
        "llm": LlmResource(),
        "dbt": DbtCliResource(project_dir=dbt.dbt_project),
    }
    return dg.Definitions(
        assets=dg.load_assets_from_modules([clusters, dbt, encoder, ga4, insights, pages, sequences, serving]),
        asset_checks=dg.load_asset_checks_from_modules([checks]),
        jobs=[jobs.materialize_everything, jobs.refresh_last_days, jobs.train_encoder],
        schedules=[jobs.nightly_refresh],
        loggers={"console": console},
        resources=resources | dict(resource_overrides or {}),
        # a step costs a third of a second in this process, and seconds in one of its own
        executor=dg.in_process_executor,
    )


defs = build_definitions()
