"""Look-alikes: the users who behave most like the ones of a list, and how far that can be relied on.

What belongs here, lower ones first: ``seeds`` (whose ids these are), ``nearest`` (those most similar to their
average, as SQL), ``ranking`` (everyone else by identity vector), ``similar`` (the nearest of one user), ``holdout``
(how well seeds that were hidden are found again), ``audience`` (the list as files for other tools).
All of it reads an open database with the published tables, in pieces of bounded size, and writes to none.
"""

from beha2vec_core.lookalikes.audience import (
    CustomerMatch,
    Identifier,
    customer_match,
    identifiers,
    normalised_email,
    to_csv,
)
from beha2vec_core.lookalikes.holdout import LEAST_SEEDS, Estimate, HoldoutEstimate, estimate_holdout
from beha2vec_core.lookalikes.ranking import METHODS, Method, rank
from beha2vec_core.lookalikes.seeds import Seeds, find_seeds, read_ids, seeds_of_cluster
from beha2vec_core.lookalikes.similar import NoVectorError, Similar, similar_users

__all__ = [
    "LEAST_SEEDS",
    "METHODS",
    "CustomerMatch",
    "Estimate",
    "HoldoutEstimate",
    "Identifier",
    "Method",
    "NoVectorError",
    "Seeds",
    "Similar",
    "customer_match",
    "estimate_holdout",
    "find_seeds",
    "identifiers",
    "normalised_email",
    "rank",
    "read_ids",
    "seeds_of_cluster",
    "similar_users",
    "to_csv",
]
