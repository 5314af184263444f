"""The device that work runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
DEVICES = get_args(Device)


class DeviceError(RuntimeError):
    """The device asked for is not there."""


def resolve_device(wanted: Device) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``; ``auto`` takes cuda, else mps, else cpu.

    Raises :class:`DeviceError` where cuda or mps is asked for by name and absent.
    """
    import torch

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
