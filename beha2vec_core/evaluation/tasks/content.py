"""Content: are users grouped by what they looked at, or by how much?

Population: judged users with a page view. Clusters: K-Means(6). Metrics, to be read together: eta2 of the log number of
page views (how much of length the clusters explain: near 1, they are clusters of length), eta2 of the user's
proportions of site sections (between-cluster share of their total sum of squares), and the largest cluster's share.

Traps: one lump with a few outliers explains nothing of length, so a low eta2 of length is praise only beside a largest
cluster well below 1; sections are the pages' first path levels, so a method that reads paths has them for the asking,
and clusters made of the proportions themselves are the ceiling, not 1. Scale decides K-Means: the figures are given on
rows of unit length, as in the product, and with each column standardised, where rare pages make outliers.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.clusters import eta_squared
from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial
from beha2vec_core.evaluation.tasks.inputs import Vectors, encode, users_of
from beha2vec_core.evaluation.tasks.partition import CLUSTERS, Labels, clusters


def explained(labels: npt.ArrayLike, columns: npt.NDArray[np.float64]) -> float:
    """Share of the total sum of squares of the columns that is between the groups; 0 where nothing varies."""
    spread = columns.var(axis=0)
    if not spread.any():
        return 0.0
    return float(np.average([eta_squared(labels, column) for column in columns.T], weights=spread))


def section_proportions(views: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Share of each site section in a user's page views, [users, sections]."""
    return np.asarray(pd.crosstab(views["user_key"], views["section"], normalize="index"), dtype=float)


def run(trial: Trial) -> list[Outcome]:
    """Three figures on rows of unit length, the same three on standardised columns."""
    views = trial.split.judged[trial.split.judged["is_page_view"]]
    users = users_of(views)
    if len(users) < CLUSTERS:
        return []
    vectors = encode(trial.fitted, trial.split.judged[trial.split.judged["user_key"].isin(users)])
    seed = trial.split.repeat
    outcomes = []
    for suffix, labels in (
        ("", clusters(vectors, CLUSTERS, seed=seed)),
        (", standardised", _of_standardised(vectors, seed)),
    ):
        found = figures(labels, views)
        outcomes += [Outcome("content", name + suffix, value, len(users)) for name, value in found.items()]
    return outcomes


def figures(labels: Labels, views: pd.DataFrame) -> dict[str, float]:
    """What clusters of the users, in sorted order, explain of their page views, and how large the largest is."""
    length = np.log(views.groupby("user_key").size().to_numpy(dtype=float))
    return {
        "eta2 of length": eta_squared(labels, length),
        "eta2 of content": explained(labels, section_proportions(views)),
        "largest cluster": float(np.bincount(labels).max() / len(labels)),
    }


def _of_standardised(vectors: Vectors, seed: int) -> Labels:
    spread = vectors.std(axis=0)
    scaled = (vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return kmeans(scaled.astype(np.float32), CLUSTERS, seed=seed)[1]


TASK = Task("content", "users", "encode", run)
