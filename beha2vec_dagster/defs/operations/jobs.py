"""Jobs and schedules."""

from datetime import date, timedelta

import dagster as dg

from beha2vec_core.ga4 import CORRECTED_DAYS
from beha2vec_core.privacy.forgetting.retention import LAYERS
from beha2vec_core.privacy.forgetting.retention import apply_retention as apply
from beha2vec_core.settings import ExportSettings, Settings
from beha2vec_dagster.lib.metadata import markdown_table
from beha2vec_dagster.lib.partitions import daily_partitions, range_tags

_PREDICTIONS = ("prediction_examples", "prediction_candidate", "prediction_evaluation", "prediction_model")
_TRAINING = dg.AssetSelection.assets(
    "encoder_candidate", "encoder_evaluation", "trained_encoder", "cluster_model", *_PREDICTIONS
)
# tags of automatic runs: one whose process died is retried
UNATTENDED = {"dagster/max_retries": "2"}

refresh_last_days = dg.define_asset_job(
    "refresh_last_days",
    selection=dg.AssetSelection.all() - _TRAINING,
    description="New and corrected days, from raw events to the serving database; the encoder does not change.",
)

train_encoder = dg.define_asset_job(
    "train_encoder",
    selection=dg.AssetSelection.assets(
        "encoder_candidate", "encoder_evaluation", "trained_encoder", "cluster_members", "cluster_profiles",
        "cluster_insights", *_PREDICTIONS, "serving_database",
    ),
    description="A new encoder: trained, evaluated, and promoted if it is not worse than the one in use, with all days "
    "embedded and the clusters carried over; then new prediction models.",
)  # fmt: skip

train_predictions = dg.define_asset_job(
    "train_predictions",
    selection=dg.AssetSelection.assets(*_PREDICTIONS, "serving_database"),
    description="New prediction models: fitted on the newest weeks, tested on dates they have not seen, and used if "
    "they are not worse than the ones in use.",
)

rebuild_clusters = dg.define_asset_job(
    "rebuild_clusters",
    selection=dg.AssetSelection.assets(
        "cluster_model", "user_clusters", "cluster_members", "cluster_profiles", "cluster_insights", "serving_database"
    ),
    description="Fits new clusters on the existing vectors; continuing clusters keep their keys. For all days: readers "
    "are switched once the last day is assigned.",
)

reembed_history = dg.define_asset_job(
    "reembed_history",
    selection=dg.AssetSelection.assets(
        "user_sequences", "user_embeddings", "user_clusters", "cluster_members", "cluster_profiles",
        "cluster_insights", "serving_database",
    ),
    description="Embeds past days with the encoder in use and assigns their clusters: for a longer history, or for "
    "days that arrived while another encoder was in use.",
)  # fmt: skip

write_insights = dg.define_asset_job(
    "write_insights",
    selection=dg.AssetSelection.assets("cluster_profiles", "cluster_insights", "serving_database"),
    description="Rebuilds the facts and insights of the clusters; users keep their clusters.",
)

materialize_everything = dg.define_asset_job(
    "materialize_everything",
    selection=dg.AssetSelection.all(),
    description="The whole graph for the chosen days, in one run.",
)

check_exports = dg.define_asset_job(
    "check_exports",
    selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("raw_ga4_events"), "exports_arrive_in_time")),
    description="Checks that the exports due have arrived.",
)


ALL = [
    materialize_everything, refresh_last_days, train_encoder, train_predictions, rebuild_clusters, reembed_history,
    write_insights, check_exports,
]  # fmt: skip


# where a layer's removals are shown, besides the run
_ASSETS = {
    "raw": "raw_ga4_events",
    "quarantine": "raw_ga4_events",
    "events": "stg_ga4__events",
    "sequences": "user_sequences",
    "embeddings": "user_embeddings",
}


def build_retention_job(settings: Settings) -> dg.JobDefinition:
    """The job ``apply_retention`` for some settings."""

    @dg.op
    def remove_old_days(context: dg.OpExecutionContext) -> dg.Output[None]:
        """Remove old days of each layer that has a limit, and say what was removed."""
        removed = apply(settings)
        for one in removed:
            metadata = {
                "retention_layer": one.layer,
                "retention_days": one.keep_days,
                "removed_before": one.before.isoformat(),
                "days_removed": one.days,
                "rows_removed": one.rows,
            }
            context.log_event(dg.AssetObservation(_ASSETS[one.layer], metadata=metadata))
        names = ["layer", "days kept", "removed before", "days removed", "rows removed"]
        return dg.Output(
            None, metadata={"rows_removed": sum(one.rows for one in removed), "removed": markdown_table(names, removed)}
        )

    @dg.job(
        name="apply_retention",
        description="Removes what is older than BEHA2VEC_RETENTION_DAYS_* allow (docs/privacy.md).",
    )
    def apply_retention() -> None:
        remove_old_days()

    return apply_retention


def build_schedules(settings: ExportSettings) -> list[dg.ScheduleDefinition]:
    """The schedules, in the property's time zone."""
    daily = daily_partitions(settings)

    @dg.schedule(
        name="nightly_refresh",
        job=refresh_last_days,
        cron_schedule=f"0 {settings.dagster.nightly_hour} * * *",
        execution_timezone=settings.export.timezone,
        description=f"Each night the last {CORRECTED_DAYS} days, since GA4 corrects a day for up to 72 hours.",
    )
    def nightly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """One run for the last days up to yesterday."""
        today = context.scheduled_execution_time.astimezone(settings.export.tz).date()
        wanted = {today - timedelta(days=back) for back in range(1, CORRECTED_DAYS + 1)}
        partitions = daily.get_partition_keys(context.scheduled_execution_time)
        known = [day for key in partitions if (day := date.fromisoformat(key)) in wanted]
        if not known:
            return dg.SkipReason(f"no day between {min(wanted)} and {max(wanted)} is in the configured span")
        tags = range_tags(known[0], known[-1]) | UNATTENDED
        return dg.RunRequest(run_key=f"{known[0]}...{known[-1]}", tags=tags)

    # two hours after the night's refresh, on Sundays
    weekly_training = dg.ScheduleDefinition(
        name="weekly_training",
        job=train_encoder,
        cron_schedule=f"0 {(settings.dagster.nightly_hour + 2) % 24} * * 0",
        execution_timezone=settings.export.timezone,
        run_config={"ops": {"encoder_candidate": {"config": {"warm_start": True}}}},
        tags=UNATTENDED,
        description="Trains the encoder in use on newer data, and promotes it if it is not worse.",
    )

    watch_exports = dg.ScheduleDefinition(
        name="watch_exports",
        job=check_exports,
        cron_schedule=f"5 {settings.dagster.export_deadline_hour} * * *",
        execution_timezone=settings.export.timezone,
        description="Reports that a day's export missed its deadline, even if nothing else runs.",
    )

    limited = any(settings.privacy.retention_days(layer) for layer in LAYERS)
    nightly_retention = dg.ScheduleDefinition(
        name="nightly_retention",
        job=build_retention_job(settings),
        cron_schedule=f"30 {(settings.dagster.nightly_hour + 1) % 24} * * *",
        execution_timezone=settings.export.timezone,
        tags=UNATTENDED,
        default_status=dg.DefaultScheduleStatus.RUNNING if limited else dg.DefaultScheduleStatus.STOPPED,
        description="After the night's refresh, removes what is older than BEHA2VEC_RETENTION_DAYS_* allow; on "
        "from the start if one is set.",
    )

    return [nightly_refresh, weekly_training, watch_exports, nightly_retention]
