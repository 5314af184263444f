"""Promotion: a new encoder takes the place of the old one, whole or not at all; and the check of the gate before it."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import dagster as dg
import duckdb
import numpy as np
from pydantic import Field

from beha2vec_core.clusters import ClusterModel, Lineage, fit_clusters, keep_keys
from beha2vec_core.compute import Compute
from beha2vec_core.files import scratch
from beha2vec_core.settings import ExportSettings
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store.limits import SPILL
from beha2vec_core.store.vectors import VectorFile
from beha2vec_core.store.versions import ROLLED_BACK, forget_old_versions
from beha2vec_core.words import counted
from beha2vec_dagster.defs.clusters import models
from beha2vec_dagster.defs.clusters.models import ClusterModelVersion
from beha2vec_dagster.defs.encoder import versions
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.resources import GPU_POOL, ComputeResource, WarehouseResource

if TYPE_CHECKING:
    from beha2vec_core import BehaviorEncoder


class PromotionConfig(dg.Config):
    """When a new encoder may replace the one in use."""

    tolerance: float = Field(
        0.01, ge=0, description="How much worse a held-out metric may surely be than with the encoder in use."
    )
    max_moved: float = Field(
        0.05,
        ge=0,
        le=1,
        description="After a warm start: refuse if a larger share of users changes cluster without new events.",
    )
    force: bool = Field(False, description="Promote it even if the gate refuses it.")


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The encoder in use."""

    @asset(
        deps=["encoder_evaluation", "user_sequences"],
        group_name="encoder",
        kinds={"pytorch", "scikitlearn"},
        pool=GPU_POOL,
        code_version="3",
    )
    def trained_encoder(
        context: dg.AssetExecutionContext,
        config: PromotionConfig,
        warehouse: WarehouseResource,
        compute: ComputeResource,
    ) -> dg.MaterializeResult[Any]:
        """The encoder in use: the newest candidate is promoted here, or refused.

        Every day that readers see is embedded by the candidate beside the old vectors, clusters are carried over (a
        candidate that was trained on from the encoder in use keeps their centroids; for another they are computed
        from their users' new vectors, and keep their keys), and then readers are switched to both at once. A nightly
        run sees the old version or the new one, never both. A refused candidate changes nothing; `beha2vec.encoders`
        has the reason.
        """
        with warehouse.connect("trained_encoder: read") as connection:
            candidate, in_use = versions.newest_version(connection), versions.current_version(connection)
            reasons = _reasons(connection, candidate, config.tolerance) if candidate != in_use else []
            clusters = models.current_cluster_model(connection)
            days = _days(connection, in_use) if in_use else []
        if reasons and not config.force:
            _refuse(warehouse, candidate, reasons)
        moved: dict[str, Any] = {}
        if clusters is None:
            context.log.info(
                f"encoder {candidate} is the first: materialize user_embeddings, cluster_model, user_clusters"
            )
        elif in_use != candidate:
            device, _ = compute.resolve()
            encoder = versions.load_encoder(settings.storage.encoders_path / candidate, device)
            context.log.info(f"embedding {counted(len(days), 'day')} with {candidate}; {in_use} stays in use")
            versions.embed_days(settings, warehouse, encoder, days, compute.open())
            with scratch(settings.storage.data_dir, SPILL) as folder:
                moved = _switch(context, config, settings.storage, warehouse, encoder, clusters, compute.open(), folder)
        with warehouse.connect("trained_encoder: accept") as connection:
            connection.execute(
                """update beha2vec.encoders set accepted_at = coalesce(accepted_at, ?), refused = null
                where model_version = ?""",
                [datetime.now(UTC).replace(tzinfo=None), candidate],
            )
            forgotten = forget_old_versions(connection, settings.encoder.keep_versions)
            about = relation_metadata(connection, "beha2vec.encoders")
        for version in forgotten:
            shutil.rmtree(settings.storage.encoders_path / version, ignore_errors=True)
        return made(
            about,
            version=candidate,
            model_version=candidate,
            before=in_use,
            days=len(days),
            forced=reasons or None,
            forgotten=forgotten or None,
            **moved,
        )

    return [trained_encoder]


def _days(connection: duckdb.DuckDBPyConnection, version: str) -> list[date]:
    """The days that an encoder has embedded."""
    days = "select distinct event_date from beha2vec.user_embeddings where model_version = ? order by 1"
    return [day for (day,) in connection.execute(days, [version]).fetchall()]


def _reasons(connection: duckdb.DuckDBPyConnection, candidate: str, tolerance: float) -> list[str]:
    """Why not to promote it: its metrics, or an earlier rollback."""
    from beha2vec_core.evaluation import gate

    rolled_back = connection.execute(
        "select refused from beha2vec.encoders where model_version = ? and starts_with(refused, ?)",
        [candidate, ROLLED_BACK],
    ).fetchall()
    return [message for (message,) in rolled_back] or gate.reasons_to_refuse(
        versions.evaluation_rows(connection, candidate), tolerance
    )


