"""Settings limit the memory of DuckDB, and the threads of all that computes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from beha2vec_core.cli.app import read_settings
from beha2vec_core.files import remove_stale_scratch
from beha2vec_core.store import limits
from beha2vec_dagster.definitions import defs
from beha2vec_dagster.defs.dbt.project import environment
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.dagster.project import BIN, EXPORT, REPOSITORY, export_settings

SHOWN = "select current_setting('memory_limit'), current_setting('threads')"


@pytest.fixture(autouse=True)
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with limits; those of this process are what they were afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(limits, "_config", {})
    monkeypatch.setattr(limits, "_data_dir", [])
    monkeypatch.setattr(pa, "set_cpu_count", lambda threads: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    for name, value in (EXPORT | {"memory_limit": "300MiB", "threads": "1", "data_dir": str(tmp_path)}).items():
        monkeypatch.setenv(f"BEHA2VEC_{name.upper()}", value)


def test_limits_hold_in_the_warehouse() -> None:
    warehouse = (defs().resources or {})["warehouse"]
    assert isinstance(warehouse, WarehouseResource)
    with warehouse.connect("a test") as connection:
        assert connection.execute(SHOWN).fetchall() == [("300.0 MiB", 1)]
    with limits.connect() as connection:
        assert connection.execute(SHOWN).fetchall() == [("300.0 MiB", 1)]


@pytest.mark.slow
def test_limits_hold_in_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DBT_MEMORY_LIMIT", "7GB")  # a former name counts only where the present is not set
    project = REPOSITORY / "dbt_ga4"
    command = [str(BIN / "dbt"), "--quiet", "show", "--inline", SHOWN, "--target-path", str(tmp_path / "target")]
    command += ["--project-dir", str(project), "--profiles-dir", str(project), "--output", "json"]
    with environment(export_settings(data_dir=tmp_path, memory_limit="300MiB", threads=1)):
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert '"300.0 MiB"' in shown.stdout and '": 1' in shown.stdout, shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("memory_limit", "threads", "of_dbt"), [("512MB", 8, "1"), ("4GB", 8, "8"), ("4GB", 2, "2"), ("999GB", None, "")]
)
def test_dbt_has_as_many_threads_as_the_memory_is_enough_for(
    memory_limit: str, threads: int | None, of_dbt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BEHA2VEC_THREADS")
    with environment(export_settings(data_dir=tmp_path, memory_limit=memory_limit, threads=threads)):
        assert os.environ["BEHA2VEC_THREADS"] == of_dbt


def test_limits_hold_in_commands() -> None:
    read_settings()
    with limits.connect(config={"threads": 2}) as connection:
        assert connection.execute(SHOWN).fetchall() == [("300.0 MiB", 2)], "who asks for another number gets it"


def test_rows_that_memory_does_not_hold_stay_in_the_data_folder(tmp_path: Path) -> None:
    limits.hold_to(export_settings(data_dir=tmp_path, memory_limit="300MiB").storage)
    with limits.connect() as one, limits.connect() as other:
        folders = [
            Path(str(c.execute("select current_setting('temp_directory')").fetchall()[0][0])) for c in (one, other)
        ]
    assert folders[0] != folders[1] and {folder.parent for folder in folders} == {tmp_path}
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    killed = tmp_path / folders[0].name.replace(str(os.getpid()), str(gone.pid))
    for folder in (killed, folders[1]):
        folder.mkdir()
    remove_stale_scratch(tmp_path, limits.SPILL)
    assert folders[1].exists() and not killed.exists()


def test_threads_limit_what_arrow_and_torch_start() -> None:
    code = """from beha2vec_core.settings import Settings
from beha2vec_core.files import remove_stale_scratch
from beha2vec_core.store import limits
limits.hold_to(Settings.load().storage)
import pyarrow, torch
print(pyarrow.cpu_count(), torch.get_num_threads())"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["1", "1"]
