"""The one partitions definition: a day of the GA4 property, in its time zone."""

from collections.abc import Mapping
from datetime import date, timedelta

from dagster import AssetExecutionContext, DailyPartitionsDefinition

from beha2vec_core.settings import ExportSettings

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def daily_partitions(settings: ExportSettings) -> DailyPartitionsDefinition:
    """The days from the first of the export to its last, or to yesterday."""
    return DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=(settings.end_date + timedelta(days=1)).isoformat() if settings.end_date else None,
        timezone=settings.timezone,
    )


def days_of(context: AssetExecutionContext) -> list[date]:
    """The days that a run asks for, one or a range."""
    return [date.fromisoformat(key) for key in context.partition_keys]


def range_of(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """First and last day that a run is for, by its tags, also in a step that has no partitions; None: for no day."""
    first, last = (tags.get(end) or tags.get("dagster/partition") for end in (RANGE_START, RANGE_END))
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags of a run for all days from first to last."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}
