"""What a killed process was doing: one send, as the command line does it."""

from __future__ import annotations

from pathlib import Path

from beha2vec_core.activation.destination import Destination
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.run import plan_and_send
from beha2vec_core.audiences.file import Audience
from beha2vec_core.settings import Settings
from tests.activation.activation_world import ga4, webhook

CONSENTED = Audience(name="consented", rule="true", purpose="ads", holdout=0.2)


def destination(kind: str, address: str, folder: Path) -> Destination:
    if kind == "files":
        return Files("files", folder=LocalFolder(folder / "lists"))
    return ga4(address) if kind == "ga4" else webhook(address)


def send(folder: str, kind: str, address: str) -> None:
    settings = Settings(data_dir=f"{folder}/data")
    plan_and_send(settings, CONSENTED, destination(kind, address, Path(folder)))
