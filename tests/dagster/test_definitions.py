"""Jobs, schedules, pools and the ways to load the code location."""

import json
from pathlib import Path

import pytest
from project import REPOSITORY, Project, make_project

pytestmark = pytest.mark.xdist_group("graph")


def _python(project: Project, code: str) -> object:
    return json.loads(project.run("python", "-c", code).stdout.splitlines()[-1])


def test_a_wrong_setting_is_told_at_start(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", timezone="Mars/Olympus")
    done = project.run("beha2vec", "materialize", check=False)
    assert done.returncode == 2
    assert "BEHA2VEC_TIMEZONE" in done.stderr and "Europe/Berlin" in done.stderr


def test_nightly_schedule_asks_for_the_last_three_days_in_one_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", start_date="2026-01-05", timezone="Europe/Berlin")
    code = """
import json, dagster as dg
from datetime import datetime, timezone
from beha2vec_dagster.jobs import nightly_refresh
context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 10, 5, tzinfo=timezone.utc))
request = nightly_refresh(context)
print(json.dumps({k: v for k, v in request.tags.items() if "range" in k}))
"""
    assert _python(project, code) == {
        "dagster/asset_partition_range_start": "2026-03-07",
        "dagster/asset_partition_range_end": "2026-03-09",
    }


def test_the_encoder_is_judged_when_trained_and_not_each_night(tmp_path: Path) -> None:
    code = """
import json
from beha2vec_dagster.definitions import defs
jobs = ("materialize_everything", "train_encoder", "refresh_last_days")
keys = {job: defs.resolve_job_def(job).asset_layer.selected_asset_keys for job in jobs}
print(json.dumps({job: "encoder_evaluation" in {key.to_user_string() for key in found} for job, found in keys.items()}))
"""
    found = _python(make_project(tmp_path / "p"), code)
    assert found == {"materialize_everything": True, "train_encoder": True, "refresh_last_days": False}


def test_assets_are_described_grouped_and_pooled(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p")
    code = """
import json
from beha2vec_dagster.definitions import defs
graph = defs.get_repository_def().asset_graph
nodes = [graph.get(k) for k in graph.materializable_asset_keys]
told = {n.key.to_user_string(): [bool(n.description), n.group_name, sorted(n.kinds), sorted(n.pools)] for n in nodes}
print(json.dumps(told))
"""
    nodes = _python(project, code)
    assert isinstance(nodes, dict) and len(nodes) >= 18
    for name, (described, group, kinds, _) in nodes.items():
        assert described and group != "default" and kinds, name
    pools = {name: pool for name, (*_, pool) in nodes.items() if pool}
    assert pools == {
        "enriched_pages": ["gpu"],
        "trained_encoder": ["gpu"],
        "encoder_evaluation": ["gpu"],
        "user_embeddings": ["gpu"],
        "cluster_insights": ["openai"],
    }


def test_asking_for_cuda_where_there_is_none_is_an_error(materialized: Project, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        return
    project = materialized.copy(tmp_path / "p")
    done = project.run("beha2vec", "materialize", "--select", "trained_encoder", check=False, BEHA2VEC_DEVICE="cuda")
    assert done.returncode != 0 and "device='auto'" in done.stdout + done.stderr


def test_dg_finds_the_definitions(tmp_path: Path) -> None:
    home = make_project(tmp_path / "p").environment["DAGSTER_HOME"]
    project = Project(REPOSITORY, {"BEHA2VEC_DATA_DIR": str(tmp_path / "data"), "DAGSTER_HOME": home})
    done = project.run("dg", "check", "defs")
    assert "loaded successfully" in done.stdout + done.stderr
