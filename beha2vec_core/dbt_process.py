"""dbt as a process that ends with the run that started it: ``beha2vec-dbt``, the executable that Dagster calls.

The warehouse's lock is gone when the run dies. Its dbt must be gone too, or it would write on while the next begins.
"""

import ctypes
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path

_PR_SET_PDEATHSIG = 1

EXECUTABLE = Path(sys.executable).with_name("beha2vec-dbt")


def main() -> None:
    """Become dbt, having asked Linux to kill this process with its parent; elsewhere dbt outlives a killed run.

    ``--version`` is answered here: dagster-dbt asks before a run, and dbt would look for newer releases on the web.
    """
    if sys.argv[1:] == ["--version"]:
        print(version("dbt-core"))
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    dbt = str(Path(sys.executable).with_name("dbt"))
    os.execv(dbt, [dbt, *sys.argv[1:]])
