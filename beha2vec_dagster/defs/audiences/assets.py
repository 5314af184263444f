"""Who is in each audience of the file, day by day."""

from typing import Any

import dagster as dg

from beha2vec_core.privacy.key import key
from beha2vec_core.settings import ExportSettings
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of
from beha2vec_dagster.lib.resources import WarehouseResource


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The asset, for these settings."""

    @asset(
        partitions_def=daily_partitions(settings),
        deps=[
            "dim_ga4__users", "dim_ga4__properties", "fct_ga4__sessions", "fct_ga4__funnel_sessions",
            "ml_ga4__user_features", "ml_ga4__sequence_events", "enriched_pages", "user_embeddings", "user_clusters",
            "cluster_profiles", "user_predictions",
        ],
        group_name="audiences",
        kinds={"duckdb"},
        code_version="1",
    )  # fmt: skip
    def audience_members(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """Who is in each audience of `audiences.yml` on the last day: entered, stayed or left, and why.

        Rules read what is known now, so only the last day of the range is written; earlier days stay as they are.
        """
        from beha2vec_core.audiences.file import AudienceError
        from beha2vec_core.audiences.members import audiences_of_night, write_members

        day = days_of(context)[-1]
        with warehouse.connect("audience_members") as connection:
            try:
                audiences = audiences_of_night(connection, settings.audiences.file)
            except AudienceError as error:
                context.log.warning(_stay(str(error)))
                return made(status=str(error))
            counts, problems = write_members(connection, audiences, day, key(settings.storage.data_dir))
            about = relation_metadata(connection, "beha2vec.audience_members_current")
        for problem in problems:
            context.log.warning(_stay(problem))
        rows = [
            (name, *(states.get(state, 0) for state in ("entered", "stayed", "left")))
            for name, states in counts.items()
        ]
        context.add_asset_metadata(
            {"dagster/partition_row_count": sum(sum(states.values()) for states in counts.values())},
            partition_key=day.isoformat(),
        )
        return made(
            about,
            status=f"written for {day}" if audiences else f"{settings.audiences.file} has no audiences",
            audiences=markdown_table(["audience", "entered", "stayed", "left"], rows) if rows else None,
            problems="; ".join(problems) or None,
        )

    return [audience_members]


def _stay(problem: str) -> str:
    """What is wrong, and what that means for the members."""
    return f"{problem.removesuffix('.')}{'' if problem.endswith('?') else '.'} The members stay as they were"
