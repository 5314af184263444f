"""Raw GA4 events: the export's files as one canonical parquet partition a day."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from joblib import cpu_count
from pydantic import Field

from beha2vec_core.bigquery.models import mark_folder, require_one_warehouse, require_tables
from beha2vec_core.estimate import memory_bytes
from beha2vec_core.ga4.bigquery import price_of, require_affordable, table_reports
from beha2vec_core.ga4.ingest import ingest_days, require_usable
from beha2vec_core.ga4.report import IngestReport
from beha2vec_core.ga4.source_files import Export
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.ga4.user_tables import UserTablesReport, due_tables, ingest_user_tables
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote
from beha2vec_core.store.tables import as_table
from beha2vec_core.store.warehouse import transaction
from beha2vec_dagster.lib import plots
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, picture, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of, require_kept
from beha2vec_dagster.lib.resources import WarehouseResource

_QUARANTINED = ("property_id", "event_date", "source_file", "source_line", "reason", "content")


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The raw events of the export, a partition a day."""
    daily = daily_partitions(settings)

    class IngestConfig(dg.Config):
        """What to read and how much of it may be bad."""

        source: str = Field(settings.export.source, description="The GA4 export (docs/export.md).")
        max_bad_share: float = Field(
            settings.export.max_bad_share, description="A day with a larger share of unreadable rows fails (0 to 1)."
        )

    @asset(partitions_def=daily, group_name="ga4", kinds={"ga4", "parquet"}, code_version="2")
    def raw_ga4_events(
        context: dg.AssetExecutionContext, config: IngestConfig, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        """GA4 events as exported, one canonical nested parquet partition per property and day.

        Reads JSON, parquet and flattened CSV exports, here or in a bucket, and tables of BigQuery. A row that cannot be
        read goes to `raw.ga4_quarantine` with file, line and reason: rows in = accepted + quarantined + forgotten
        (people who asked for it: `beha2vec forget`).
        Reading a day again replaces it. Personal data in addresses, titles, parameters and campaigns becomes
        `[redacted]` (docs/privacy.md).
        """
        require_one_warehouse(settings)
        days = days_of(context)
        require_kept(settings, (days[0], days[-1]))
        export = find_export(config.source, settings.export.property_id)
        if settings.storage.warehouse == "bigquery":
            mark_folder(settings.storage)
            return _stay_in_bigquery(context, warehouse, export, days, settings.bigquery.maximum_bytes)
        since = settings.first_kept_day("events", datetime.now(UTC))
        tables = due_tables(export.user_tables, days, settings.storage.users_path, since)
        price = price_of([*(file for file in export.files if file.day in days), *tables])
        if price is not None:
            context.log.info(price.summary)
            require_affordable(price, settings.bigquery.maximum_bytes)
        report = ingest_days(
            export.files,
            days,
            settings.storage.raw_path,
            max_bad_share=config.max_bad_share,
            progress=context.log.info,
            notice=export.notice,
            keep_originals_days=settings.privacy.keep_originals_days,
            memory_bytes=memory_bytes(settings.storage.memory_limit),
            threads=settings.storage.threads or cpu_count(),
        )
        users = ingest_user_tables(export.user_tables, days, settings.storage.users_path, since)
        for problem in users.problems:
            context.log.warning(f"Consent to personal ads: {problem}.")
        with warehouse.connect("raw_ga4_events") as connection:
            _record(connection, report, days, [file.name for file in export.files if file.day is None])
        require_usable(report, max_bad_share=config.max_bad_share)
        for day in days:
            context.add_asset_metadata(_day_metadata(report, day), partition_key=day.isoformat())
        return made(
            _run_metadata(report, users, days, settings.storage.raw_path)
            | ({"price": price.summary, "bytes_read": price.bytes} if price else {})
        )

    return [raw_ga4_events]


def _stay_in_bigquery(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    export: Export,
    days: list[date],
    maximum_bytes: int,
) -> dg.MaterializeResult[Any]:
    """Note which tables there are: events stay where they are, and dbt reads them there."""
    report = IngestReport(days=table_reports(export.files, days, maximum_bytes), notice=export.notice)
    with warehouse.connect("raw_ga4_events") as connection:
        require_tables(connection, report)
        _record(connection, report, days, [])
    require_usable(report, max_bad_share=0.0)
    for day in days:
        context.add_asset_metadata(_day_metadata(report, day), partition_key=day.isoformat())
    events = {day.event_date: day.accepted for day in report.days}
    return made(
        {
            "dagster/row_count": report.accepted,
            "days_by_status": dict(Counter(day.status for day in report.days)),
            "tables_of_users": report.notice or "none",
            "stored": "in BigQuery, without a copy",
            "events_per_day": picture(plots.events_per_day(events), "events a day"),
        }
    )


def _record(
    connection: duckdb.DuckDBPyConnection, report: IngestReport, days: list[date], undated_files: list[str]
) -> None:
    """Replace the rows of the days, and of the undated files just read, in the ingest log and the quarantine table."""
    about = {"ingested_at": datetime.now(UTC).replace(tzinfo=None)}
    connection.register("logged", as_table("raw.ga4_ingest_log", [vars(day) | about for day in report.days]))
    rows = [dict(zip(_QUARANTINED, row, strict=True)) | {"privacy_rules": rules().version} for row in report.quarantine]
    connection.register("quarantined", as_table("raw.ga4_quarantine", rows))
    with transaction(connection):
        connection.execute(
            """delete from raw.ga4_ingest_log
            where (property_id, event_date) in (select property_id, event_date from logged)"""
        )
        connection.execute("insert into raw.ga4_ingest_log by name from logged")
        connection.execute(
            """delete from raw.ga4_quarantine as old where list_contains(?::varchar[], property_id) and (
                list_contains(?::date[], event_date)
                or event_date is null and list_contains(?::varchar[], source_file))""",
            [sorted({day.property_id for day in report.days}), days, undated_files],
        )
        connection.execute("insert into raw.ga4_quarantine by name from quarantined")


def _day_metadata(report: IngestReport, day: date) -> dict[str, Any]:
    of_day = [d for d in report.days if d.event_date == day]
    counts = ("rows_in", "accepted", "quarantined", "forgotten", "users", "redacted")
    return {
        "dagster/partition_row_count": sum(d.accepted for d in of_day),
        "status": ", ".join(sorted({d.status for d in of_day})),
        **{name: sum(getattr(d, name) for d in of_day) for name in counts},
    }


def _run_metadata(report: IngestReport, users: UserTablesReport, days: list[date], folder: Path) -> dict[str, Any]:
    events: dict[date, int] = dict.fromkeys(days, 0)
    for day in report.days:
        events[day.event_date] += day.accepted
    statuses = Counter(day.status for day in report.days)
    reasons = Counter(row[4] for row in report.quarantine if row[3] is not None)
    parquet = f"read_parquet({quote(folder / '*/*/*.parquet')}, allow_empty = true)"
    with limits.connect() as connection:
        about = relation_metadata(connection, parquet, rows=3)
    return about | {
        "dagster/row_count": report.accepted,
        "run_rows_in": report.rows_in,
        "run_quarantined": report.quarantined,
        "run_redacted": report.redacted,
        "run_forgotten": report.forgotten,
        "quarantined_rows_of_no_day": report.rows_of_no_day,
        "days_by_status": dict(statuses),
        "tables_of_users": report.notice or "none",
        "users_asked_about_personal_ads": users.users,
        "users_without_personal_ads": users.denied,
        "problems_of_tables_of_users": "; ".join(users.problems) or "none",
        "unknown_fields": dict(report.unknown_fields.most_common(20)),
        "quarantine_reasons": markdown_table(["reason", "rows"], [(r, n) for r, n in reasons.most_common(10)]),
        "events_per_day": picture(plots.events_per_day(events), "events a day"),
    }
