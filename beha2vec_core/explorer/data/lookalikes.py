"""Look-alikes: who they are like, the list, and what hidden seeds say of it. See `beha2vec_core.lookalikes`."""

import numpy as np
import pandas as pd

from beha2vec_core import lookalikes
from beha2vec_core.explorer.published import Published
from beha2vec_core.lookalikes import HoldoutEstimate, Method, Seeds

LONGEST = 100_000  # users in a list
_ESTIMATED = 14  # lengths of lists


def find(published: Published, ids: tuple[str, ...]) -> Seeds:
    """The users with these ids."""
    _require(published)
    with published.cursor() as cursor:
        return lookalikes.find_seeds(cursor, ids)


def of_cluster(published: Published, cluster_key: int) -> Seeds:
    """The users of a cluster."""
    _require(published)
    with published.cursor() as cursor:
        return lookalikes.seeds_of_cluster(cursor, cluster_key)


def estimate_holdout(
    published: Published, seeds: Seeds, length: int, without_converters: bool
) -> HoldoutEstimate | None:
    """What hidden seeds say of lists of growing length, ``length`` among them; None where there are too few seeds."""
    if len(seeds.user_keys) < lookalikes.LEAST_SEEDS:
        return None
    lengths = np.unique(np.geomspace(min(20, length), max(20 * length, 1_000), _ESTIMATED).astype(int)).tolist()
    with published.cursor() as cursor:
        return lookalikes.estimate_holdout(
            cursor, seeds.user_keys, [*lengths, length], without_converters=without_converters
        )


def best(published: Published, seeds: Seeds, method: Method, length: int, without_converters: bool) -> pd.DataFrame:
    """The list; columns as of `lookalikes.rank`."""
    with published.cursor() as cursor:
        most = min(length, LONGEST)
        return lookalikes.rank(cursor, seeds.user_keys, method, most, without_converters=without_converters)


def _require(published: Published) -> None:
    published.require("ga4.int_ga4__identity_map")
    published.require("ga4.dim_ga4__users")
    published.require("ga4.fct_ga4__conversions")
