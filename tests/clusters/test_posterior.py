"""The likely cluster of users with few events: learned, calibrated, saved, and named only where likely enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from beha2vec_core import BehaviorEncoder
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE, ClusterModel, fit_clusters, fit_posterior
from beha2vec_core.clusters.posterior import FEWEST_USERS, ClusterPosterior, calibration_error, reliability_of
from beha2vec_core.events.sequences import SequenceError
from tests.encoder.training_world import CONFIG, TRAIN, make_events

K, DIM = 3, 6


def parts(users: int, seed: int, noise: float = 0.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two noisy parts of each user, and the users' clusters."""
    rng = np.random.default_rng(seed)
    cluster = rng.choice(K, users, p=[0.5, 0.3, 0.2])
    centers = np.eye(DIM)[:K]
    user = np.repeat(np.arange(users), 2)
    vectors = centers[cluster[user]] + noise * rng.normal(size=(2 * users, DIM))
    return vectors.astype(np.float32), cluster[user], user


@pytest.fixture(scope="module")
def posterior() -> ClusterPosterior:
    found = fit_posterior(*parts(1_500, seed=0), K)
    assert found is not None
    return found


def test_it_names_the_later_cluster_and_its_probabilities_hold_for_new_users(posterior: ClusterPosterior) -> None:
    vectors, cluster, _ = parts(4_000, seed=1)
    probabilities = posterior.probabilities(vectors)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    base, right = (cluster == 0).mean(), (probabilities.argmax(1) == cluster).mean()
    nearest = (vectors[:, :K].argmax(1) == cluster).mean()
    assert right > base + 0.1 and right > nearest
    assert calibration_error(reliability_of(probabilities, cluster)) < 0.03
    assert calibration_error(posterior.reliability) < 0.03 and sum(one.parts for one in posterior.reliability) == 3_000
    sharper = probabilities**3 / (probabilities**3).sum(1, keepdims=True)
    assert calibration_error(reliability_of(sharper, cluster)) > 0.06, "the measure sees overconfidence"


def test_reliability_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.91, 0.09], [0.4, 0.6], [0.35, 0.65]])
    found = reliability_of(probabilities, np.array([0, 1, 1, 1]))
    assert [one.parts for one in found] == [2, 2]
    np.testing.assert_allclose([one.predicted for one in found], [0.625, 0.93])
    np.testing.assert_allclose([one.observed for one in found], [1.0, 0.5])
    assert calibration_error(found) == pytest.approx((0.375 + 0.43) / 2)


def test_parts_of_one_user_are_never_on_both_sides() -> None:
    """Each user's two parts are the same and mean nothing: who knows one would know the other."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(300, 200)).astype(np.float32), 2, axis=0)
    cluster = np.repeat(rng.integers(0, 2, 300), 2)
    found = fit_posterior(vectors, cluster, np.repeat(np.arange(300), 2), 2)
    assert found is not None and calibration_error(found.reliability) < 0.1 and found.threshold >= 0.5
    assert max(one.predicted for one in found.reliability if one.parts > 30) < 0.7


def test_the_threshold_is_where_guesses_are_mostly_right(posterior: ClusterPosterior) -> None:
    assert 0.3 <= posterior.threshold <= 0.6
    noise = fit_posterior(*parts(1_500, seed=2, noise=50.0), K)
    assert noise is not None
    vectors, cluster, _ = parts(2_000, seed=3, noise=50.0)
    probabilities = noise.probabilities(vectors)
    named = probabilities.max(1) >= noise.threshold
    assert not named.any() or (probabilities.argmax(1) == cluster)[named].mean() > 0.45


@pytest.mark.parametrize(("users", "k"), [(FEWEST_USERS - 1, K), (FEWEST_USERS, 1)])
def test_too_few_users_or_one_cluster_say_nothing(users: int, k: int) -> None:
    vectors, cluster, user = parts(users, seed=0)
    assert fit_posterior(vectors, cluster % k, user, k) is None


def test_a_cluster_without_early_parts_is_not_likely() -> None:
    for present in (1, 2):
        vectors, cluster, user = parts(400, seed=0)
        found = fit_posterior(vectors, cluster % present, user, K)
        assert found is not None and found.probabilities(vectors)[:, present:].max() < 1e-6


def model(posterior: ClusterPosterior | None) -> ClusterModel:
    vectors, *_ = parts(300, seed=4, noise=0.2)
    fitted = fit_clusters(vectors, k=K, k_range=(K, K), map_landmarks=50, progress=False)
    return replace(fitted, keys=np.array([7, 0, 3], dtype=np.int32), posterior=posterior)


def test_a_model_names_keys_above_its_threshold_and_keeps_its_posterior(
    posterior: ClusterPosterior, tmp_path: Path
) -> None:
    saved = model(replace(posterior, threshold=0.7))
    loaded = ClusterModel.load(saved.save(tmp_path / "model.npz"))
    vectors, *_ = parts(200, seed=5)
    likely = loaded.likely(vectors)
    assert likely is not None
    probabilities = posterior.probabilities(vectors)
    named = probabilities.max(1) >= 0.7
    assert named.any() and not named.all()
    np.testing.assert_array_equal(likely.cluster_key[named], np.array([7, 0, 3])[probabilities.argmax(1)][named])
    assert (likely.cluster_key[~named] == TOO_LITTLE_EVIDENCE).all()
    np.testing.assert_allclose(likely.probability, probabilities.max(1), rtol=1e-5)
    assert loaded.posterior is not None and loaded.posterior.reliability == posterior.reliability
    none = ClusterModel.load(model(None).save(tmp_path / "before.npz"))
    assert none.posterior is None and none.likely(vectors) is None


@pytest.mark.slow
@pytest.mark.parametrize("seen", [None, 7], ids=["no as_of", "as_of"])
def test_first_events_are_encoded_as_if_nothing_had_come_after(seen: int | None) -> None:
    """In rows of events and in lists, as of the end of the day of the last of them where an ``as_of`` is given."""
    day = pd.Timedelta(days=1) // pd.Timedelta(microseconds=1)
    events = make_events(users=40)
    users = events.groupby("user_key")
    events["event_timestamp"] = users["event_timestamp"].transform("first") + users.cumcount() * day
    encoder = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=1))
    lists = events.iloc[::-1].groupby("user_key", as_index=False).agg(list)
    for length in range(1, 4):
        several = events.groupby("user_key")["page"].transform("size") > length
        first = events[several].groupby("user_key").head(length).groupby("user_key", as_index=False).agg(list)
        if seen:
            lists["as_of"] = lists["event_timestamp"].map(max) + seen * day + 5
            first["as_of"] = first["event_timestamp"].map(max) + 5
        alone = encoder.encode(first)
        assert encoder.encode(lists, first=length).equals(alone)
        assert seen or encoder.encode(events, first=length).equals(alone)
    with pytest.raises(SequenceError, match="first"):
        encoder.encode(events, first=0)
