"""The public encoder: fit, encode, predict what comes next, save, load."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file

from beha2vec_core.compute import Compute, LocalCompute, OnEpoch
from beha2vec_core.compute.device import Device, resolve_device
from beha2vec_core.compute.workers import Workers
from beha2vec_core.encoder import encode as encoding
from beha2vec_core.encoder.checkpoint import remove_checkpoints
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.curve import EpochMetrics
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.next_step.model import NextStep, even_sample
from beha2vec_core.encoder.next_step.moments import Target, last_moments, past_moments
from beha2vec_core.encoder.next_step.unknown import share_seen_before, unknown_values, with_unknown
from beha2vec_core.encoder.stream import user_tables
from beha2vec_core.encoder.titles import TITLE_COLUMN, most_frequent_titles, title_vectors
from beha2vec_core.encoder.train import train
from beha2vec_core.encoder.validation import held_out_users
from beha2vec_core.encoder.warm_start import carry_over
from beha2vec_core.events.sequences import AsOf, Sequences, build_sequences, require_lists
from beha2vec_core.files import put_in_place

FORMAT = "beha2vec-encoder"
FORMAT_VERSION = 2
FILES = (
    "config.json",
    "vocabulary.json",
    "metrics.json",
    "model.safetensors",
    "next_step.safetensors",
    "heads.safetensors",
)
# users whose next steps are predicted at a time
USERS_AT_ONCE = 10_000
TARGETS: tuple[Target, ...] = get_args(Target)


class EncoderFormatError(ValueError):
    """The folder holds no encoder this version can read, or one whose files were changed."""


class BehaviorEncoder:
    """A fitted encoder. Make one with :meth:`fit` or :meth:`load`.

    Attributes:
        config, train_config: the settings it was fitted with.
        data_window: ``first_event`` and ``last_event`` (microseconds UTC), ``events`` and ``users`` of the fit.
        training_curve: one row of metrics an epoch, see :func:`beha2vec_core.encoder.train.train`.
        next_steps: by target, the model of what comes next; empty without the objective ``next_event``.
        heads: weights that only the objectives used, with which :meth:`fit` can go on (``warm_start``).
        device: where it runs, a ``torch.device``.
        model_version: hash of config, data window, vocabulary, weights and the models of what comes next.
    """

    def __init__(
        self,
        network: BehaviorNetwork,
        fields: Fields,
        train_config: TrainConfig,
        data_window: dict[str, int],
        training_curve: list[EpochMetrics],
        next_steps: dict[Target, NextStep],
        heads: dict[str, torch.Tensor],
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Put the parts together; use :meth:`fit` or :meth:`load` instead.

        settings: those of a saved encoder, as they were saved: an earlier release had fewer.
        """
        self.network = network.eval()
        self.fields = fields
        self.config = network.config
        self.train_config = train_config
        self.data_window = data_window
        self.training_curve = training_curve
        self.next_steps = next_steps
        self.heads = heads
        self._settings = settings or {
            "encoder": asdict(self.config),
            "training": asdict(train_config),
            "data_window": data_window,
        }
        self.model_version = self._hash()

    @classmethod
    def fit(
        cls,
        events: Any,
        config: EncoderConfig | None = None,
        train_config: TrainConfig | None = None,
        on_epoch: OnEpoch | None = None,
        *,
        warm_start: BehaviorEncoder | None = None,
        page_titles: Mapping[str, str] | None = None,
        checkpoints: str | Path | None = None,
        mlflow: bool = False,
        compute: Compute | None = None,
    ) -> BehaviorEncoder:
        """Learn vocabulary and network from events or sequences (forms: see :func:`build_sequences`).

        ``on_epoch`` is called with each row of the training curve as it comes. Optional fields count where the table
        has them; the table given to :meth:`encode` must then have them too.

        ``warm_start`` is an earlier encoder to go on from: its config holds, its vocabulary grows by appending, and its
        vectors are brought into shape as before, so that old and new ones can be compared and clusters keep their
        centroids. Give a lower learning rate and fewer epochs than it had. ``page_titles`` are read where ``title`` is
        among the token fields; without them those of a column ``page_title``. ``checkpoints`` is a folder from which a
        killed fit of the same table and settings goes on; ``mlflow`` logs to MLflow (see
        :func:`beha2vec_core.encoder.train.train`). ``compute`` trains, on its device; without one, this process does.

        Raises SequenceError for a table that cannot be read, DeviceError for a device that is not there, DivergedError
        where the loss stops being finite, ValueError for a config other than that of ``warm_start``.
        """
        if warm_start and config and config != warm_start.config:
            raise ValueError("a warm start goes on with the config of the encoder before; leave config out")
        config = warm_start.config if warm_start else config or EncoderConfig()
        train_config = train_config or TrainConfig()
        if compute:

            def fit(device: Device, tell: OnEpoch | None) -> BehaviorEncoder:
                training = replace(train_config, device=device)
                return cls.fit(
                    events,
                    config,
                    training,
                    tell,
                    warm_start=warm_start,
                    page_titles=page_titles,
                    checkpoints=checkpoints,
                    mlflow=mlflow,
                )

            encoder = compute.train(fit, Path(checkpoints) if checkpoints else None, on_epoch)
            if checkpoints:
                remove_checkpoints(Path(checkpoints))
            return encoder
        device = resolve_device(train_config.device)
        sequences = (
            _read(events, config, required=warm_start.fields.text_columns)
            if warm_start
            else _read(events, config, optional=config.optional_fields)
        )
        if not len(sequences):
            raise ValueError("there is no event to learn from; check the table and the date range it was made from")
        fields = warm_start.fields.grow(sequences, config) if warm_start else Fields.fit(sequences, config)
        with seeded(train_config.seed, device):
            network = BehaviorNetwork(config, fields)
            if network.embed.page_title is not None:
                pages = fields.vocabularies["page"]
                titles = most_frequent_titles(sequences) if page_titles is None else page_titles
                vectors = title_vectors(pages.values, titles, device.type)
                network.embed.page_title[pages.first_known :] = torch.from_numpy(vectors)
            if warm_start:
                carry_over(warm_start.network.state_dict(), network, warm_start.fields, fields)
                encoding.reset_shape(network)
            curve, heads = train(
                network,
                fields,
                sequences,
                train_config,
                device,
                on_epoch,
                heads=warm_start.heads if warm_start else None,
                before=warm_start.fields if warm_start else None,
                checkpoints=Path(checkpoints) if checkpoints else None,
                mlflow=mlflow,
            )
            if warm_start:
                encoding.keep_shape(network, fields, warm_start.network, warm_start.fields, sequences)
            else:
                encoding.center_and_whiten(network, fields, sequences, train_config.seed)
        next_steps: dict[Target, NextStep] = {}
        if train_config.objectives.get("next_event"):
            held_out = held_out_users(sequences, train_config.held_out)
            next_steps = {target: _fit_next_step(network, fields, sequences, held_out, target) for target in TARGETS}
        encoder = cls(network, fields, train_config, data_window(sequences), curve, next_steps, heads)
        if checkpoints and Workers(device).size == 1:  # of several, another one may yet be lost
            remove_checkpoints(Path(checkpoints))
        return encoder

    def __getstate__(self) -> dict[str, Any]:
        """For another process: on the CPU, as its machine may have no GPU."""
        return self.__dict__ | {"network": copy.deepcopy(self.network).cpu()}

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def encode(self, events: Any, as_of: AsOf = None, *, first: int | None = None) -> pa.Table:
        """One row a user who has an event up to ``as_of``, in order of user_key.

        With ``first``, only users with more events than that, encoded from their first ones as if nothing had come
        after (see :func:`build_sequences`).

        Columns: ``user_key``; ``as_of`` (timestamp[us] in UTC, without zone, so that no session's zone shifts it; by
        default the time of the user's last event); ``n_events`` (how many the encoder read, at most ``max_length``);
        ``low_evidence`` (fewer than ``min_events``);
        ``behavior`` and ``identity`` (float32[dim], of length 1).
        """
        return pa.Table.from_batches([self._encoded(self._sequences(events, as_of, first))])

    def encode_stream(
        self, batches: Any, as_of: AsOf = None, *, batch_users: int | None = None, compute: Compute | None = None
    ) -> pa.RecordBatchReader:
        """The rows that :meth:`encode` gives, of a stream of sequences, batch by batch as they are read.

        ``batches`` holds one row a user, events in list columns: a RecordBatchReader, a parquet dataset or its scanner,
        or an iterable of record batches. Memory is that of ``batch_users`` users, however many come: incoming batches
        are cut or joined to that size, and none is read before it is needed. Users are in order of user_key within an
        outgoing batch only. All of a user's events must lie in one row: a user who comes again in a later batch is
        encoded again, which is for the caller to sort out. ``compute`` encodes the batches; without one, this process
        does.

        Raises :class:`SequenceError`, while the result is read, for what :meth:`encode` refuses and for events that
        are no lists.
        """

        compute = compute or LocalCompute(cast(Device, self.device.type))

        def prepare(device: Device) -> Callable[[pa.Table], pa.RecordBatch]:
            self.network.to(resolve_device(device))

            def encode(table: pa.Table) -> pa.RecordBatch:
                require_lists(table)
                return self._encoded(self._sequences(table, as_of))

            return encode

        tables = user_tables(batches, batch_users or compute.rows_at_once)
        encoded = (batch for batch in compute.map(prepare, tables) if batch.num_rows)
        return pa.RecordBatchReader.from_batches(encoding.encoded_schema(self.config.dim), encoded)

    def predict_next(self, events: Any, k: int = 10, target: Target = "page", as_of: AsOf = None) -> pa.Table:
        """What each user does next: ``user_key``, ``rank`` from 1, ``page`` or ``event_name``, ``probability``.

        ``page``: the k most likely pages of the next page view, the page viewed now among them; ``event_name``: the k
        most likely names of the next event. Only values of the vocabulary and of the user's history are named (fewer
        than k where the vocabulary is smaller); without the others a user's probabilities add up to 1 or less.

        Raises ValueError where k is below 1, the target is none, or the encoder was not trained on what comes next.
        """
        if target not in TARGETS:
            raise ValueError(f"target must be one of {list(TARGETS)}, not {target!r}")
        if not self.next_steps:
            raise ValueError("this encoder was not trained on what comes next; fit one with the objective next_event")
        values = self.fields.vocabularies[target].values
        k = min(k, len(values))
        if k < 1:
            raise ValueError("k must be at least 1 and the vocabulary must hold a value (lower min_count)")
        sequences = self._sequences(events, as_of)
        head = encoding.next_head(self.network, self.fields, target)
        places = np.zeros((len(sequences), k), dtype=np.int64)
        probabilities = np.zeros((len(sequences), k))
        for start in range(0, len(sequences), USERS_AT_ONCE):
            users = np.arange(start, min(start + USERS_AT_ONCE, len(sequences)))
            part = sequences.select(users)
            moments = last_moments(part, self.fields.vocabularies, target)
            states = encoding.next_states(self.network, self.fields, part, moments.row)
            known = self.next_steps[target].most_likely(moments, states, head, k)
            unknown = unknown_values(part, self.fields.vocabularies[target], target)
            places[users], probabilities[users] = with_unknown(*known, unknown, len(values))
        named = pa.array([*values, *sequences.text[target].values], type=pa.string())
        return pa.table(
            {
                "user_key": pa.array(sequences.user_key, type=pa.string()).take(
                    pa.array(np.repeat(np.arange(len(sequences)), k))
                ),
                "rank": pa.array(np.tile(np.arange(1, k + 1), len(sequences))),
                target: named.take(pa.array(places.ravel())),
                "probability": pa.array(probabilities.ravel()),
            }
        )

    def save(self, path: str | Path) -> None:
        """Write the encoder to a folder: config.json, vocabulary.json, metrics.json, three of tensors, a model card.

        The card, README.md, is for people and no part of the encoder (see :mod:`beha2vec_core.encoder.card`). The
        folder appears whole or not at all; an encoder that is there is replaced, anything else is refused.
        """
        # late, as only those who save need Hugging Face's library
        from beha2vec_core.encoder import card

        target = Path(path)
        if target.exists() and not (target / "config.json").exists() and any(target.iterdir()):
            raise EncoderFormatError(f"{target} contains something other than an encoder; give a new or empty folder")
        building = target.with_name(f".{target.name}.building")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        about = {"format": FORMAT, "format_version": FORMAT_VERSION, "model_version": self.model_version}
        _write_json(building / "config.json", about | self._settings)
        _write_json(building / "vocabulary.json", self.fields.to_json())
        _write_json(building / "metrics.json", {"training_curve": self.training_curve})
        save_file(_on_cpu(self.network.state_dict()), building / "model.safetensors")
        save_numpy(self._next_step_arrays(), building / "next_step.safetensors")
        save_file(_on_cpu(self.heads), building / "heads.safetensors")
        for tensors in building.glob("*.safetensors"):  # safetensors gives the owner alone access, whatever the umask
            shutil.copymode(building / "config.json", tensors)
        (building / card.NAME).write_text(str(card.model_card(self)), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        put_in_place(building, target)

    @classmethod
    def load(cls, path: str | Path, device: Device = "auto") -> BehaviorEncoder:
        """Read an encoder that :meth:`save` wrote.

        Raises EncoderFormatError where files are missing, foreign, of another format version, or were changed since.
        """
        folder = Path(path)
        saved = _read_settings(folder)
        try:
            fields = Fields.from_json(json.loads((folder / "vocabulary.json").read_text("utf-8")))
            curve = json.loads((folder / "metrics.json").read_text("utf-8"))["training_curve"]
            network = BehaviorNetwork(EncoderConfig(**saved["encoder"]), fields)
            network.load_state_dict(load_file(folder / "model.safetensors"))
            heads = load_file(folder / "heads.safetensors")
            next_steps = _next_steps(load_numpy(folder / "next_step.safetensors"), fields)
            training = TrainConfig(**saved["training"])
            settings = {name: saved[name] for name in ("encoder", "training", "data_window")}
            encoder = cls(network, fields, training, saved["data_window"], curve, next_steps, heads, settings)
        except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EncoderFormatError(f"{folder} holds a damaged encoder; fit or copy it again ({error})") from error
        if encoder.model_version != saved["model_version"]:
            raise EncoderFormatError(
                f"{folder} says model_version {saved['model_version']} but its files give {encoder.model_version}: "
                "they were changed or mixed; fit or copy the encoder again"
            )
        network.to(resolve_device(device))
        return encoder

    def _sequences(self, events: Any, as_of: AsOf, first: int | None = None) -> Sequences:
        return _read(events, self.config, required=self.fields.text_columns, as_of=as_of, first=first)

    def _encoded(self, sequences: Sequences) -> pa.RecordBatch:
        behavior, identity = encoding.encode_vectors(self.network, self.fields, sequences)
        n_events = sequences.n_events
        columns = [
            pa.array(sequences.user_key, type=pa.string()),
            pa.array(sequences.as_of).cast(pa.timestamp("us")),
            pa.array(n_events, type=pa.int64()),
            pa.array(n_events < self.config.min_events),
            encoding.fixed_size_list(behavior),
            encoding.fixed_size_list(identity),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=encoding.encoded_schema(self.config.dim))

    def _next_step_arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            f"{target}/{name}": array
            for target, model in self.next_steps.items()
            for name, array in model.to_arrays().items()
        }

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for part in (self._settings, self.fields.to_json()):
            digest.update(json.dumps(part, sort_keys=True).encode())
        learned = self.network.state_dict() | {f"heads.{name}": tensor for name, tensor in self.heads.items()}
        for name, tensor in sorted(_on_cpu(learned).items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.numpy().tobytes())
        for name, array in sorted(self._next_step_arrays().items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]


