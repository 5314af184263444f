"""Clusters: planted groups are found, k is chosen honestly, the same input gives the same bits."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from beha2vec_core.clusters import (
    TOO_LITTLE_EVIDENCE,
    ClusterModel,
    epsilon_squared,
    eta_squared,
    find_dense_groups,
    find_members,
    fit_clusters,
    keep_keys,
)
from beha2vec_core.clusters.stability import CURVE_COLUMNS, choose_k, stability_curve
from beha2vec_core.clusters.unit import normalise
from beha2vec_core.store.tables import create_tables

fit = partial(fit_clusters, progress=False, map_landmarks=100)
pytestmark = pytest.mark.xdist_group("clusters")


def planted(n: int, shares: list[float], *, dim: int = 16, noise: float = 0.6, seed: int = 0):
    """n vectors around one random center a share, of any length, and the center of each."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(shares), dim))
    label = rng.choice(len(shares), size=n, p=shares)
    vectors = centers[label] + noise * rng.normal(size=(n, dim))
    return (vectors * rng.uniform(0.2, 5.0, size=(n, 1))).astype(np.float32), label


@pytest.fixture(scope="module")
def blobs() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return planted(900, [0.3, 0.25, 0.2, 0.15, 0.1])


@pytest.fixture(scope="module")
def model(blobs) -> ClusterModel:
    return fit(blobs[0], k_range=(3, 7), seed=4, model_version="m1")


def test_planted_groups_and_their_number_are_recovered(blobs, model) -> None:
    vectors, planted_label = blobs
    assert model.k == 5
    assert adjusted_rand_score(planted_label, model.assign(vectors).cluster_key) > 0.98
    assert list(model.curve.columns) == list(CURVE_COLUMNS)
    assert model.curve["k"].tolist() == [3, 4, 5, 6, 7]
    assert model.curve.loc[model.curve["chosen"], "k"].tolist() == [5]


def test_cluster_keys_run_from_the_largest_to_the_smallest(blobs, model) -> None:
    sizes = np.bincount(model.assign(blobs[0]).cluster_key, minlength=model.k)
    assert (np.diff(sizes) <= 0).all()
    assert model.shares == pytest.approx(sizes / sizes.sum())
    assert model.shares.sum() == pytest.approx(1.0)


