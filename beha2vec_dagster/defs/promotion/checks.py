"""The gate of a new encoder, as a check."""

from typing import Any

import dagster as dg

from beha2vec_dagster.defs.encoder.versions import evaluation_rows, is_accepted, newest_version
from beha2vec_dagster.defs.promotion.assets import PromotionConfig
from beha2vec_dagster.lib.metadata import markdown_table
from beha2vec_dagster.lib.resources import WarehouseResource


@dg.asset_check(
    asset="encoder_evaluation",
    description="The new encoder is not worse than the one in use, and its vectors have not collapsed.",
)
def candidate_is_no_worse(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Report what `trained_encoder` decides with the run's tolerance and force; this check writes nothing.

    Error where the encoder is refused; a warning where it is worse and still promoted.
    """
    from beha2vec_core.evaluation import gate

    run_config: dict[str, Any] = dict(context.run.run_config)
    ops = run_config.get("ops", {})
    config = PromotionConfig(**ops.get("trained_encoder", {}).get("config", {}))
    with warehouse.connect("candidate_is_no_worse") as connection:
        candidate = newest_version(connection)
        rows = evaluation_rows(connection, candidate)
        reasons = gate.reasons_to_refuse(rows, config.tolerance)
        promoted = config.force or is_accepted(connection, candidate)
    compared = gate.comparisons(rows)
    metadata: dict[str, Any] = {
        "model_version": candidate,
        "tolerance": config.tolerance,
        "reasons": reasons or "none",
        "figures": markdown_table(
            ["figure", "vectors", "candidate", "in use", "difference from", "to (95%)"], compared
        ),
    }
    if reasons:
        metadata["remedy"] = (
            "it is promoted anyway; `beha2vec rollback` returns to the previous encoder"
            if promoted
            else "new days are published with the encoder in use by the job refresh_last_days (beha2vec materialize "
            "--job refresh_last_days --start DAY); train another encoder, or materialize trained_encoder with force in "
            "the Launchpad"
        )
    severity = dg.AssetCheckSeverity.WARN if reasons and promoted else dg.AssetCheckSeverity.ERROR
    figures = "; ".join(f"{one.figure} of {one.method}: {one.value:.3f}{_in_use(one.champion)}" for one in compared)
    return dg.AssetCheckResult(
        passed=not reasons, severity=severity, description="; ".join(reasons) or figures or None, metadata=metadata
    )


def _in_use(champion: float | None) -> str:
    return "" if champion is None else f" (in use: {champion:.3f})"
