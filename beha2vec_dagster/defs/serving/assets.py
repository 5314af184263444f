"""The read-only copy for people and the explorer."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from beha2vec_core.bigquery.models import require_nobody_back, target_of
from beha2vec_core.bigquery.results import write_results
from beha2vec_core.privacy.key import key as privacy_key
from beha2vec_core.profiles.counts import of_all_users, totals
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store import chunks
from beha2vec_core.store.publish import publish
from beha2vec_core.store.published import open_published
from beha2vec_core.store.sample import sample_advice, sample_notice
from beha2vec_dagster.defs.dbt.project import dbt_descriptions
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.resources import WarehouseResource

# one nightly run, and some hours to fix a failure
_WARN_AFTER, _FAIL_AFTER = timedelta(hours=30), timedelta(hours=36)


def build_assets(settings: ExportSettings, copied: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The published copy.

    Args:
        copied: the assets whose tables are published. All are named, and not only the last of each chain: in a run that
            leaves out what is between, the order would be lost.
    """

    @asset(
        deps=[key for asset in copied for key in asset.keys],
        group_name="serving",
        kinds={"duckdb"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_FAIL_AFTER, warn_window=_WARN_AFTER),
        code_version="1",
    )
    def serving_database(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """`serving.duckdb`: tables only, published by atomic rename, free to read while the graph writes the warehouse.

        Every column has a comment (`select comment from duckdb_columns()`).
        """
        in_bigquery = settings.storage.warehouse == "bigquery"
        with warehouse.connect("serving_database") as connection:
            if begun := chunks.days_left_begun(connection):
                raise dg.Failure(
                    f"a run was stopped while dbt built {chunks.day_ranges(begun)}, so tables of these days contradict "
                    f"each other. {settings.storage.serving_path.name} stays as it was. Run the job refresh_last_days, "
                    "or the command that was stopped: the next run of the dbt models also builds these days",
                    allow_retries=False,
                )
            if in_bigquery:  # whom a run that then failed has copied
                require_nobody_back(connection, settings.storage.data_dir)
            counts = publish(
                connection,
                settings.storage.serving_path,
                dbt_descriptions(),
                secret=privacy_key(settings.storage.data_dir),
                identifiers=settings.privacy.publish_identifiers,
                most_users=settings.privacy.publish_users,
                numbers=of_all_users,
            )
            about = relation_metadata(connection, "beha2vec.user_clusters_current")
            if in_bigquery:
                written = write_results(connection, target_of(settings), settings.storage.sequences_path)
                about["written_to_bigquery"] = markdown_table(["table", "rows"], list(written.items()))
        with open_published(settings.storage.serving_path) as published:
            if notice := sample_notice(published):
                context.log.warning(notice)
                about["sample"] = notice
            elif advice := sample_advice(totals(published).users):
                context.log.info(advice)
                about["sample"] = advice
        return made(
            about,
            file=settings.storage.serving_path.name,
            size_mb=round(settings.storage.serving_path.stat().st_size / 1e6, 1),
            tables=markdown_table(["table", "rows"], list(counts.items())),
        )

    return [serving_database]