def _read(
    events: Any,
    config: EncoderConfig,
    *,
    optional: tuple[str, ...] = (),
    required: list[str] | None = None,
    as_of: AsOf = None,
    first: int | None = None,
) -> Sequences:
    """The table as sequences with the fields of the config, or with exactly the text columns required."""
    categories = [name for name, kind in config.extra_fields.items() if kind == "category"]
    optional += (TITLE_COLUMN,) if "title" in config.token_fields else ()
    return build_sequences(
        events,
        optional_text=optional,
        extra_text=categories if required is None else required,
        extra_number=[name for name, kind in config.extra_fields.items() if kind == "number"],
        as_of=as_of,
        max_length=config.max_length,
        first=first,
    )


def _read_settings(folder: Path) -> dict[str, Any]:
    """What config.json of a saved encoder holds, if this release reads its format and all files are there."""
    absent = [name for name in FILES if not (folder / name).is_file()]
    if "config.json" in absent:
        raise EncoderFormatError(f"{folder} is not a saved encoder: {absent} missing; give the folder save() wrote")
    try:
        saved: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        found = saved.get("format"), saved.get("format_version")
    except (ValueError, AttributeError) as error:
        raise EncoderFormatError(f"{folder} holds a damaged encoder; fit or copy it again ({error})") from error
    if found != (FORMAT, FORMAT_VERSION):
        raise EncoderFormatError(
            f"{folder} has format {found[0]!r} version {found[1]!r}; this release reads {FORMAT!r} version "
            f"{FORMAT_VERSION}: fit the encoder again or use its release"
        )
    if absent:
        raise EncoderFormatError(f"{folder} holds a damaged encoder: {absent} missing; fit or copy it again")
    return saved


