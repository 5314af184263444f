"""The job that removes what is older than the retention settings allow."""

import dagster as dg

from beha2vec_core.privacy.forgetting.retention import apply_retention as apply
from beha2vec_core.settings import Settings
from beha2vec_dagster.lib.metadata import markdown_table

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
