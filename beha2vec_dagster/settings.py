"""The settings of this code location, read once: partitions and paths need them before any resource exists."""

import os
import sys
from pathlib import Path

from beha2vec_core.settings import load_settings

settings = load_settings()

# dbt's profile reads the same folder, and runs in another working directory
os.environ["BEHA2VEC_DATA_DIR"] = str(settings.data_path)

# dagster-dbt looks for `dbt` on the PATH: that of this very environment comes first, activated or not
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

# Threads that wait by spinning starve a busy machine: training beside other work is many times slower without this.
# OpenMP reads it when torch is first imported, inside a step.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
