"""The executable that Dagster calls instead of dbt."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

from beha2vec_core import dbt_process
from beha2vec_core.dbt_process import EXECUTABLE
from tests.helpers import dbt_server


def test_it_says_which_dbt_it_is_as_dagster_reads_it() -> None:
    told = subprocess.run([str(EXECUTABLE), "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [version("dbt-core")] and not told.stderr


def test_everything_else_is_dbts() -> None:
    told = subprocess.run([str(EXECUTABLE), "--help"], capture_output=True, text=True, check=True)
    assert "build" in told.stdout and "Usage: dbt" in told.stdout


def test_the_server_of_the_tests_writes_a_manifest_too(tmp_path: Path) -> None:
    """A test file that runs alone in a fresh clone has no other."""
    dbt_server.use()
    project = str(dbt_server.PROJECT)
    command = ["parse", "--quiet", "--project-dir", project, "--profiles-dir", project, "--target-path", str(tmp_path)]
    environment = os.environ | {"BEHA2VEC_DATA_DIR": str(tmp_path)}
    subprocess.run([str(dbt_process.EXECUTABLE), *command], env=environment, check=True)
    assert (tmp_path / "manifest.json").exists()
