"""One setting limits the memory of DuckDB in dbt and in our connections to the warehouse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from beha2vec_dagster.defs.dbt.assets import _environment
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.dagster.project import BIN, REPOSITORY, definitions, export_settings

SHOWN = "select current_setting('memory_limit')"


def test_the_memory_limit_holds_in_dbt_and_in_the_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DBT_MEMORY_LIMIT", "7GB")  # a former name counts only where the present is not set
    resources = definitions(tmp_path, memory_limit="300MiB").resources or {}
    warehouse = resources["warehouse"]
    assert isinstance(warehouse, WarehouseResource)
    with warehouse.connect("a test") as connection:
        assert connection.execute(SHOWN).fetchall() == [("300.0 MiB",)]

    project = REPOSITORY / "dbt_ga4"
    command = [str(BIN / "dbt"), "--quiet", "show", "--inline", SHOWN, "--target-path", str(tmp_path / "target")]
    command += ["--project-dir", str(project), "--profiles-dir", str(project)]
    with _environment(export_settings(data_dir=tmp_path / "data", memory_limit="300MiB")):
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "300.0 MiB" in shown.stdout, shown.stdout + shown.stderr
