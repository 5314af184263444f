"""The one partitions definition: a day of the GA4 property, in its time zone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from dagster import AssetExecutionContext, DailyPartitionsDefinition, Failure

from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.tables import Layer

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def daily_partitions(settings: ExportSettings) -> DailyPartitionsDefinition:
    """The days from the first of the export to its last, or to yesterday."""
    return DailyPartitionsDefinition(
        start_date=settings.export.start_date.isoformat(),
        end_date=(settings.export.end_date + timedelta(days=1)).isoformat() if settings.export.end_date else None,
        timezone=settings.export.timezone,
    )


def days_of(context: AssetExecutionContext) -> list[date]:
    """The days that a run asks for, one or a range."""
    return [date.fromisoformat(key) for key in context.partition_keys]


def require_kept(settings: ExportSettings, days: tuple[date, date] | None, layer: Layer = "raw") -> None:
    """Refuse days that the retention of a layer removes: made again, what was made from them would be empty.

    Raises:
        Failure: the run asks for such a day; the message names the first day that it can ask for.
    """
    kept = settings.first_kept_day(layer, datetime.now(UTC))
    if days and kept and days[0] < kept:
        raise Failure(
            f"{days[0]} is older than BEHA2VEC_RETENTION_DAYS_{layer.upper()}={settings.privacy.retention_days(layer)} "
            f"keeps: begin with {kept}",
            allow_retries=False,
        )


def range_of(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """First and last day that a run is for, by its tags, also in a step that has no partitions; None: for no day."""
    first, last = (tags.get(end) or tags.get("dagster/partition") for end in (RANGE_START, RANGE_END))
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags of a run for all days from first to last."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}
