"""The encoder and the vectors it gives."""

import json
import tempfile
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from beha2vec_core.user_sequences import sequence_file
from beha2vec_core.warehouse import replace_partition
from beha2vec_dagster import plots
from beha2vec_dagster.metadata import markdown_table, picture, plain, relation_metadata
from beha2vec_dagster.partitions import daily, days_of
from beha2vec_dagster.resources import GPU_POOL, GPU_TAGS, ComputeResource, WarehouseResource
from beha2vec_dagster.settings import settings


class TrainingConfig(dg.Config):
    """What the encoder is and how it is trained."""

    dim: int = Field(64, description="Length of a user's vector; a multiple of twice the heads.")
    layers: int = Field(2, description="Transformer blocks.")
    heads: int = Field(4, description="Attention heads in each block.")
    epochs: int = Field(15, description="Passes over the users.")
    learning_rate: float = Field(0.003, description="Step size of AdamW at its peak.")
    next_event_weight: float = Field(1.0, description="Weight of the next-event loss; 0 turns it off.")
    content_weight: float = Field(1.0, description="Weight of the content loss; 0 turns it off.")
    contrastive_weight: float = Field(
        1.0, description="Weight of the contrastive loss: cuts of one user close, of others far; 0 turns it off."
    )
    triplet_weight: float = Field(0.0, description="Weight of the original article's triplet loss; 0 turns it off.")
    min_events: int = Field(3, description="Users with fewer events are flagged low_evidence.")
    max_users: int = Field(500_000, description="Train on at most this many users, chosen by hash of user_key.")
    seed: int = Field(0, description="Same seed, data and device: same weights.")


