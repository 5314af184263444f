"""Cluster keys that keep their meaning: which cluster of a new fit is which of the one before, and what became of each.

Clusters are matched by the users they share, one to one, so that as many users as possible keep their key (Kuhn 1955,
The Hungarian method for the assignment problem; for clusters over time: Greene, Doyle and Cunningham 2010).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.clusters.model import ClusterModel
from beha2vec_core.clusters.unit import Vectors

Change = Literal["kept", "split", "born", "merged", "gone"]


class Lineage(NamedTuple):
    """What became of a cluster, or where it comes from.

    kept: the cluster goes on under its key. split: new, and half of its users or more were in ``other_key``. born: new,
    from users of several clusters or of none. merged: its key is retired, since half of its users or more now are
    in ``other_key``. gone: its key is retired, and its users are scattered.
    """

    cluster_key: int
    change: Change
    other_key: int | None
    users: int  # of the cluster; of one that is gone, its last users
    shared_users: int  # of those, how many it has in common with its earlier self, or with ``other_key``


def keep_keys(
    model: ClusterModel, vectors: Vectors, earlier: NDArray[np.int32], used_keys: Iterable[int]
) -> tuple[ClusterModel, list[Lineage]]:
    """The model with the keys that its clusters had before, and the lineage of all clusters.

    Args:
        model: freshly fitted; its keys are ignored.
        vectors: the behavior vectors it was fitted on [n, dim].
        earlier: the cluster_key that each of these users had before, -1 for a new user [n].
        used_keys: every key there ever was: a new cluster gets one of its own.
    """
    rows = replace(model, keys=np.arange(model.k, dtype=np.int32)).assign(vectors).cluster_key
    old_keys = np.unique(earlier[earlier >= 0])
    shared = np.zeros((len(old_keys), model.k), dtype=np.int64)
    known = earlier >= 0
    np.add.at(shared, (np.searchsorted(old_keys, earlier[known]), rows[known]), 1)
    before, after = shared.sum(axis=1), np.bincount(rows, minlength=model.k)
    kept = _matched(shared, before, after)

    keys = np.full(model.k, -1, dtype=np.int32)
    lineage = []
    for old, new in kept.items():
        keys[new] = old_keys[old]
        lineage.append(Lineage(int(old_keys[old]), "kept", None, int(after[new]), int(shared[old, new])))
    free = max([-1, *used_keys, *old_keys.tolist()]) + 1
    for new in np.flatnonzero(keys < 0).tolist():
        keys[new] = free
        free += 1
        source = int(shared[:, new].argmax()) if len(old_keys) else -1
        overlap = int(shared[source, new]) if len(old_keys) else 0
        split = overlap > 0 and 2 * overlap >= after[new]
        other = int(old_keys[source]) if split else None
        lineage.append(Lineage(int(keys[new]), "split" if split else "born", other, int(after[new]), overlap))
    for old in sorted(set(range(len(old_keys))) - set(kept)):
        target = int(shared[old].argmax())
        merged = 2 * shared[old, target] >= before[old]
        other = int(keys[target]) if merged else None
        change: Change = "merged" if merged else "gone"
        lineage.append(Lineage(int(old_keys[old]), change, other, int(before[old]), int(shared[old, target])))
    return replace(model, keys=keys), sorted(lineage)


def _matched(shared: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[int, int]:
    """Old row -> new row of the clusters that go on.

    A match goes on where most of the old cluster is in the new one; or where most of the new one comes from the old
    one, and the old one has no larger part elsewhere.
    """
    from scipy.optimize import linear_sum_assignment

    olds, news = linear_sum_assignment(shared, maximize=True)
    return {
        int(old): int(new)
        for old, new in zip(olds, news, strict=True)
        if (together := shared[old, new]) > 0
        and (2 * together >= before[old] or (2 * together >= after[new] and together == shared[old].max()))
    }
