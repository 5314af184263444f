"""How the network runs on a device: random seeds, precision, compilation."""

import importlib.util
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

COMPILED_FROM = 2000  # steps; compiling takes about a minute


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
