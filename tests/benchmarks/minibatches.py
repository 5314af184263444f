"""K-Means by mini-batches beside the exact fit: python tests/benchmarks/minibatches.py, or --users 250000 1000000.

Synthetic users of 64 dimensions around k centers; with a larger spread most of them lie between clusters. Prints CPU
seconds, the peak of Python's memory beside the file of the vectors, the mean squared distance of mini-batches beyond
that of the exact fit, and the agreement with it (adjusted Rand index), beside that of two exact fits with other seeds.
With more users than --exact there is no exact fit.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.clusters.unit import UnitVectors, chunks
from beha2vec_core.store.vectors import VectorFile

DIM = 64
Fit = tuple[NDArray[np.float32], NDArray[np.int32]]


def write(path: Path, users: int, k: int, spread: float) -> VectorFile:
    """A file of vectors around k centers."""
    rng = np.random.default_rng(0)
    centers, shares = rng.normal(size=(k, DIM)), rng.dirichlet(np.full(k, 4.0))

    def parts() -> Iterator[pa.Array]:
        for chunk in chunks(users):
            n = min(chunk.stop, users) - chunk.start
            vectors = centers[rng.choice(k, n, p=shares)] + spread * rng.normal(size=(n, DIM))
            yield pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel().astype(np.float32)), DIM)

    return VectorFile.write(path, parts())


def inertia(points: UnitVectors, found: Fit) -> float:
    """The mean squared distance to the own centroid."""
    centroids, labels = found
    return sum(float(np.square(points[one] - centroids[labels[one]]).sum()) for one in chunks(len(points))) / len(
        points
    )


def timed(points: UnitVectors, k: int, starts: int, minibatch_above: int, seed: int = 0) -> tuple[Fit, float, float]:
    """What K-Means finds, its CPU seconds, and its peak of memory in MB."""
    tracemalloc.start()
    began = time.process_time()
    found = kmeans(points, k, seed=seed, starts=starts, minibatch_above=minibatch_above)
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, seconds, peak / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--exact", type=int, default=1_000_000, help="the most users of an exact fit")
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--spread", type=float, nargs="+", default=[3.0, 5.0], help="around centers at about 8")
    parser.add_argument("--starts", type=int, default=8)
    asked = parser.parse_args()
    head = ["users", "spread", "vectors, MB"]
    head += [f"{what}, {unit}" for unit in ("CPU s", "MB") for what in ("exact", "mini-batches")]
    head += ["mean squared distance", "ARI", "ARI of exact fits"]
    print(f"| {' | '.join(head)} |\n|{'---:|' * len(head)}")
    for users in asked.users:
        for spread in asked.spread:
            with tempfile.TemporaryDirectory() as folder:
                points = UnitVectors(write(Path(folder) / "vectors", users, asked.k, spread))
                found, seconds, peak = timed(points, asked.k, asked.starts, 0)
                own, whole = [f"{seconds:.1f}", f"{peak:,.0f}"], ["", ""]
                beyond = [""] * 3
                if users <= asked.exact:
                    exact, seconds, peak = timed(points, asked.k, asked.starts, users)
                    whole = [f"{seconds:.1f}", f"{peak:,.0f}"]
                    share = inertia(points, found) / inertia(points, exact) - 1
                    other, _, _ = timed(points, asked.k, asked.starts, users, seed=1)
                    agreements = [f"{adjusted_rand_score(exact[1], one[1]):.3f}" for one in (found, other)]
                    beyond = [f"{share:+.4%}", *agreements]
                row = [f"{users:,}", f"{spread:g}", f"{users * DIM * 4 / 1e6:,.0f}"]
                print("| " + " | ".join([*row, whole[0], own[0], whole[1], own[1], *beyond]) + " |", flush=True)


if __name__ == "__main__":
    main()
