"""Checks of the installation: settings, packages, device."""

import importlib.metadata
import importlib.util
import sys

from beha2vec_core.cli.doctor.check import Check, fail, ok, warn
from beha2vec_core.compute.device import DeviceError, resolve_device
from beha2vec_core.settings import Settings, misspelt_variables, renamed_variables


def check_variables(settings: Settings) -> Check:
    """No variable of the environment is a misspelt setting, or the former name of one."""
    misspelt = misspelt_variables()
    if misspelt:
        pairs = ", ".join(f"{wrong} (did you mean {right}?)" for wrong, right in misspelt.items())
        return warn(f"unknown settings, which have no effect: {pairs}", "rename or remove them")
    if renamed := renamed_variables():
        pairs = ", ".join(f"{old} is now {new}" for old, new in renamed.items())
        return warn(f"settings with a new name: {pairs}", "rename them; the former names still work")
    return ok(f"read; data folder {settings.storage.data_dir}")


def check_packages(settings: Settings) -> Check:
    """The installed packages are those that ``pyproject.toml`` asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in importlib.metadata.requires("beha2vec") or []]
    except importlib.metadata.PackageNotFoundError:
        return warn("beha2vec itself is not installed, so its requirements are unknown", "pip install beha2vec")
    wrong, seen = [], 0
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        seen += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} is {version}, needed {requirement.specifier}")
    if wrong:
        return fail("; ".join(wrong), "install beha2vec again in this environment, or in a new one")
    return ok(f"{seen} required packages fit; Python {sys.version.split()[0]}")


def check_device(settings: Settings) -> Check:
    """The device that was asked for is there."""
    import torch

    try:
        device = resolve_device(settings.encoder.device)
    except DeviceError as error:
        return fail(str(error), "set BEHA2VEC_DEVICE=auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return ok(f"{device.type} ({name}), torch {torch.__version__}, asked for: {settings.encoder.device}")
