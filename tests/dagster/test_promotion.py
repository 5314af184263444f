"""A new encoder takes the place of the old one whole, or is refused with its reason and changes nothing."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.dagster.project import DAYS, Project

pytestmark = pytest.mark.xdist_group("graph")

TRAIN = "encoder_candidate,encoder_evaluation,trained_encoder"


def _config(**assets: dict[str, object]) -> tuple[str, str]:
    return "--config", json.dumps({"ops": {asset: {"config": values} for asset, values in assets.items()}})


def _readers_see(project: Project) -> dict[str, tuple[str, str, int]]:
    """By user: encoder, cluster model and cluster."""
    rows = project.query(
        "select user_key, model_version, cluster_model_version, cluster_key from beha2vec.user_clusters_current"
    )
    return {user: tuple(rest) for user, *rest in rows}


def _newest(project: Project) -> tuple[str, str | None, str | None]:
    """Version, when it was accepted, why it was refused."""
    rows = project.query("select model_version, accepted_at::varchar, refused from beha2vec.encoder_newest")
    return rows[0]


@pytest.mark.slow
def test_an_encoder_trained_on_is_promoted_with_its_clusters(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _readers_see(project)
    done = project.materialize(TRAIN, *_config(encoder_candidate={"warm_start": True, "epochs": 6}))
    after = _readers_see(project)
    (old,) = {encoder for encoder, _, _ in before.values()}
    new, accepted, refused = _newest(project)
    assert {encoder for encoder, _, _ in after.values()} == {new} != {old} and accepted and refused is None
    assert after.keys() == before.keys()
    known = [user for user in before if before[user][2] >= 0]
    assert {user for user in after if after[user][2] < 0} == before.keys() - {*known}, "of them no more is known"
    stayed = sum(after[user][2] == before[user][2] for user in known) / len(known)
    assert stayed > 0.9 and f"{1 - stayed:.1%} of the users change cluster" in done.stdout
    lineage = project.query(
        """select distinct change from beha2vec.cluster_lineage
        where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)"""
    )
    assert lineage == [("kept",)]
    # a run that was killed once readers were switched is run again
    again = project.materialize(TRAIN, *_config(encoder_candidate={"warm_start": True, "epochs": 6}))
    assert "it is made again" in again.stdout and _newest(project)[0] == new and _readers_see(project) == after
    # the old vectors stay beside the new ones, of the same users on the same days
    rows = "select event_date, user_key from beha2vec.user_embeddings where model_version = '{}' order by all"
    assert project.query(rows.format(old)) == project.query(rows.format(new))
    judged = project.query(
        f"""select count(*), count(less_champion), any_value(champion) from beha2vec.encoder_evaluation
        where model_version = '{new}' and method like 'encoder%'"""
    )[0]
    assert judged[1] > 3 and judged[2] == old

    # a night meets the new version only, and promoting it again changes nothing
    last_day = ("--start", DAYS[-1], "--end", DAYS[-1])
    project.materialize("user_embeddings,user_clusters", *last_day)
    project.materialize("trained_encoder")
    assert _readers_see(project) == after
    assert project.query("select count(distinct model_version) from beha2vec.user_embeddings") == [(2,)]

    # going back: at once for what both have, then the days that came since
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(
            f"delete from beha2vec.user_embeddings where model_version = '{old}' and event_date = '{DAYS[-1]}'"
        )
        connection.execute(
            f"delete from beha2vec.user_clusters where model_version = '{old}' and event_date = '{DAYS[-1]}'"
        )
    output = project.run("beha2vec", "rollback").stdout
    assert f"encoder {old} is in use again" in output and f"newer days to embed with it: 1, from {DAYS[-1]}" in output
    assert _readers_see(project) == before
    served = project.query("select user_key, cluster_key from beha2vec.user_clusters_current", "serving")
    assert dict(served) == {user: cluster for user, (_, _, cluster) in before.items()}
    of_others = """select count(*) from beha2vec.cluster_members as members
        anti join beha2vec.user_clusters_current using (user_key, cluster_key, distance, margin)"""
    assert project.query(of_others, "serving") == [(0,)], "members are of the clusters gone back to"
    assert _newest(project)[2] == f"rolled back to {old}"
    # promoted once more, though it has a day that the one in use lacks
    with duckdb.connect(str(project.warehouse)) as connection:
        for table, version in (("user_embeddings", old), ("user_clusters", old), ("user_clusters", new)):
            connection.execute(
                f"delete from beha2vec.{table} where model_version = '{version}' and event_date = '{DAYS[-1]}'"
            )
    again = project.materialize("trained_encoder", check=False)
    assert again.returncode != 0 and f"{new} is refused: rolled back to {old}" in again.stderr
    forced = _config(trained_encoder={"force": True})
    project.materialize("trained_encoder", *forced)
    assert _readers_see(project) == after
    assert project.run("beha2vec", "rollback").returncode == 0
    unknown = project.run("beha2vec", "rollback", "--to", "nobody", check=False)
    assert unknown.returncode == 1 and f"choose from: {new}" in unknown.stderr


@pytest.mark.slow
def test_a_worse_encoder_is_refused_and_harms_nothing(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _readers_see(project)
    blind = dict.fromkeys(("page_modality", "event_name_modality", "theme_modality", "page_type_modality"), 0)
    worse = blind | {"epochs": 1}
    done = project.materialize(TRAIN, *_config(encoder_candidate=worse), check=False)
    candidate, accepted, refused = _newest(project)
    assert done.returncode != 0 and accepted is None and refused
    assert "the encoder in use has" in refused
    assert _readers_see(project) == before and candidate not in {encoder for encoder, _, _ in before.values()}
    # by hand it is refused too, and nights go on with the old one
    again = project.materialize("trained_encoder", check=False)
    assert again.returncode != 0 and f"encoder {candidate} is refused: {refused}" in again.stderr
    assert "with force in the Launchpad" in again.stderr and "Traceback" not in again.stderr
    project.materialize("user_embeddings,user_clusters")
    assert _readers_see(project) == before
    assert project.query(f"select count(*) from beha2vec.user_embeddings where model_version = '{candidate}'") == [(0,)]
    forced = _config(trained_encoder={"force": True})
    done = project.materialize("trained_encoder", *forced, check=False)
    assert done.returncode != 0 and "clusters cannot be carried over to it" in done.stderr, "not even by force"
    assert _readers_see(project) == before


@pytest.mark.slow
def test_training_on_must_not_move_many_users_and_beginning_anew_may(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _readers_see(project)
    far = {"warm_start": True, "epochs": 18, "learning_rate": 0.03}
    done = project.materialize(TRAIN, *_config(encoder_candidate=far, trained_encoder={"max_moved": 0.0}), check=False)
    candidate, accepted, refused = _newest(project)
    assert done.returncode != 0 and accepted is None and "of the users change cluster" in str(refused)
    assert _readers_see(project) == before
    assert project.query(f"select count(*) from beha2vec.user_embeddings where model_version = '{candidate}'") == [(0,)]

    forced = _config(trained_encoder={"force": True})
    project.materialize("trained_encoder", *forced)
    assert {encoder for encoder, _, _ in _readers_see(project).values()} == {candidate}
    assert _newest(project)[1] and _newest(project)[2] is None

    smaller = {"dim": 8, "heads": 1, "epochs": 1, "contrastive_weight": 0, "content_weight": 0, "learning_rate": 1e-6}
    # it may be worse than the one in use, so the promotion is forced
    from_scratch = _config(encoder_candidate=smaller, trained_encoder={"force": True})
    done = project.materialize(TRAIN, *from_scratch)
    assert f"was not trained on from {candidate}" in done.stdout
    after = _readers_see(project)
    assert {encoder for encoder, _, _ in after.values()} == {_newest(project)[0]} and after.keys() == before.keys()


def test_vectors_of_two_encoders_are_not_clustered_together(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(
            f"update beha2vec.user_embeddings set model_version = 'other' where event_date = '{DAYS[2]}'"
        )
    for asset in ("cluster_model", "user_clusters"):
        done = project.materialize(asset, check=False)
        assert done.returncode != 0
        assert f"1 day from {DAYS[2]} to {DAYS[2]} with vectors of another encoder only" in done.stderr
        assert "Run beha2vec materialize --job reembed_history --start 20" in " ".join(done.stderr.split())


def test_a_first_encoder_that_was_not_accepted_is_not_used(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("update beha2vec.encoders set accepted_at = null, refused = 'its vectors have collapsed'")
        connection.execute("delete from beha2vec.cluster_models")
    done = project.materialize("user_embeddings", check=False)
    assert done.returncode != 0 and "no encoder is in use yet" in done.stderr and "train_encoder" in done.stderr
