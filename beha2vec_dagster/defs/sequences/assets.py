"""User sequences: what each active user did, ready for the encoder."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from beha2vec_core.events.user_sequences import sequence_file, write_day
from beha2vec_core.privacy.partitions import uncleaned_partitions
from beha2vec_core.progress import with_progress
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote
from beha2vec_dagster.lib import plots
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, picture, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The sequences, a partition a day."""
    daily = daily_partitions(settings)

    @asset(
        partitions_def=daily,
        deps=["ml_ga4__sequence_events", "enriched_pages"],
        group_name="sequences",
        kinds={"duckdb", "parquet"},
        code_version="2",
    )
    def user_sequences(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """Users active on the day, each with the last events of the look-back as list columns, oldest first.

        Users who never viewed a page or screen in the look-back have no sequence.
        """
        lengths: Counter[int] = Counter()
        user_days = events = 0
        days = days_of(context)
        require_kept(settings, (days[0], days[-1]), "events")
        is_clean = not uncleaned_partitions(settings.storage.raw_path)
        for day in with_progress(days, title="sequences", unit="day"):
            with warehouse.connect(f"user_sequences {day}") as connection:
                written = write_day(
                    connection,
                    day,
                    settings.storage.sequences_path,
                    lookback_days=settings.encoder.lookback_days,
                    length=settings.encoder.sequence_length,
                    tz=settings.export.tz,
                    property_tz={one: ZoneInfo(zone) for one, zone in settings.export.property_timezones.items()},
                    is_clean=is_clean,
                )
            lengths.update(written.lengths)
            user_days += written.users
            events += written.events
            context.add_asset_metadata(
                {"dagster/partition_row_count": written.users, "events": written.events}, partition_key=day.isoformat()
            )
        with limits.connect() as connection:
            last = quote(sequence_file(settings.storage.sequences_path, days[-1]))
            about = relation_metadata(connection, f"read_parquet({last}, hive_partitioning = false)", rows=3)
        return made(
            about | {"dagster/row_count": user_days},
            events=events,
            lookback_days=settings.encoder.lookback_days,
            sequence_length_limit=settings.encoder.sequence_length,
            sequence_length=picture(plots.sequence_lengths(lengths), "sequence lengths"),
        )

    return [user_sequences]