@dg.asset(
    deps=["user_sequences"],
    group_name="encoder",
    kinds={"pytorch"},
    pool=GPU_POOL,
    op_tags=GPU_TAGS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def trained_encoder(
    context: dg.AssetExecutionContext, config: TrainingConfig, warehouse: WarehouseResource, compute: ComputeResource
) -> dg.MaterializeResult[Any]:
    """The transformer encoder, trained self-supervised on each user's latest sequence.

    Saved under `encoders/<model_version>` (config, vocabulary, weights as safetensors). Readers go on with the old
    version until `cluster_model` has been fitted on the new vectors.
    """
    from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig

    device, device_note = compute.resolve()
    sequences = _latest_sequences(config.max_users)
    weights = {
        "next_event": config.next_event_weight,
        "content": config.content_weight,
        "contrastive": config.contrastive_weight,
        "triplet": config.triplet_weight,
    }
    encoder = BehaviorEncoder.fit(
        sequences,
        EncoderConfig(
            dim=config.dim,
            layers=config.layers,
            heads=config.heads,
            min_events=config.min_events,
            max_length=settings.sequence_length,
        ),
        TrainConfig(
            objectives={name: weight for name, weight in weights.items() if weight > 0},
            epochs=config.epochs,
            learning_rate=config.learning_rate,
            seed=config.seed,
            device=device,  # type: ignore[arg-type]
        ),
        on_epoch=lambda row: context.log.info(
            "epoch " + ", ".join(f"{k}={v:.4g}" for k, v in row.items() if isinstance(v, int | float))
        ),
    )
    folder = settings.encoders_path / encoder.model_version
    settings.encoders_path.mkdir(parents=True, exist_ok=True)
    encoder.save(folder)
    row = {
        "model_version": encoder.model_version,
        "config": json.dumps(asdict(encoder.config)),
        "train_config": json.dumps(asdict(encoder.train_config)),
        "data_window": json.dumps(encoder.data_window),
        "training_curve": json.dumps(encoder.training_curve),
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
    }
    with warehouse.connect("trained_encoder") as connection:
        connection.execute(
            f"insert or replace into beha2vec.encoders ({', '.join(row)}) values ({', '.join('?' * len(row))})",
            list(row.values()),
        )
        about = relation_metadata(connection, "beha2vec.encoders")
    curve = encoder.training_curve
    return dg.MaterializeResult(
        data_version=dg.DataVersion(encoder.model_version),
        metadata=about
        | plain(
            {
                "model_version": encoder.model_version,
                "device": device_note,
                "users": encoder.data_window["users"],
                "events": encoder.data_window["events"],
                "loss": curve[-1]["loss"],
                "held_out_loss": curve[-1].get("held_out_loss"),
                "loss_curve": picture(plots.loss_curve(curve), "loss by epoch"),
                "training_curve": markdown_table(list(curve[0]), [tuple(r.values()) for r in curve]),
                "config": dg.MetadataValue.json(json.loads(row["config"])),
                "train_config": dg.MetadataValue.json(json.loads(row["train_config"])),
            }
        ),
    )


def _latest_sequences(max_users: int) -> Any:
    """Each user's latest sequence, as an Arrow table; a stable choice of users where there are too many."""
    files = str(settings.sequences_path).replace("'", "''")
    with duckdb.connect() as connection:
        return connection.sql(
            f"""
            select * exclude (event_date) from read_parquet('{files}/*/*.parquet', hive_partitioning = true)
            qualify row_number() over (partition by user_key order by event_date desc) = 1
            order by md5(user_key) limit {int(max_users)}
            """
        ).to_arrow_table()


@dg.asset(
    partitions_def=daily,
    deps=["user_sequences", "trained_encoder"],
    group_name="encoder",
    kinds={"pytorch", "duckdb"},
    pool=GPU_POOL,
    op_tags=GPU_TAGS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def user_embeddings(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, compute: ComputeResource
) -> dg.MaterializeResult[Any]:
    """One row per day, model version and user active that day: behavior and identity vectors.

    `beha2vec.user_embeddings_current` has each user's latest row. Between a retrain and its clusters, days are embedded
    by both encoders, the one that readers see and the new one.
    """
    days = days_of(context)
    missing = [day for day in days if not sequence_file(settings.sequences_path, day).exists()]
    if missing:
        raise dg.Failure(f"there are no user_sequences for {missing[0]}: materialize that partition first")
    versions = _versions_in_use(warehouse)
    device, device_note = compute.resolve()
    counts = {version: _embed(context, warehouse, version, device, days) for version in versions}
    newest = versions[-1]
    for day in days:
        context.add_asset_metadata({"dagster/partition_row_count": counts[newest][day]}, partition_key=day.isoformat())
    with warehouse.connect("user_embeddings: metadata") as connection:
        of_run = f"model_version = '{newest}' and event_date between '{days[0]}' and '{days[-1]}'"
        about = relation_metadata(connection, f"(from beha2vec.user_embeddings where {of_run})")
        low = connection.execute(
            f"select avg(low_evidence::int) from beha2vec.user_embeddings where {of_run}"
        ).fetchone()
    return dg.MaterializeResult(
        metadata=about
        | plain({"model_versions": versions, "device": device_note, "low_evidence_share": low[0] if low else None})
    )


def _versions_in_use(warehouse: WarehouseResource) -> list[str]:
    """The encoder that readers see, if any, and the newest one, last; one entry where they are the same."""
    with warehouse.connect("encoder versions") as connection:
        current = connection.execute("select model_version from beha2vec.encoder_current").fetchall()
        newest = connection.execute("select model_version from beha2vec.encoder_newest").fetchall()
    if not newest:
        raise dg.Failure("there is no trained encoder yet: materialize trained_encoder first")
    return list(dict.fromkeys(str(row[0]) for row in [*current, *newest]))


def _embed(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, version: str, device: str, days: list[date]
) -> dict[date, int]:
    """Replace the days' vectors of one encoder; computed to parquet first, since the warehouse is held for seconds."""
    import pyarrow.parquet as pq

    from beha2vec_core import BehaviorEncoder

    encoder = BehaviorEncoder.load(settings.encoders_path / version, device=device)  # type: ignore[arg-type]
    counts: dict[date, int] = {}
    with tempfile.TemporaryDirectory(prefix=".embeddings-", dir=settings.data_path) as scratch:
        for number, day in enumerate(days, start=1):
            source = sequence_file(settings.sequences_path, day)
            pq.write_table(encoder.encode(pq.read_table(source, partitioning=None)), Path(scratch) / f"{day}.parquet")
            if number % 10 == 0 or number == len(days):
                context.log.info(f"{day} ({number:,}/{len(days):,} days) encoded by {version}")
        with warehouse.connect("user_embeddings") as connection:
            for day in days:
                file = str(Path(scratch) / f"{day}.parquet").replace("'", "''")
                counts[day] = replace_partition(
                    connection,
                    "beha2vec.user_embeddings",
                    f"""select date '{day}' as event_date, '{version}' as model_version, user_key,
                        as_of, n_events, low_evidence,
                        behavior::float[] as behavior, identity::float[] as identity from read_parquet('{file}')""",
                    f"event_date = date '{day}' and model_version = '{version}'",
                )
    return counts
