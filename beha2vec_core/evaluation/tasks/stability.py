"""Stability: do the same users fall together again?

Population: judged users. Clusters: K-Means(6). Metric: mean adjusted Rand index between the clusters and those of other
seeds, and of bootstraps of the users, assigned to all (Hennig 2007, with ARI for Jaccard).

Traps: one lump is perfectly stable, so a lump earns 0 here, and a lump with outliers must be read beside the largest
cluster; length is stable too, so stable clusters may be clusters of length.
"""

from itertools import combinations

import numpy as np

from beha2vec_core.clusters.kmeans import kmeans, nearest
from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial
from beha2vec_core.evaluation.tasks.inputs import Vectors, encode
from beha2vec_core.evaluation.tasks.partition import CLUSTERS, agreement, clusters

SEEDS = 5
BOOTSTRAPS = 10


def across_seeds(vectors: Vectors) -> float:
    """Mean agreement of K-Means started from different seeds."""
    found = [clusters(vectors, CLUSTERS, seed=seed) for seed in range(SEEDS)]
    return float(np.mean([agreement(one, other) for one, other in combinations(found, 2)]))


def across_bootstraps(vectors: Vectors) -> float:
    """Mean agreement of the clusters with those of users drawn again with replacement."""
    points = normalise(vectors)
    labels = clusters(vectors, CLUSTERS, seed=0)
    agreements = []
    for resample in range(BOOTSTRAPS):
        drawn = np.random.default_rng(resample).integers(0, len(points), len(points))
        centroids, _ = kmeans(points[drawn], CLUSTERS, seed=resample + 1)
        agreements.append(agreement(labels, nearest(points, centroids)))
    return float(np.mean(agreements))


def run(trial: Trial) -> list[Outcome]:
    """Two agreements."""
    judged = trial.split.judged
    users = judged["user_key"].nunique()
    if users < CLUSTERS:
        return []
    vectors = encode(trial.fitted, judged)
    figures = {"seeds": across_seeds(vectors), "bootstraps": across_bootstraps(vectors)}
    return [Outcome("stability", f"ari across {name}", value, users) for name, value in figures.items()]


TASK = Task("stability", "users", "encode", run)
