"""Checkpoints of a training: a folder each, whole or not there, of tensors (safetensors) and JSON.

``checkpoint-<step>/`` holds ``tensors.safetensors`` and ``record.json``.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from beha2vec_core.compute.workers import Workers
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.curve import EpochMetrics, RunningLosses
from beha2vec_core.encoder.features import Fields
from beha2vec_core.events.sequences import Sequences
from beha2vec_core.files import put_in_place

TENSORS, RECORD = "tensors.safetensors", "record.json"
FORMAT = 3  # of a checkpoint; raise it when what is kept, or what a step does, changes
KEPT = 2

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """Where a training stands. All of it goes into a checkpoint, with torch's random states.

    objectives, optimizer: what learns.
    running: the losses of the epoch that is under way.
    step: steps done. curve: rows of the epochs done. started: when training began, later by the time it was stopped.
    best: the weights at the lowest held-out loss.
    """

    objectives: nn.Module
    optimizer: torch.optim.Optimizer
    running: RunningLosses
    step: int = 0
    curve: list[EpochMetrics] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def minutes(self) -> float:
        """How long training has run, without the time it was stopped."""
        return (time.perf_counter() - self.started) / 60

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.objectives.parameters()).device

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps as tensors, by names that say what they are of."""
        optimizer = self.optimizer.state_dict()["state"]
        return {
            **{f"model.{name}": tensor for name, tensor in self.objectives.state_dict().items()},
            **{f"best.{name}": tensor for name, tensor in (self.best or {}).items()},
            **{f"optimizer.{place}.{name}": value for place, of in optimizer.items() for name, value in of.items()},
            **_random_states(self.device),
        }

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps as JSON."""
        return {"step": self.step, "curve": self.curve, "minutes": self.minutes, "running": self.running.to_json()}

    def restore(self, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
        """Go on from what :meth:`tensors` and :meth:`record` gave; torch's random states are set too."""
        self.step, self.curve = record["step"], record["curve"]
        self.started = time.perf_counter() - 60 * record["minutes"]
        self.running.restore(record["running"], self.device)
        self.objectives.load_state_dict(_under("model.", tensors))
        self.best = _under("best.", tensors) or None
        optimizer = self.optimizer.state_dict()
        for key, value in _under("optimizer.", tensors).items():
            place, _, name = key.partition(".")
            optimizer["state"].setdefault(int(place), {})[name] = value
        self.optimizer.load_state_dict(optimizer)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.type != "cpu":
            torch.get_device_module(self.device).set_rng_state(tensors[f"random.{self.device.type}"])


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints in ``folder`` of the training that ``fingerprint`` names; the newest two are kept."""

    folder: Path
    fingerprint: str

    def restore(self, progress: Progress, workers: Workers) -> bool:
        """Go on from the newest checkpoint of this training; whether there is one. The first worker reads it for all.

        Checkpoints of another training, and damaged ones, are removed.
        """
        found = workers.from_first(self._newest() if workers.is_first else None)
        if found is None:
            return False
        progress.restore(*found)
        if not workers.is_first:
            progress.running = RunningLosses(progress.running.weights)  # the first one has those of all
        return True

    def _newest(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        for path in _paths(self.folder):
            try:
                tensors, record = load_file(path / TENSORS), json.loads((path / RECORD).read_text("utf-8"))
            except (OSError, ValueError, SafetensorError) as error:
                logger.warning("checkpoint %s is damaged and is removed: %s", path, error)
            else:
                if record.get("fingerprint") == self.fingerprint:
                    logger.info("training resumes from %s", path)
                    return tensors, record
                logger.warning("checkpoint %s is of other data or settings and is removed", path)
            shutil.rmtree(path)
        return None

    def write(self, progress: Progress) -> None:
        """Add a checkpoint: it appears whole, then older ones go."""
        target = self.folder / f"checkpoint-{progress.step}"
        building = self.folder / f".{target.name}.building"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        tensors = save({name: _alone(tensor) for name, tensor in progress.tensors().items()})
        (building / TENSORS).write_bytes(tensors)
        (building / RECORD).write_text(json.dumps({"fingerprint": self.fingerprint, **progress.record()}))
        put_in_place(building, target)
        for old in _paths(self.folder)[KEPT:]:
            shutil.rmtree(old)


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints in a folder, half-written ones too."""
    for path in [*_paths(folder), *folder.glob(".checkpoint-*.building")]:
        shutil.rmtree(path)


def _paths(folder: Path) -> list[Path]:
    """Newest first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.partition("-")[2].isdigit()]
    return sorted(found, key=lambda path: int(path.name.partition("-")[2]), reverse=True)


def fingerprint(
    encoder: EncoderConfig,
    train: TrainConfig,
    fields: Fields,
    sequences: Sequences,
    weights: Mapping[str, Tensor],
    device: torch.device,
) -> str:
    """A hash of all that decides what training leads to: settings, vocabulary, data, the weights it begins with."""
    settings = asdict(train)
    del settings["progress"], settings["checkpoint_every"]
    about = [FORMAT, asdict(encoder), settings, device.type, torch.__version__, fields.to_json(), sequences.user_key]
    about.append({name: column.values for name, column in sequences.text.items()})
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    codes = [column.codes for column in sequences.text.values()]
    optional = [column for column in (sequences.page_view, sequences.session) if column is not None]
    for array in (sequences.offsets, sequences.event_timestamp, *codes, *sequences.number.values(), *optional):
        digest.update(np.ascontiguousarray(array).tobytes())
    for name, tensor in weights.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose name begins so, by the rest of it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """What dropout draws from; cuts have generators of their own."""
    states = {"random.cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[f"random.{device.type}"] = torch.get_device_module(device).get_rng_state()
    return states


def _alone(tensor: Tensor) -> Tensor:
    """A copy on the CPU; modules may share a weight, which safetensors refuses."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
