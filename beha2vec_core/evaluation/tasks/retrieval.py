"""Retrieval: does the first half of a journey find its own second half?

Population: judged users with six page views or more. Query: the vector of a user's events before the middle page view;
gallery: the vectors of the second halves of all of them. Metric: rank of one's own by cosine; MRR, and recall@10.
By chance the MRR of n users is the mean of 1, 1/2, ... 1/n.

Traps: equal cosines get their mean rank, so vectors that are all alike earn 2 / (n + 1), less than chance, and copies
of a journey under other keys earn nothing; halves are alike in length and in calendar date: the length method shows
what the first is worth, and time restarts in each half, so that the second is no help.
"""

import numpy as np
import numpy.typing as npt

from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial, user_mean
from beha2vec_core.evaluation.tasks.inputs import Vectors, encode, halves, users_of

# what float32 vectors of one journey may differ by from batch to batch
TIE = 1e-6
_ROWS = 1024


def own_ranks(queries: Vectors, gallery: Vectors) -> npt.NDArray[np.float64]:
    """The place of row i of the gallery among all its rows by cosine to query i; ties get the mean of their places."""
    unit, others = (normalise(vectors).astype(np.float64) for vectors in (queries, gallery))
    ranks = []
    for start in range(0, len(unit), _ROWS):
        cosine = unit[start : start + _ROWS] @ others.T
        own = np.diagonal(cosine, offset=start)[:, None]
        ranks.append((cosine > own + TIE).sum(axis=1) + ((np.abs(cosine - own) <= TIE).sum(axis=1) + 1) / 2)
    return np.concatenate(ranks)


def run(trial: Trial) -> list[Outcome]:
    """MRR and recall@10."""
    first, second = halves(trial.split.judged)
    if first.empty:
        return []
    rank = own_ranks(encode(trial.fitted, first), encode(trial.fitted, second))
    users = users_of(first)
    return [user_mean("retrieval", "mrr", users, 1 / rank), user_mean("retrieval", "recall@10", users, rank <= 10)]


TASK = Task("retrieval", "users", "encode", run)
