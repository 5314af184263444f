"""What `beha2vec summary` suggests to do next."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from tests.chat.chat_world import make_serving


@pytest.mark.parametrize(("kept", "some"), [("cluster_key > 1", True), ("cluster_key < 0", False)])
def test_the_suggested_question_is_about_a_cluster_that_exists(
    kept: str, some: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    path = make_serving(tmp_path / "data" / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"delete from beha2vec.user_clusters_current where not ({kept})")
        keys = {
            key for (key,) in connection.execute("from beha2vec.user_clusters_current select cluster_key").fetchall()
        }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "UTC")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "history").mkdir(parents=True)
    with closing(sqlite3.connect(tmp_path / "home" / "history" / "runs.db")) as records:
        records.execute("create table runs (id, pipeline_name, status, end_time)")
        records.execute(
            "insert into runs values (1, 'train_encoder', 'SUCCESS', 1), (2, 'refresh_last_days', 'FAILURE', 2)"
        )
        records.commit()
    said = CliRunner().invoke(app, ["summary"]).output
    assert "the last run (refresh_last_days) failed on 1970" in said
    assert re.search(r"Results of \d{4}-\d\d-\d\d, published [\d-]+ [\d:]+ \(UTC\)", said) or not some
    assert "load your own export" not in said, "no demo"
    (question,) = re.findall(r'chat "(.*)"', said)
    found = re.search(r"cluster (\d+)", question)
    assert (found is not None) == some
    assert found is None or int(found[1]) in keys
