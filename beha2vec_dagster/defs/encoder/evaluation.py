"""How good the newest encoder is on this property's own users, beside the one in use."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from beha2vec_core.compute.device import Device
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_dagster.defs.encoder.versions import load_encoder, newest_version, version_beside
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.resources import GPU_POOL, ComputeResource, WarehouseResource

if TYPE_CHECKING:
    from beha2vec_core import BehaviorEncoder


class EncoderEvaluationConfig(dg.Config):
    """How much is judged."""

    max_users: int = Field(
        20_000, gt=0, description="Users read at most, chosen by hash of user_key; up to a fifth of them are evaluated."
    )


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The judgement of the newest encoder."""

    @asset(
        deps=["encoder_candidate", "ml_ga4__sequence_events", "enriched_pages"],
        group_name="encoder",
        kinds={"pytorch", "duckdb"},
        pool=GPU_POOL,
        code_version="1",
    )
    def encoder_evaluation(
        context: dg.AssetExecutionContext,
        config: EncoderEvaluationConfig,
        warehouse: WarehouseResource,
        compute: ComputeResource,
    ) -> dg.MaterializeResult[Any]:
        """The newest encoder evaluated on held-out users, compared with the one in use, counts and other baselines.

        One row per model version, method and metric; `docs/evaluation.md` explains each metric. They are also added to
        the encoder's model card.
        """
        from beha2vec_core.evaluation.production import evaluate, headline, over_versions, read_own

        with warehouse.connect("encoder_evaluation: version") as connection:
            version = newest_version(connection)
            rival = version_beside(connection, version)
        device, device_note = compute.resolve()
        encoder = load_encoder(settings.storage.encoders_path / version, device)
        champion = _champion(context, settings.storage.encoders_path / rival, device) if rival else None
        with warehouse.connect("encoder_evaluation: read") as connection:
            data = read_own(connection, encoder.train_config.held_out, config.max_users)
        evaluation = evaluate(encoder, data, champion)
        with warehouse.connect("encoder_evaluation: write") as connection:
            connection.register("evaluation", evaluation.rows)
            of_version = f"model_version = '{version}'"
            replace_partition(connection, "beha2vec.encoder_evaluation", "select * from evaluation", of_version)
            about = relation_metadata(connection, f"(from beha2vec.encoder_evaluation where {of_version})")
            versions = connection.execute(over_versions())
            version_names = [column[0] for column in versions.description or []]
            version_rows = versions.fetchall()
        for note in evaluation.notes:
            context.log.warning(note)
        card = _write_card(context, encoder, settings.storage.encoders_path / version, evaluation.rows.to_pylist())
        return made(
            about,
            model_version=version,
            beside=champion.model_version if champion else None,
            device=device_note,
            judged=evaluation.judged,
            learned_from=evaluation.learned_from,
            data_until=str(evaluation.data_until) if evaluation.data_until else None,
            not_judged=evaluation.notes,
            figures=markdown_table(*headline(evaluation.rows)),
            versions=markdown_table(version_names, version_rows, longest=1000),
            model_card=card,
        )

    return [encoder_evaluation]


def _champion(context: dg.AssetExecutionContext, folder: Path, device: Device) -> "BehaviorEncoder | None":
    """The encoder to compare with; None, and a warning, where this release can no longer read it."""
    try:
        return load_encoder(folder, device)
    except dg.Failure as failure:
        context.log.warning(f"the new encoder is evaluated alone: {failure.description}")
        return None


def _write_card(
    context: dg.AssetExecutionContext, encoder: "BehaviorEncoder", folder: Path, rows: list[dict[str, Any]]
) -> dg.MetadataValue | None:
    """The model card with its figures; where people broke it, it is left as it is and a warning says so."""
    from beha2vec_core.encoder.card import CardError, write_evaluation

    try:
        return dg.MetadataValue.md(write_evaluation(encoder, folder, rows).text)
    except CardError as problem:
        context.log.warning(str(problem))
        return None