def data_window(sequences: Sequences) -> dict[str, int]:
    """What an encoder keeps of the data it was fitted on, see :attr:`BehaviorEncoder.data_window`."""
    return {
        "first_event": int(sequences.event_timestamp.min()),
        "last_event": int(sequences.event_timestamp.max()),
        "events": len(sequences.event_timestamp),
        "users": len(sequences),
    }


def _fit_next_step(
    network: BehaviorNetwork, fields: Fields, sequences: Sequences, held_out: npt.NDArray[np.bool_], target: Target
) -> NextStep:
    """The model of what comes next, from the users the network learned from and those it did not."""
    held = sequences.select(np.flatnonzero(held_out))
    learned = past_moments(sequences.select(np.flatnonzero(~held_out)), fields.vocabularies, target)
    judged = even_sample(past_moments(held, fields.vocabularies, target))
    probabilities = encoding.next_probabilities(network, fields, held, judged.row, target)
    fitted = NextStep.fit(learned, judged, probabilities, _pages(fields, target))
    return replace(fitted, seen_before=share_seen_before(sequences, target))


def _next_steps(arrays: dict[str, npt.NDArray[Any]], fields: Fields) -> dict[Target, NextStep]:
    """The models that were saved."""
    found: dict[Target, NextStep] = {}
    for target in TARGETS:
        own = {name.split("/", 1)[1]: array for name, array in arrays.items() if name.startswith(f"{target}/")}
        if own:
            found[target] = NextStep.from_arrays(own, _pages(fields, target))
    return found


def _pages(fields: Fields, target: Target) -> tuple[str, ...] | None:
    return fields.vocabularies["page"].values if target == "page" else None


def _on_cpu(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
