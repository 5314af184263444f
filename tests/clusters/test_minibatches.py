"""Above a size K-Means goes by mini-batches of shards: nearly the same clusters, and never one matrix of all users."""

from __future__ import annotations

import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from beha2vec_core.clusters import fit_clusters, keep_keys, kmeans
from beha2vec_core.clusters.unit import UnitVectors, normalise
from beha2vec_core.store.vectors import VectorFile
from tests.clusters.test_clusters import corners, planted

pytestmark = pytest.mark.xdist_group("clusters")
SHARES = [0.3, 0.25, 0.2, 0.15, 0.1]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mini-batches of 4 shards of 500 users, which begin from 400 users."""
    monkeypatch.setattr("beha2vec_core.clusters.unit.CHUNK_ROWS", 500)
    monkeypatch.setattr("beha2vec_core.clusters.map._CHUNK_ROWS", 500)
    monkeypatch.setattr("beha2vec_core.clusters.kmeans._BATCH_SHARDS", 4)
    monkeypatch.setattr("beha2vec_core.clusters.kmeans._SAMPLE_ROWS", 400)


def inertia(points: NDArray[np.float32], centroids: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    return float(np.square(points - centroids[labels]).sum())


@pytest.mark.usefixtures("small")
def test_above_a_size_mini_batches_find_nearly_the_same_clusters(tmp_path: Path) -> None:
    vectors, label = planted(6_000, SHARES, noise=1.0)
    points = normalise(vectors)
    exact, exact_labels = kmeans.kmeans(points, 5, seed=2)
    centroids, labels = kmeans.kmeans(points, 5, seed=2, minibatch_above=1_000)
    assert not np.array_equal(exact, centroids) and adjusted_rand_score(exact_labels, labels) > 0.98
    assert inertia(points, centroids, labels) < 1.001 * inertia(points, exact, exact_labels)
    assert np.array_equal(labels, kmeans.nearest(points, centroids)), "everybody is in the nearest cluster"

    file = VectorFile.write(tmp_path / "vectors", [pa.array(list(part)) for part in np.array_split(vectors, 3)])
    again, same = kmeans.kmeans(UnitVectors(file), 5, seed=2, minibatch_above=1_000)
    assert np.array_equal(again, centroids) and np.array_equal(same, labels), "the same bits, out of a file"

    _, going_on = kmeans.kmeans(points, 5, seed=2, begin=exact[::-1].copy(), minibatch_above=1_000)
    assert adjusted_rand_score(exact_labels, going_on) > 0.98
    fitted = fit_clusters(
        file, k_range=(4, 6), minibatch_above=1_000, curve_users=900, map_landmarks=50, progress=False
    )
    assert fitted.k == 5 and adjusted_rand_score(label, fitted.assign(file).cluster_key) > 0.9


@pytest.mark.usefixtures("small")
def test_no_centroid_of_mini_batches_ends_without_users() -> None:
    # three users among thousands who are exactly alike: the sample that mini-batches begin from has none of them
    alike, _ = corners([20_000, 1, 1, 1])
    centroids, labels = kmeans.kmeans(alike, 4, seed=2, minibatch_above=1_000)
    assert np.bincount(labels).tolist() == [20_000, 1, 1, 1] and centroids.max(axis=1).min() == 1
    assert len(kmeans.kmeans(alike, 5, seed=2, minibatch_above=1_000)[0]) == 4, "there are only four to find"

    # the last of the earlier clusters is a mix of the other groups, so its mean is no user's nearest centroid
    vectors, group = planted(3_000, [0.4, 0.3, 0.3], noise=0.2)
    earlier = np.where(np.arange(3_000) % 20, group, 3).astype(np.int32)
    fitted = fit_clusters(
        vectors, k=4, k_range=(4, 4), earlier=earlier, minibatch_above=1_000, map_landmarks=50, progress=False
    )
    assert fitted.shares.min() > 0.02


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_vectors_of_a_file_are_never_one_matrix(tmp_path: Path) -> None:
    dim, n = 64, 40_000
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(4, dim)).astype(np.float32)
    parts = (centers[rng.integers(0, 4, 500)] + rng.normal(size=(500, dim)).astype(np.float32) for _ in range(n // 500))
    file = VectorFile.write(
        tmp_path / "vectors", (pa.FixedSizeListArray.from_arrays(one.ravel(), dim) for one in parts)
    )
    fit = partial(fit_clusters, k=4, k_range=(4, 4), minibatch_above=1_000, curve_users=200, map_landmarks=50)
    earlier = fit(file, progress=False).assign(file).cluster_key
    assert np.bincount(earlier).min() > 0.2 * n
    tracemalloc.start()
    model = fit(file, earlier=earlier, progress=False)
    keep_keys(model, file, earlier, [])
    model.project_2d(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.25 * file.path.stat().st_size


def test_a_machine_that_does_not_see_the_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not on this machine: put BEHA2VEC_DATA_DIR on storage"):
        UnitVectors(VectorFile(tmp_path / "elsewhere", (10, 2)))[:5]
