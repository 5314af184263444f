"""The executable that Dagster calls instead of dbt."""

import subprocess
from importlib.metadata import version

from beha2vec_core.dbt_process import EXECUTABLE


def test_it_says_which_dbt_it_is_as_dagster_reads_it() -> None:
    told = subprocess.run([str(EXECUTABLE), "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [version("dbt-core")] and not told.stderr


def test_everything_else_is_dbts() -> None:
    told = subprocess.run([str(EXECUTABLE), "--help"], capture_output=True, text=True, check=True)
    assert "build" in told.stdout and "Usage: dbt" in told.stdout
