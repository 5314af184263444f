"""What an encoder is (:class:`EncoderConfig`) and how it is trained (:class:`TrainConfig`), checked when made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from beha2vec_core.compute.device import DEVICES, Device

OBJECTIVES = ("next_event", "content", "future", "contrastive", "triplet", "masked")
DEFAULT_TOKEN_FIELDS = ("path", "template", "words", "gap", "session_position", "recency")
TOKEN_FIELDS = (*DEFAULT_TOKEN_FIELDS, "title")
# what a field of a token cannot be called, as another is; nor may it begin like the path fields
TAKEN_NAMES = ("user_key", "event_timestamp", "page", "event_name", "page_title", "template", "word", "gap")
Pooling = Literal["mean", "last", "mean+last"]
POOLINGS = get_args(Pooling)


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of the encoder. Saved in ``config.json``; part of ``model_version``.

    dim: size of both vectors and of the hidden states; a multiple of ``2 * heads``.
    layers, heads: transformer blocks and attention heads in each.
    dropout: share of activations, but for attention's weights, dropped while training.
    unknown_rate: share of known pages shown as unknown while training, so that path fields can stand for new pages.
    max_length: L, the last events of a user that count.
    min_events: users with fewer events are flagged ``low_evidence``.
    feed_forward: width of a block's feed-forward layer, as a multiple of dim.
    token_fields: what a token holds besides page, event name and the fields below: ``path`` (leading path levels),
        ``template`` (the path, ids replaced), ``words`` (of the path), ``gap`` (time since the event before),
        ``session_position``, ``title`` (of known pages, title and path by MiniLM, which must be available for the fit;
        titles are given to the fit, or read from a column ``page_title``), and at the end of a sequence ``recency``
        (time from its last event to as_of). All but ``title`` by default.
    pooling: what vectors are made of: the ``mean`` over events, the ``last`` state, or both.
    modality_weights: how much each modality says about what an event is: ``page`` (with all that follows from it),
        ``event_name``, ``theme``, ``page_type``, extra fields by name; 1 where none is given. The original article's
        were page 0.5, theme 0.3, page_type 0.2.
    path_levels: how many leading path levels of a page get embeddings of their own.
    min_count, max_values: a value seen less often, or beyond this many, falls to a hash bucket.
    hash_buckets: buckets for values outside the vocabulary, in each field.
    optional_fields: text columns used where the fitted table has them; null counts as a value of its own.
    extra_fields: further columns the table must have: name -> "category" or "number".
    """

    dim: int = 96
    layers: int = 1
    heads: int = 4
    feed_forward: int = 2
    dropout: float = 0.2
    unknown_rate: float = 0.05
    pooling: Pooling = "mean+last"
    token_fields: tuple[str, ...] = DEFAULT_TOKEN_FIELDS
    modality_weights: Mapping[str, float] = field(default_factory=dict)
    max_length: int = 128
    min_events: int = 3
    path_levels: int = 2
    min_count: int = 2
    max_values: int = 200_000
    hash_buckets: int = 64
    optional_fields: tuple[str, ...] = ("theme", "page_type")
    extra_fields: Mapping[str, Literal["category", "number"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for a shape that cannot be built."""
        object.__setattr__(self, "token_fields", tuple(self.token_fields))
        object.__setattr__(self, "optional_fields", tuple(self.optional_fields))
        object.__setattr__(self, "extra_fields", dict(self.extra_fields))
        object.__setattr__(self, "modality_weights", dict(self.modality_weights))
        if self.dim % (2 * self.heads):
            raise ValueError(f"dim={self.dim} must be a multiple of 2 * heads={2 * self.heads}")
        if self.pooling not in POOLINGS or not set(self.token_fields) <= set(TOKEN_FIELDS):
            raise ValueError(f"pooling must be one of {list(POOLINGS)}, token_fields of {list(TOKEN_FIELDS)}")
        if any(weight < 0 for weight in self.modality_weights.values()):
            raise ValueError(f"modality_weights must not be negative: {dict(self.modality_weights)}")
        modalities = ("page", "event_name", *self.optional_fields, *self.extra_fields)
        unknown = sorted(set(self.modality_weights) - set(modalities))
        if unknown:
            raise ValueError(f"modality_weights are of {list(modalities)}; there is no {unknown}")
        for name in (
            "dim",
            "layers",
            "heads",
            "feed_forward",
            "max_length",
            "min_events",
            "min_count",
            "max_values",
            "hash_buckets",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.path_levels < 0 or not (0 <= self.dropout < 1 and 0 <= self.unknown_rate < 1):
            raise ValueError("path_levels must be 0 or more, dropout and unknown_rate in [0, 1)")
        wrong = {name: kind for name, kind in self.extra_fields.items() if kind not in ("category", "number")}
        if wrong:
            raise ValueError(f"extra_fields must be 'category' or 'number', not {wrong}")
        names = (*self.optional_fields, *self.extra_fields)
        taken = [n for n in names if n in TAKEN_NAMES or n.startswith("path_") or "." in n or names.count(n) > 1]
        if taken:
            raise ValueError(f"rename these columns, their names stand for other fields or hold a dot: {taken}")


@dataclass(frozen=True)
class TrainConfig:
    """How the encoder is trained. Saved in ``config.json``; part of ``model_version``.

    objectives: weight of each loss, by its name in ``encoder.objectives.OBJECTIVES``.
    epochs, batch_tokens, batch_users: passes over the users, and what a batch holds at most.
    max_updates: limit of batches in the whole training. If the users make more, each pass takes a random part of them.
    max_minutes: time limit, to which the learning-rate schedule is fitted; 0: none. With a limit the result depends on
        the speed of the machine.
    learning_rate, weight_decay, warmup, clip: AdamW, the share of steps that warm up, the gradient norm allowed;
        weights decay where they are matrices or embeddings, not norms, biases and scalars.
    softmax_sample: draws of the sampled softmax. full_softmax: fields with at most this many values have an exact
        softmax and dense gradients.
    temperature: of the contrastive loss. margin: of the triplet loss.
    masked_rate: share of the events the masked loss hides.
    horizon_days: N of the future loss, all actions in the next N days.
    held_out: share of users, chosen by a stable hash of user_key, that training never sees; they weigh the network
        against the counts of what comes next.
    held_out_time: share of the other users' events, the newest, that only measure the held-out loss.
    patience: evaluations (one an epoch) without a lower held-out loss that end training; 0: it never ends early.
    checkpoint_every: steps from one checkpoint to the next, where training is given a folder for them.
    seed, device: "auto" takes cuda, else mps, else cpu; naming a device that is not there is an error.
    progress: show a progress bar.
    """

    objectives: Mapping[str, float] = field(
        default_factory=lambda: {"next_event": 1.0, "content": 1.0, "future": 1.0, "contrastive": 1.0}
    )
    epochs: int = 25
    max_updates: int = 8_000
    max_minutes: float = 0.0
    batch_tokens: int = 4096
    batch_users: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip: float = 1.0
    softmax_sample: int = 512
    full_softmax: int = 2_000
    temperature: float = 0.1
    margin: float = 0.5
    masked_rate: float = 0.15
    horizon_days: float = 7.0
    held_out: float = 0.1
    held_out_time: float = 0.1
    patience: int = 3
    checkpoint_every: int = 500
    seed: int = 0
    device: Device = "auto"
    progress: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for settings that cannot train."""
        object.__setattr__(self, "objectives", dict(self.objectives))
        unknown = sorted(set(self.objectives) - set(OBJECTIVES))
        if unknown or not any(weight > 0 for weight in self.objectives.values()):
            raise ValueError(f"objectives must give weights above 0 to some of {list(OBJECTIVES)}; unknown: {unknown}")
        if any(weight < 0 for weight in self.objectives.values()):
            raise ValueError(f"objective weights must not be negative: {dict(self.objectives)}")
        if self.device not in DEVICES:
            raise ValueError(f"device must be one of {list(DEVICES)}, not {self.device!r}")
        if self.epochs < 1 or self.batch_users < 1 or self.batch_tokens < 1:
            raise ValueError("epochs, batch_users and batch_tokens must be at least 1")
        if self.max_updates < self.epochs or self.max_minutes < 0:
            raise ValueError("max_updates must be at least epochs, max_minutes 0 or more")
        if not all(0 <= share < 1 for share in (self.held_out, self.held_out_time, self.warmup)):
            raise ValueError("held_out, held_out_time and warmup must be in [0, 1)")
        if self.softmax_sample < 1 or self.full_softmax < 1:
            raise ValueError("softmax_sample and full_softmax must be at least 1")
        if self.patience < 0 or self.checkpoint_every < 1:
            raise ValueError("patience must be 0 or more, checkpoint_every at least 1")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), not {self.seed}")
        if self.temperature <= 0 or self.learning_rate <= 0 or self.clip <= 0:
            raise ValueError("temperature, learning_rate and clip must be above 0")

    def gently(self) -> TrainConfig:
        """The same for a warm start: a tenth of the learning rate and a third of the epochs, updates and minutes."""
        return replace(
            self,
            learning_rate=self.learning_rate / 10,
            epochs=max(1, self.epochs // 3),
            max_updates=max(1, self.max_updates // 3),
            max_minutes=self.max_minutes / 3,
        )
