"""Clusters found again keep their keys, what became of each is written down, and history follows from it."""

import json
from pathlib import Path

import pytest

from tests.dagster.project import Project

pytestmark = pytest.mark.xdist_group("graph")

CURRENT = "(select cluster_model_version from beha2vec.cluster_model_current)"


def _clustered(project: Project) -> dict[str, int]:
    """The cluster of each user of whom enough is known."""
    return dict(
        project.query("select user_key, cluster_key from beha2vec.user_clusters_current where cluster_key >= 0")
    )


def _recluster(project: Project, **config: object) -> None:
    run_config = json.dumps({"ops": {"cluster_model": {"config": config}}})
    select = "cluster_model,user_clusters,cluster_profiles,cluster_insights,serving_database"
    project.materialize(select, "--config", run_config)


def test_fitting_the_same_vectors_again_changes_nothing(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _clustered(project)
    lineage = sorted(project.query("from beha2vec.cluster_lineage"))
    project.materialize("cluster_model")
    assert sorted(project.query("from beha2vec.cluster_lineage")) == lineage
    assert {change for (change,) in project.query("select distinct change from beha2vec.cluster_lineage")} == {"born"}
    assert project.query("select count(*) from beha2vec.cluster_models") == [(1,)]
    assert _clustered(project) == before


@pytest.mark.slow
def test_with_more_clusters_those_that_go_on_keep_their_key(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _clustered(project)
    k = len({*before.values()})
    _recluster(project, k=k + 2)
    after = _clustered(project)
    lineage = dict(
        project.query(
            f"select cluster_key, change from beha2vec.cluster_lineage where cluster_model_version = {CURRENT}"
        )
    )
    kept = {key for key, change in lineage.items() if change == "kept"}
    assert len({*after.values()}) == k + 2 and kept == {*before.values()} & {*after.values()} and len(kept) > k / 2
    new = {*after.values()} - {*before.values()}
    assert min(new) == k and {lineage[key] for key in new} <= {"split", "born"}
    stayed = sum(before[user] == after[user] for user in before if before[user] in kept)
    assert stayed > 0.6 * sum(cluster in kept for cluster in before.values())
    # all that follows from clusters knows them by their keys
    for table in ("cluster_profiles", "cluster_insights"):
        keys = project.query(f"select distinct cluster_key from beha2vec.{table} where cluster_key is not null")
        assert {key for (key,) in keys} == {*after.values(), -1}

    history = project.query(
        "select user_key, cluster_key from beha2vec.cluster_history order by user_key, event_date", "serving"
    )
    everybody = dict(project.query("select user_key, cluster_key from beha2vec.user_clusters_current"))
    assert dict(history) == everybody, "the last day of each user is where he is"
    flows = project.query("select sum(users), count(from_cluster) from beha2vec.cluster_flows", "serving")
    assert flows[0][0] == len(history) and flows[0][1] > 0
    (newcomers,) = project.query("select sum(users) from beha2vec.cluster_flows where from_cluster is null")[0]
    assert newcomers == len(everybody)


def test_who_was_little_known_gets_a_cluster_when_enough_is_known(materialized: Project) -> None:
    known, moved, back = materialized.query(
        """select count(distinct to_cluster), coalesce(sum(users) filter (from_cluster = -1 and to_cluster >= 0), 0),
            coalesce(sum(users) filter (from_cluster >= 0 and to_cluster = -1), 0) from beha2vec.cluster_flows"""
    )[0]
    assert known > 1 and moved > 0
    assert back == 0, "in six days nothing is forgotten"