@pytest.mark.slow
def test_same_seed_same_bits_in_another_process(blobs, model, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", blobs[0], allow_pickle=False)
    script = (
        "import sys, numpy as np; from pathlib import Path; from beha2vec_core.clusters import fit_clusters; "
        "folder = Path(sys.argv[1]); vectors = np.load(folder / 'vectors.npy'); "
        "fit_clusters(vectors, k_range=(3, 7), seed=4, model_version='m1', progress=False, map_landmarks=100)"
        ".save(folder / 'other.npz')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    other = ClusterModel.load(tmp_path / "other.npz").to_arrays()
    for name, array in model.to_arrays().items():
        assert array.tobytes() == other[name].tobytes(), name


def test_distance_and_margin_are_those_of_a_plain_loop(blobs, model) -> None:
    vectors = blobs[0][:40]
    assigned = model.assign(vectors)
    cluster_key, distance, margin = assigned
    assert cluster_key.shape == distance.shape == margin.shape == (40,)
    for row, point in enumerate(normalise(vectors)):
        distances = np.sort(np.linalg.norm(model.centroids - point, axis=1))
        assert assigned.distance[row] == pytest.approx(distances[0], abs=1e-3)
        assert assigned.margin[row] == pytest.approx(distances[1] - distances[0], abs=1e-3)
    assert assigned.cluster_key.dtype == np.int32


def test_length_of_a_vector_does_not_matter(blobs, model) -> None:
    assert np.array_equal(model.assign(blobs[0]).cluster_key, model.assign(blobs[0] * 7).cluster_key)


def test_save_and_load_give_the_same_model_and_leave_no_rest(model, tmp_path: Path) -> None:
    path = model.save(tmp_path / "clusters" / "model.npz")
    loaded = ClusterModel.load(path)
    assert [p.name for p in path.parent.iterdir()] == ["model.npz"]
    assert loaded.model_version == "m1" and loaded.seed == 4 and loaded.why == model.why
    pd.testing.assert_frame_equal(loaded.curve, model.curve)
    for name, array in model.to_arrays().items():
        assert array.tobytes() == loaded.to_arrays()[name].tobytes(), name
        assert array.dtype != object  # nothing that would need pickle


def test_a_model_of_another_format_is_refused(model) -> None:
    with pytest.raises(ValueError, match="fit it again"):
        ClusterModel.from_arrays({**model.to_arrays(), "format_version": np.asarray(99)})


def test_map_keeps_clusters_apart_and_users_in_place(blobs, model) -> None:
    vectors, planted_label = blobs
    places = model.project_2d(vectors)
    assert places.shape == (len(vectors), 2) and np.isfinite(places).all()
    # the same user lies on the same spot, whoever else is drawn
    np.testing.assert_allclose(model.project_2d(vectors[10:20]), places[10:20], atol=1e-3)
    centers = np.array([places[planted_label == group].mean(axis=0) for group in range(5)])
    own = np.linalg.norm(places[:, None] - centers[None], axis=2).argmin(axis=1)
    assert (own == planted_label).mean() > 0.95


def test_given_k_is_kept_and_shown_on_the_curve(blobs) -> None:
    model = fit(blobs[0], k=9, k_range=(3, 3), seed=1)
    assert model.k == 9
    assert model.why.startswith("k = 9: as requested; the curve suggests k = ")
    assert model.curve.loc[model.curve["chosen"], "k"].tolist() == [9]
    assert len(model.assign(np.empty((0, 16), dtype=np.float32)).cluster_key) == 0


def test_few_users_are_not_cut_into_clusters(tmp_path: Path) -> None:
    vectors, label = planted(130, [0.35, 0.3, 0.2, 0.12, 0.03], noise=0.2, seed=3)
    smallest = np.bincount(label).min()
    assert smallest < 6
    model = fit(vectors, seed=1, model_version="m1")
    assert model.k == 1 and set(model.assign(vectors).cluster_key) == {0}
    assert model.why == (
        "k = 1: 130 users with enough events are fewer than the 200 that clusters need, so all users are in one; "
        "more days bring more users"
    )
    assert ClusterModel.load(model.save(tmp_path / "one.npz")).k == 1
    keyed, lineage = keep_keys(model, vectors, label.astype(np.int32), range(5))
    assert keyed.k == 1 and {row.cluster_key for row in lineage} == set(range(5))
    asked = fit(vectors, k=5, k_range=(4, 5), seed=1)
    assert asked.k == 5 and f"its smallest cluster has {smallest} of 130 users" in asked.why


@pytest.mark.parametrize(("users", "shares"), [(400, [0.5, 0.3, 0.19, 0.01]), (210, [1.0])])
def test_no_cluster_is_smaller_than_what_facts_need(users: int, shares: list[float]) -> None:
    vectors, _ = planted(users, shares, noise=0.3, seed=3)
    model = fit(vectors, k_range=(4, 7), seed=1)
    assert np.bincount(model.assign(vectors).cluster_key).min() >= 20, model.why
    assert model.why.startswith(f"k = {model.k}: ")


def test_fewer_clusters_than_asked_for_where_more_would_be_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, label = planted(240, [0.6, 0.4], noise=0.3, seed=5)
    monkeypatch.setattr("beha2vec_core.clusters.fit.MIN_CLUSTER_USERS", 70)
    model = fit(vectors, k_range=(3, 4), seed=1)
    assert model.k == 2 and adjusted_rand_score(label, model.assign(vectors).cluster_key) == 1
    assert "left out for a cluster of fewer than 70 users: 3, 4" in model.why
    monkeypatch.setattr("beha2vec_core.clusters.fit.MIN_CLUSTER_USERS", 150)
    alone = fit(vectors, k_range=(3, 8), seed=1)
    assert alone.k == 1 and "with any other number up to 8, a cluster would have fewer than 150 users" in alone.why
    assert alone.curve["k"].tolist() == list(range(2, 9)) and not alone.curve["chosen"].any()


def curve_of(ks: list[int], least_jaccard: list[float], largest_share: list[float] | None = None) -> pd.DataFrame:
    shares = {"largest_share": largest_share or [0.4] * len(ks), "smallest_share": [0.1] * len(ks)}
    return pd.DataFrame({"k": ks, "least_jaccard": least_jaccard} | shares)


def test_k_that_needs_a_cluster_above_half_of_the_users_loses() -> None:
    curve = curve_of([2, 3, 4, 5, 6], [1.0, 0.7, 0.9, 0.89, 0.4], [0.8, 0.45, 0.4, 0.4, 0.3])
    k, why = choose_k(curve)
    assert k == 5, "6 has a cluster that other resamples do not have"
    assert why == (
        "k = 5: the most for which all clusters are stable (least Jaccard index 0.89); left out for a cluster below "
        "1% or above 50% of the users: 2"
    )
    k, why = choose_k(curve[:1])
    assert k == 2 and why.endswith("of the users, this one breaks that least"), "nothing better to take"


def test_where_no_k_is_stable_the_best_are_taken() -> None:
    curve = curve_of([4, 5, 6, 7], [0.5, 0.4, 0.46, 0.3])
    k, why = choose_k(curve)
    assert (k, why) == (
        6, "k = 6: the most for which clusters are as stable as the best (least Jaccard index 0.46)"
    )  # fmt: skip
    assert choose_k(curve, earlier_k=4).k == 4
    assert choose_k(curve, earlier_k=5).k == 6


@pytest.mark.parametrize("pairs", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_groups_within_groups_are_told_apart_though_fewer_clusters_are_as_stable(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    centers = np.repeat(2 * rng.normal(size=(pairs, 16)), 2, axis=0) + rng.normal(size=(2 * pairs, 16))
    label = rng.integers(0, 2 * pairs, 900)
    vectors = (centers[label] + 0.5 * rng.normal(size=(900, 16))).astype(np.float32)
    bought = (label < 2) & (rng.random(900) < 0.3)  # both groups of a pair alike
    model = fit(vectors, k_range=(3, 2 * pairs + 1), outcome=bought)
    by_k = model.curve.set_index("k")
    assert by_k.loc[pairs, "stability_ari"] > 0.98 and by_k.loc[pairs, "silhouette"] > 0.3
    assert model.k == 2 * pairs, model.curve
    assert adjusted_rand_score(label, model.assign(vectors).cluster_key) > 0.95


def test_the_least_stable_cluster_is_found_however_small_it_is() -> None:
    vectors, _ = planted(1_000, [0.5, 0.3, 0.2], dim=8, noise=0.1, seed=2)
    curve = stability_curve(normalise(vectors), [3, 4], seed=1, progress=False).set_index("k")
    assert curve.loc[3, "least_jaccard"] == 1.0 == curve.loc[3, "stability_ari"]
    assert curve.loc[4, "least_jaccard"] < 0.75 < curve.loc[4, "stability_ari"], "one group is cut anywhere"


def test_the_curve_tells_what_clusters_say_of_an_outcome(blobs) -> None:
    vectors, planted_label = blobs
    bought = planted_label == 0
    # the curve is made on some of the users only, and on their outcomes
    model = fit(vectors, k=5, k_range=(5, 5), outcome=bought, curve_users=600)
    assert model.curve["outcome_epsilon2"].min() > 0.95
    chance = np.random.default_rng(0).random(len(vectors)) < 0.3
    curve = stability_curve(normalise(vectors), [4, 5, 6], seed=4, outcome=chance, resamples=1, progress=False)
    assert curve["outcome_epsilon2"].abs().max() < 0.02


@pytest.mark.parametrize(
    ("vectors", "options", "remedy"),
    [
        (np.ones((3, 4)), {"k": 4}, "take more days"),
        (np.ones((200, 4)), {}, "all the same"),
        (np.ones((50, 4)), {"k": 3}, "give a smaller k"),
        (np.full((50, 4), np.nan), {}, "train it again"),
        (np.ones(50), {}, "two-dimensional"),
        (np.eye(50), {"k_range": (1, 3)}, "k_range"),
        (np.eye(50), {"k": 0}, "at least 1"),
    ],
)
def test_impossible_requests_name_the_remedy(vectors, options, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        fit(vectors.astype(np.float32), **options)


def test_vectors_of_another_encoder_are_refused(model) -> None:
    with pytest.raises(ValueError, match="encoder m1"):
        model.assign(np.ones((2, 5), dtype=np.float32))


def test_eta_squared_worked_example() -> None:
    # groups 1,2,3 and 5,6,7: means 2 and 6, overall 4; between 3*4+3*4 = 24, within 2+2, total 28
    assert eta_squared([0, 0, 0, 1, 1, 1], [1, 2, 3, 5, 6, 7]) == pytest.approx(24 / 28)
    assert eta_squared(["a", "b"], [3.0, 3.0]) == 0.0
    with pytest.raises(ValueError, match="one length"):
        eta_squared([1, 2], [1.0])


@settings(max_examples=50)
@given(arrays(np.float64, 30, elements=st.floats(-1e3, 1e3)), arrays(np.int64, 30, elements=st.integers(0, 4)))
def test_eta_squared_is_a_share_and_ignores_scale(values, labels) -> None:
    share = eta_squared(labels, values)
    assert -1e-9 <= share <= 1 + 1e-9
    if values.std() > 1e-3:
        assert eta_squared(labels, values * 3 - 5) == pytest.approx(share, abs=1e-6)


def test_epsilon_squared_worked_example() -> None:
    # as above: 24 of 28 between 2 groups of 6 values; the mean square within is 4 / 4, so (24 - 1 * 1) / 28
    assert epsilon_squared([0, 0, 0, 1, 1, 1], [1, 2, 3, 5, 6, 7]) == pytest.approx(23 / 28)
    assert epsilon_squared([0, 0, 1, 1], [5, 5, 5, 5]) == 0.0
    assert epsilon_squared([0, 1, 2], [1, 2, 3]) == 0.0, "a group a value explains all, by construction"


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_epsilon_squared_of_groups_that_tell_nothing_is_zero_however_many(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, values = rng.integers(0, k, 300), rng.normal(size=300)
    shuffled = [epsilon_squared(rng.permutation(labels), values) for _ in range(200)]
    # its standard deviation is about sqrt(2 (k - 1)) / 300
    assert abs(np.mean(shuffled)) < 5 * np.sqrt(2 * (k - 1)) / 300 / np.sqrt(200)
    assert epsilon_squared(labels, values) <= eta_squared(labels, values)


def test_users_with_too_little_evidence_are_in_no_cluster(blobs, model) -> None:
    vectors, _ = blobs
    low = np.arange(len(vectors)) % 3 == 0
    assigned, plain = model.assign(vectors, low), model.assign(vectors)
    assert (assigned.cluster_key[low] == TOO_LITTLE_EVIDENCE).all()
    assert np.isnan(assigned.distance[low]).all() and np.isnan(assigned.margin[low]).all()
    for name in ("cluster_key", "distance", "margin"):
        assert np.array_equal(getattr(assigned, name)[~low], getattr(plain, name)[~low]), name
    assert model.keys.tolist() == list(range(model.k)), "the model itself is as it was"


def clustered(model: ClusterModel, vectors: NDArray[np.float32], low: NDArray[np.bool_]) -> duckdb.DuckDBPyConnection:
    """A warehouse whose readers see the users of these vectors in the model's clusters."""
    connection = duckdb.connect()
    create_tables(connection)
    connection.execute("insert into beha2vec.cluster_models values ('c', 'm1', 1, 1, '[]', now(), now())")
    assigned = model.assign(vectors, low)
    rows = pa.table(
        {
            "user_key": [f"u{number:04d}" for number in range(len(vectors))],
            "behavior": list(vectors),
            "low_evidence": low,
            "cluster_key": assigned.cluster_key,
            "distance": pa.array(assigned.distance, from_pandas=True),
            "margin": pa.array(assigned.margin, from_pandas=True),
        }
    )
    connection.register("rows", rows)
    day = "date '2026-03-01' as event_date, 'm1' as model_version"
    connection.execute(
        f"insert into beha2vec.user_embeddings by name select {day}, user_key, behavior, low_evidence from rows"
    )
    connection.execute(
        f"""insert into beha2vec.user_clusters by name
        select {day}, 'c' as cluster_model_version, user_key, cluster_key, distance, margin from rows"""
    )
    return connection


def test_members_are_medoids_and_those_at_the_edge(blobs) -> None:
    vectors = np.vstack([blobs[0], blobs[0][:60]])  # some users are exactly alike
    low = np.arange(len(vectors)) % 5 == 1
    fitted = fit(vectors[~low], k=5, k_range=(5, 5), seed=4, model_version="m1")
    model = replace(fitted, keys=fitted.keys + 3)
    points, assigned = normalise(vectors), model.assign(vectors, low)
    connection = clustered(model, vectors, low)
    found = find_members(connection, model)
    rows = found.to_pandas()
    assert found.column_names == ["cluster_key", "role", "rank", "user_key", "distance", "margin", "other_key"]
    assert rows.groupby(["cluster_key", "role"])["rank"].apply(list).tolist() == [[1, 2, 3, 4, 5]] * 10
    number = rows["user_key"].str[1:].astype(int).to_numpy()
    assert not low[number].any()
    assert (assigned.cluster_key[number] == rows["cluster_key"]).all()
    by_nearness = np.linalg.norm(model.centroids[None] - points[number][:, None], axis=2).argsort(axis=1)
    assert model.keys[by_nearness[:, 1]].tolist() == rows["other_key"].tolist()
    for key in model.keys:
        inside = np.flatnonzero(assigned.cluster_key == key)
        typical, edge = (number[(rows["cluster_key"] == key) & (rows["role"] == role)] for role in ("typical", "edge"))
        spread = [np.square(points[inside] - points[user]).sum() for user in inside]
        assert spread[list(inside).index(typical[0])] == pytest.approx(min(spread), rel=1e-5), "the true medoid"
        assert assigned.margin[edge].tolist() == sorted(assigned.margin[inside])[:5]
    assert find_members(connection, model).equals(found)
    assert find_members(connection, model, each=1).num_rows == 10


def test_one_cluster_has_no_edge_and_nobody_no_members(blobs, model) -> None:
    vectors = blobs[0][:40]
    one = fit(vectors, k=1, k_range=(2, 2))
    members = find_members(clustered(one, vectors, np.zeros(40, dtype=bool)), one).to_pandas()
    assert members["role"].tolist() == ["typical"] * 5 and members["other_key"].isna().all()
    assert find_members(clustered(model, vectors, np.ones(40, dtype=bool)), model).num_rows == 0


def test_dense_groups_are_shown_beside_the_clusters(blobs, model) -> None:
    vectors, planted_label = planted(1_000, [0.4, 0.3, 0.3], dim=8, noise=0.15, seed=3)
    vectors[:200] = np.random.default_rng(1).normal(size=(200, 8))  # between all of them
    clusters = np.where(planted_label == 2, 7, planted_label).astype(np.int32)
    found = find_dense_groups(vectors, clusters)
    assert found.users == 1_000 and len(found.groups) == 3 and 0.1 < found.noise_share < 0.3 and found.ari > 0.95
    assert sorted(found.groups["cluster_key"]) == [0, 1, 7] and found.groups["users"].is_monotonic_decreasing
    assert found.groups["share_in_cluster"].min() > 0.95
    again = find_dense_groups(vectors, clusters)
    assert again.groups.equals(found.groups) and again.ari == found.ari
    sampled = find_dense_groups(vectors, clusters, max_users=500)
    assert sampled.users == 500 and sampled.groups["users"].sum() <= 500
    few = find_dense_groups(vectors[:12], clusters[:12])
    assert few.noise_share == 1.0 and np.isnan(few.ari) and few.groups.empty


def with_centers(model: ClusterModel, centroids: NDArray[np.float32]) -> ClusterModel:
    return replace(model, centroids=centroids, keys=np.arange(len(centroids), dtype=np.int32))


def corners(counts: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """So many users on each axis, and the number of the axis."""
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return np.eye(8, dtype=np.float32)[labels], labels


def test_clusters_keep_their_key_whatever_order_a_fit_finds_them_in(model) -> None:
    vectors, earlier = corners([5, 4, 3])
    fitted = with_centers(model, np.eye(8, dtype=np.float32)[[2, 0, 1]])
    kept, lineage = keep_keys(fitted, vectors, earlier + 4, used_keys=[4, 5, 6])
    assert kept.keys.tolist() == [6, 4, 5]
    assert kept.assign(vectors).cluster_key.tolist() == (earlier + 4).tolist()
    assert [(row.cluster_key, row.change, row.users, row.shared_users) for row in lineage] == [
        (4, "kept", 5, 5), (5, "kept", 4, 4), (6, "kept", 3, 3)
    ]  # fmt: skip


def test_what_becomes_of_clusters_is_reported(model) -> None:
    # by axis:        0   1   2   3   4
    vectors, axis = corners([9, 6, 4, 5, 3])
    # 0 and 1 were one cluster; 2 joins 3; those of 4 were scattered over all others or are new
    earlier = np.array([0, 0, 2, 3, -1], dtype=np.int32)[axis]
    earlier[[0, 9, 15]] = 5
    fitted = with_centers(model, np.stack([np.eye(8, dtype=np.float32)[i] for i in (0, 1, 3, 4)]))
    vectors[axis == 2] = vectors[axis == 3][0]
    found, lineage = keep_keys(fitted, vectors, earlier, used_keys=range(9))
    told = {row.cluster_key: (row.change, row.other_key, row.users, row.shared_users) for row in lineage}
    assert told == {
        0: ("kept", None, 9, 8),
        2: ("merged", 3, 3, 3),
        3: ("kept", None, 9, 5),
        5: ("gone", None, 3, 1),
        9: ("split", 0, 6, 5),
        10: ("born", None, 3, 0),
    }
    assert found.keys.tolist() == [0, 9, 3, 10], "a key that was ever used is not used again"


def test_a_first_fit_counts_from_the_largest(blobs, model) -> None:
    found, lineage = keep_keys(model, blobs[0], np.full(len(blobs[0]), -1, dtype=np.int32), used_keys=[])
    assert found.keys.tolist() == list(range(5))
    assert {row.change for row in lineage} == {"born"} and sum(row.users for row in lineage) == len(blobs[0])


@given(
    arrays(np.int32, st.integers(6, 60), elements=st.integers(-1, 7)),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_every_cluster_is_reported_once_and_keys_are_never_shared(model, earlier, k, random) -> None:
    vectors = np.eye(8, dtype=np.float32)[[random.randrange(k) for _ in earlier]]
    fitted = with_centers(model, np.eye(8, dtype=np.float32)[:k])
    found, lineage = keep_keys(fitted, vectors, earlier, used_keys=range(12))
    assert len(set(found.keys.tolist())) == k
    assert sorted(row.cluster_key for row in lineage) == sorted({*found.keys.tolist(), *earlier[earlier >= 0].tolist()})
    kept = {row.cluster_key for row in lineage if row.change == "kept"}
    assert kept == {*found.keys.tolist()} & {*earlier.tolist()}
    assert all(0 <= row.shared_users <= row.users for row in lineage)
    again, lineage = keep_keys(found, vectors, found.assign(vectors).cluster_key, used_keys=range(30))
    sizes = np.bincount(fitted.assign(vectors).cluster_key, minlength=k)
    assert again.keys[sizes > 0].tolist() == found.keys[sizes > 0].tolist(), "the same fit changes nothing"


def test_a_fit_goes_on_from_the_clusters_there_are(blobs, model) -> None:
    vectors, _ = blobs
    labels = model.assign(vectors).cluster_key
    again = fit(vectors, k_range=(4, 6), seed=9, model_version="m1", earlier=labels)
    assert np.array_equal(again.centroids, model.centroids), "nothing has changed, so nothing changes"
    # with two of the five told as one, another k is as stable: what there was stays only while it is
    merged = np.where(labels == 4, 3, labels)
    assert fit(vectors, k_range=(4, 5), seed=4, earlier=merged).k in (4, 5)


def test_the_k_there_was_stays_while_its_clusters_are_stable() -> None:
    curve = curve_of([4, 5, 6], [0.9, 0.93, 0.3])
    assert choose_k(curve).k == 5
    stays = choose_k(curve, earlier_k=4)
    assert stays == (4, "k = 4: as many as before, and all clusters are stable (least Jaccard index 0.90)")
    assert choose_k(curve, earlier_k=6).k == 5
