"""Asset checks of our own assets (dbt's tests are checks of the models by themselves)."""

from datetime import datetime, timedelta

import dagster as dg

from beha2vec_core.ga4.arrivals import due_day
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_dagster.encoders import newest_version, reasons_to_refuse
from beha2vec_dagster.resources import WarehouseResource
from beha2vec_dagster.settings import settings

_MAX_UNKNOWN_SHARE = 0.3
_MAX_CLUSTER_SHARE = 0.5
_WATCHED_DAYS = 7


_PARTITIONS = (
    "read_parquet('{}/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false, allow_empty = true)"
)


@dg.asset_check(asset="raw_ga4_events", description="Partitions hold the rows that the ingest log accepted.")
def rows_are_accounted_for(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Error where a partition has other rows than the log says, or a day's rows do not add up."""
    with warehouse.connect("rows_are_accounted_for") as connection:
        days = connection.execute(
            f"""
            with partitions as (
                select property_id::varchar as property_id, event_date::date as event_date, count(*) as rows
                from {_PARTITIONS.format(settings.raw_path)} group by all
            )
            select log.event_date::varchar, rows, accepted, quarantined, rows_in
            from raw.ga4_ingest_log as log left join partitions using (property_id, event_date)
            where rows_in <> accepted + quarantined or status = 'ingested' and rows is distinct from accepted
            """
        ).fetchall()
    return dg.AssetCheckResult(passed=not days, metadata={"days_that_differ": [str(day) for day in days[:20]]})


@dg.asset_check(asset="raw_ga4_events", description="Every property with partitions is still in the export.")
def no_property_is_left_over() -> dg.AssetCheckResult:
    """Warn of partitions of a property that the source no longer has: the same events under another id count twice."""
    present = {file.property_id for file in find_source_files(settings.source, settings.property_id)}
    stored = {folder.name.removeprefix("property_id=") for folder in settings.raw_path.glob("property_id=*")}
    left = sorted(stored - present)
    remedy = "if the property was renamed, delete its folders in raw_ga4_events and rebuild the dbt models in full"
    return dg.AssetCheckResult(
        passed=not left,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"properties": left, "remedy": remedy} if left else {"properties": left},
    )


@dg.asset_check(asset="raw_ga4_events", description="No day is missing, unreadable, or kept from an earlier export.")
def no_day_is_missing(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of days without data (downstream days run on, with a gap), and of days whose files are gone."""
    with warehouse.connect("no_day_is_missing") as connection:
        rows = connection.execute(
            """select event_date, status, problem from raw.ga4_ingest_log
            where status in ('missing', 'unreadable', 'kept') order by event_date"""
        ).fetchall()
    return dg.AssetCheckResult(
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "days": [f"{day}: {status}{f' ({problem})' if problem else ''}" for day, status, problem in rows[:50]]
        },
    )


@dg.asset_check(
    asset="raw_ga4_events",
    description=f"Each day's export has arrived by {settings.export_deadline_hour}:00 of the day after.",
)
def exports_arrive_in_time(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Error where a day of the last week is due and has no events."""
    due = due_day(datetime.now(settings.tz), settings.export_deadline_hour)
    last = min(due, settings.end_date or due)
    first = max(settings.start_date, due - timedelta(days=_WATCHED_DAYS - 1))
    with warehouse.connect("exports_arrive_in_time") as connection:
        days = connection.execute(
            """select day::date::varchar from generate_series(?::date, ?::date, interval 1 day) as days(day)
            where day::date not in (
                select event_date from raw.ga4_ingest_log where status in ('ingested', 'kept')) order by day""",
            [first, last],
        ).fetchall()
    remedy = (
        "look whether GA4 still exports to BigQuery and the files are copied here, then materialize these days. "
        "Exports that always come later: BEHA2VEC_EXPORT_DEADLINE_HOUR"
    )
    return dg.AssetCheckResult(
        passed=not days, metadata={"days": [day for (day,) in days]} | ({"remedy": remedy} if days else {})
    )


@dg.asset_check(
    asset="enriched_pages", description=f"Views on pages of unknown theme stay below {_MAX_UNKNOWN_SHARE:.0%}."
)
def most_views_have_a_theme(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where labels or rules do not fit the site."""
    return _most_views_have(warehouse, "theme")


@dg.asset_check(
    asset="enriched_pages", description=f"Views on pages of unknown type stay below {_MAX_UNKNOWN_SHARE:.0%}."
)
def most_views_have_a_page_type(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where labels or rules do not fit the site."""
    return _most_views_have(warehouse, "page_type")


def _most_views_have(warehouse: WarehouseResource, kind: str) -> dg.AssetCheckResult:
    with warehouse.connect(f"most_views_have_a_{kind}") as connection:
        row = connection.execute(
            f"""select sum(page_views) filter ({kind} = 'unknown') / sum(page_views)
            from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key)"""
        ).fetchone()
    share = float(row[0] or 0) if row else 0.0
    remedy = "see pages_to_review in the asset's metadata, then add labels, rules or overrides (docs/pages.md)"
    return dg.AssetCheckResult(
        passed=share <= _MAX_UNKNOWN_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unknown_share": share} | ({} if share <= _MAX_UNKNOWN_SHARE else {"remedy": remedy}),
    )


@dg.asset_check(
    asset="encoder_evaluation",
    description="The new encoder is not worse than the one in use, and its vectors have not collapsed.",
    blocking=True,
)
def candidate_is_no_worse(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Error where the candidate should be refused: it is not promoted, and its row in beha2vec.encoders says why."""
    with warehouse.connect("candidate_is_no_worse") as connection:
        candidate = newest_version(connection)
        reasons = reasons_to_refuse(connection, candidate)
        if reasons:
            connection.execute(
                "update beha2vec.encoders set refused = ? where model_version = ?", ["; ".join(reasons), candidate]
            )
    return dg.AssetCheckResult(passed=not reasons, metadata={"model_version": candidate, "reasons": reasons or "none"})


@dg.asset_check(asset="user_embeddings", description="One finite vector a day, version and user.", blocking=True)
def vectors_are_finite_and_unique(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Error where a vector holds NaN, infinity or zeros only, or a user has two on one day."""
    with warehouse.connect("vectors_are_finite_and_unique") as connection:
        broken = connection.execute(
            """select count(*) from beha2vec.user_embeddings
            where not isfinite(list_sum(behavior)) or not isfinite(list_sum(identity))
                or list_inner_product(behavior, behavior) < 1e-6"""
        ).fetchone()
        repeated = connection.execute(
            """select count(*) from (select 1 from beha2vec.user_embeddings
            group by event_date, model_version, user_key having count(*) > 1)"""
        ).fetchone()
    assert broken is not None and repeated is not None
    return dg.AssetCheckResult(
        passed=broken[0] == 0 and repeated[0] == 0, metadata={"broken": broken[0], "repeated": repeated[0]}
    )


@dg.asset_check(asset="user_clusters", description=f"No cluster holds more than {_MAX_CLUSTER_SHARE:.0%} of the users.")
def no_cluster_swallows_the_rest(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of a lump: clusters that tell little."""
    with warehouse.connect("no_cluster_swallows_the_rest") as connection:
        row = connection.execute(
            """select max(n) / sum(n) from (select count(*) as n from beha2vec.user_clusters_current
            group by cluster_key)"""
        ).fetchone()
    share = float(row[0] or 0) if row else 0.0
    return dg.AssetCheckResult(
        passed=share <= _MAX_CLUSTER_SHARE, severity=dg.AssetCheckSeverity.WARN, metadata={"largest_share": share}
    )
