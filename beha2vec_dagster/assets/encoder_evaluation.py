"""How good the newest encoder is on this property's own users."""

from typing import Any

import dagster as dg
from pydantic import Field

from beha2vec_core.warehouse import replace_partition
from beha2vec_dagster.metadata import markdown_table, plain, relation_metadata
from beha2vec_dagster.resources import GPU_POOL, GPU_TAGS, ComputeResource, WarehouseResource
from beha2vec_dagster.settings import settings


class EncoderEvaluationConfig(dg.Config):
    """How much is judged."""

    max_users: int = Field(
        20_000, gt=0, description="Users read at most, chosen by hash of user_key; up to a fifth of them are judged."
    )


@dg.asset(
    deps=["trained_encoder", "ml_ga4__sequence_events", "enriched_pages"],
    group_name="encoder",
    kinds={"pytorch", "duckdb"},
    pool=GPU_POOL,
    op_tags=GPU_TAGS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def encoder_evaluation(
    context: dg.AssetExecutionContext,
    config: EncoderEvaluationConfig,
    warehouse: WarehouseResource,
    compute: ComputeResource,
) -> dg.MaterializeResult[Any]:
    """The newest encoder judged on the users held out of its training, beside counts and other cheap floors.

    One row a model version, method and figure; `docs/evaluation.md` says what each figure means.
    """
    from beha2vec_core import BehaviorEncoder
    from beha2vec_core.evaluation.production import evaluate, headline, over_versions, read_own

    with warehouse.connect("encoder_evaluation: version") as connection:
        newest = connection.execute("select model_version from beha2vec.encoder_newest").fetchall()
    if not newest:
        raise dg.Failure("there is no trained encoder yet: materialize trained_encoder first")
    version = str(newest[0][0])
    device, device_note = compute.resolve()
    encoder = BehaviorEncoder.load(settings.encoders_path / version, device=device)  # type: ignore[arg-type]
    with warehouse.connect("encoder_evaluation: read") as connection:
        data = read_own(connection, encoder.train_config.held_out, config.max_users)
    evaluation = evaluate(encoder, data)
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
    return dg.MaterializeResult(
        metadata=about
        | plain(
            {
                "model_version": version,
                "device": device_note,
                "judged": evaluation.judged,
                "learned_from": evaluation.learned_from,
                "data_until": str(evaluation.data_until) if evaluation.data_until else None,
                "not_judged": evaluation.notes,
                "figures": markdown_table(*headline(evaluation.rows)),
                "versions": markdown_table(version_names, version_rows),
            }
        ),
    )