def _refuse(warehouse: WarehouseResource, candidate: str, reasons: list[str]) -> NoReturn:
    """Record why, delete its vectors unless readers have seen them, and fail."""
    message = "; ".join(reasons)
    with warehouse.connect("trained_encoder: refuse") as connection:
        connection.execute("update beha2vec.encoders set refused = ? where model_version = ?", [message, candidate])
        connection.execute(
            """delete from beha2vec.user_embeddings where model_version = ? and model_version not in (
                select model_version from beha2vec.cluster_models where promoted_at is not null)""",
            [candidate],
        )
    raise dg.Failure(
        f"encoder {candidate} is refused: {message}. The encoder in use stays: the job refresh_last_days publishes new "
        "days with it (beha2vec materialize --job refresh_last_days --start DAY). Train another one, or materialize "
        "trained_encoder with force in the Launchpad",
        allow_retries=False,
    )


def _switch(
    context: dg.AssetExecutionContext,
    config: PromotionConfig,
    storage: Storage,
    warehouse: WarehouseResource,
    encoder: "BehaviorEncoder",
    clusters: ClusterModelVersion,
    compute: Compute,
    for_vectors: Path,
) -> dict[str, Any]:
    """Carry the clusters over to the candidate's vectors, and show both to readers."""
    candidate, folder = encoder.model_version, storage.cluster_models_path
    with warehouse.connect("trained_encoder: clusters before") as connection:
        used = models.used_keys(connection)
        goes_on = connection.execute(
            "select warm_start_from = ? from beha2vec.encoders where model_version = ?",
            [clusters.model_version, candidate],
        ).fetchall()[0][0]
    try:
        with warehouse.connect("trained_encoder: vectors") as connection:
            keys, vectors, earlier, too_little = models.users_to_cluster(connection, candidate, for_vectors)
        model, lineage = _carried_over(
            clusters.load(folder), candidate, vectors, earlier, used, compute, keep_centroids=bool(goes_on)
        )
    except ValueError as error:
        _refuse(warehouse, candidate, [f"clusters cannot be carried over to it: {error}"])
    model = models.with_posterior(model, lambda: encoder, storage.sequences_path, keys, vectors)
    # of whom there is enough evidence, and was before: others are in no cluster to move from
    known = earlier >= 0
    moved = float((model.assign(vectors).cluster_key[known] != earlier[known]).mean()) if known.any() else 0.0
    message = f"{moved:.1%} of the users change cluster without new events"
    if moved > config.max_moved and goes_on and not config.force:
        _refuse(warehouse, candidate, [f"{message}, more than {config.max_moved:.1%}"])
    if moved > config.max_moved:
        why = "promoted by force" if goes_on else f"not trained on from {clusters.model_version}"
        context.log.warning(f"{message}: {candidate} was {why}")
    else:
        context.log.info(message)
    with warehouse.connect("trained_encoder: clusters") as connection:
        new = ClusterModelVersion(
            models.write_cluster_model(connection, folder, model, len(vectors), lineage, clusters.version), candidate
        )
        days = _days(connection, candidate)  # with those it had before a rollback
    models.assign_days(warehouse, folder, new, days)
    with warehouse.connect("trained_encoder: switch") as connection:
        models.show_to_readers(connection, new)
    return {
        "moved_share": moved,
        "users_with_too_little_evidence": too_little,
        "centroids": "kept" if goes_on else "recomputed",
        "lineage": markdown_table(list(lineage[0]._fields), lineage),
    }


def _carried_over(
    before: ClusterModel,
    candidate: str,
    vectors: VectorFile,
    earlier: np.ndarray,
    used: list[int],
    compute: Compute,
    *,
    keep_centroids: bool,
) -> tuple[ClusterModel, list[Lineage]]:
    if keep_centroids:
        kept = replace(before, model_version=candidate)
        return kept, keep_keys(kept, vectors, earlier, used)[1]
    curve_of = max(2, before.k)
    fitted = fit_clusters(
        vectors,
        k=before.k,
        k_range=(curve_of, curve_of),
        seed=before.seed,
        model_version=candidate,
        earlier=earlier,
        progress=False,
        compute=compute,
    )
    return keep_keys(fitted, vectors, earlier, used)


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
        candidate = versions.newest_version(connection)
        rows = versions.evaluation_rows(connection, candidate)
        reasons = gate.reasons_to_refuse(rows, config.tolerance)
        promoted = config.force or versions.is_accepted(connection, candidate)
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
