"""CoLES: contrastive learning for event sequences (Babaev et al. 2022, arXiv:2002.08232), by its authors' library.

pytorch-lifestream 0.7.0 cannot live beside what we use, so it has a virtual environment of its own (``make
.venv-coles``) and a process of its own, started when first needed and ended with ours; see ``coles_worker.py`` for
settings. Events, models and vectors pass through files.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.floors.histories import ordered

PYTHON_VARIABLE = "BEHA2VEC_COLES_PYTHON"
PYTHON = Path(__file__).resolve().parents[3] / ".venv-coles/bin/python"
WORKER = Path(__file__).with_name("coles_worker.py")


class MethodUnavailable(RuntimeError):
    """A method's fit cannot run here; the message names the remedy. The table leaves its row out with this reason."""


class ColesError(RuntimeError):
    """The worker failed; the message holds what it said."""


@dataclass(frozen=True)
class Coles:
    """A fitted model in a folder that goes with it."""

    folder: tempfile.TemporaryDirectory[str]

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Vectors of users in sorted order."""
        with tempfile.TemporaryDirectory() as place:
            vectors = Path(place) / "vectors.npy"
            _ask(events, Path(place), {"do": "encode", "model": self.folder.name, "vectors": str(vectors)})
            found: npt.NDArray[np.float32] = np.load(vectors)
        return found


def fit(events: pd.DataFrame, seed: int) -> Coles:
    """Train; raises MethodUnavailable where the virtual environment is absent."""
    folder = tempfile.TemporaryDirectory()
    _ask(events, Path(folder.name), {"do": "fit", "model": folder.name, "seed": seed})
    return Coles(folder)


def python() -> Path:
    """The python of the virtual environment.

    Raises MethodUnavailable where it is absent.
    """
    found = Path(os.environ.get(PYTHON_VARIABLE, PYTHON))
    if not found.is_file():
        raise MethodUnavailable(
            f"CoLES needs a virtual environment of its own and {found} is absent; run `make .venv-coles`, or set "
            f"{PYTHON_VARIABLE} to the python of one with pytorch-lifestream"
        )
    return found


def _ask(events: pd.DataFrame, place: Path, request: dict[str, Any]) -> None:
    worker = _worker(python())
    table = place / "events.parquet"
    ordered(events).to_parquet(table, index=False)
    worker.ask(request | {"events": str(table)})
    table.unlink()


@cache
def _worker(python: Path) -> _Worker:
    worker = _Worker(python)
    atexit.register(worker.end)
    return worker


class _Worker:
    """The process that has the library."""

    def __init__(self, python: Path) -> None:
        self.log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [python, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1
        )

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request and wait until it is done.

        Raises ColesError where it failed.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.log.seek(0)
            raise ColesError(f"the CoLES process ended:\n{self.log.read()[-2000:]}")
        if error := json.loads(line).get("error"):
            raise ColesError(error)

    def end(self) -> None:
        """No more requests: the process ends by itself."""
        self.process.communicate()
