"""Checkpoints of a training: a folder each, whole or not there, of tensors (safetensors) and JSON.

``checkpoint-<step>/`` holds ``tensors.safetensors``, ``record.json`` and ``trainer_state.json``, the last in the form
that ``transformers.Trainer`` reads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.events.sequences import Sequences

TENSORS, RECORD, TRAINER_STATE = "tensors.safetensors", "record.json", "trainer_state.json"
KEPT = 2

logger = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints in ``folder`` of the training that ``fingerprint`` names; the newest two are kept."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """Nothing is read or written yet."""
        self.folder = folder
        self.fingerprint = fingerprint

    def newest(self) -> Path | None:
        """The newest checkpoint of this training that can be read; those of another, or damaged, are removed."""
        for path in _paths(self.folder):
            try:
                _, record = read(path)
            except (OSError, ValueError, SafetensorError) as error:
                logger.warning("checkpoint %s is damaged and is removed: %s", path, error)
            else:
                if record.get("fingerprint") == self.fingerprint:
                    return path
                logger.warning("checkpoint %s is of other data or settings and is removed", path)
            shutil.rmtree(path)
        return None

    def write(
        self, step: int, tensors: Mapping[str, Tensor], record: Mapping[str, Any], state: Mapping[str, Any]
    ) -> None:
        """Add the checkpoint of a step: it appears whole, then older ones go."""
        target = self.folder / f"checkpoint-{step}"
        building = self.folder / f".{target.name}.building"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        _write(building / TENSORS, save({name: _alone(tensor) for name, tensor in tensors.items()}))
        _write(building / RECORD, json.dumps({"fingerprint": self.fingerprint, **record}).encode())
        _write(building / TRAINER_STATE, json.dumps(state).encode())
        building.replace(target)
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


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the record of a checkpoint.

    Raises OSError, ValueError or SafetensorError where a file is missing or cut short.
    """
    json.loads((path / TRAINER_STATE).read_text("utf-8"))
    return load_file(path / TENSORS), json.loads((path / RECORD).read_text("utf-8"))


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
    about = [asdict(encoder), settings, device.type, torch.__version__, fields.to_json(), sequences.user_key]
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


def _alone(tensor: Tensor) -> Tensor:
    """A copy on the CPU; modules may share a weight, which safetensors refuses."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _write(path: Path, content: bytes) -> None:
    """Write and wait until it is on the disk, so that the folder's new name never comes before its content."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
