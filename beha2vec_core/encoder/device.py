"""Where the network runs, and how: the device, random seeds, precision, compilation."""

from __future__ import annotations

import importlib.util
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from beha2vec_core.encoder.config import DEVICES, Device

COMPILED_FROM = 2000  # steps; compiling takes about a minute


class DeviceError(RuntimeError):
    """The device asked for is not there."""


def resolve_device(wanted: Device) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``; ``auto`` takes cuda, else mps, else cpu.

    Raises :class:`DeviceError` where cuda or mps is asked for by name and absent.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, there in present.items() if there))
    if wanted not in present:
        raise DeviceError(f"device must be one of {list(DEVICES)}, not {wanted!r}")
    if not present[wanted]:
        raise DeviceError(
            f"device={wanted!r} was asked for but torch {torch.__version__} finds none here; "
            "use device='auto' to fall back to the CPU, or install a torch build and driver for it"
        )
    return torch.device(wanted)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and ask for deterministic algorithms. On leaving, torch's random state and settings are restored."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = range(torch.cuda.device_count()) if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        # outside the CPU some algorithms have no deterministic form, and torch warns at each
        warnings.filterwarnings("ignore", message=".*deterministic")
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a tenth of the time
        try:
            yield
        finally:
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


def mixed_precision(device: torch.device) -> torch.autocast:
    """A context in which matrix products run in bfloat16, on GPUs that have it; elsewhere it changes nothing."""
    capable = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=capable)


@contextmanager
def compiled(network: nn.Module, device: torch.device, steps: int) -> Iterator[None]:
    """Compile the network in place, on a GPU and where ``steps`` are enough to win the time back. Undone on leaving."""
    capable = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (7, 0) and _finds_triton()
    if capable and steps >= COMPILED_FROM:
        network.compile(dynamic=True)
    try:
        yield
    finally:
        network._compiled_call_impl = None


def _finds_triton() -> bool:
    """torch.compile needs Triton for a GPU, and Triton a C compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return importlib.util.find_spec("triton") is not None and compiler is not None
