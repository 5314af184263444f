"""Clusters of users: choosing k, fitting K-Means, assigning users.

What belongs here: ``fit`` (K-Means and the choice of k), ``keys`` (which cluster is which from one fit to the next),
``stability`` (the curve k is chosen by), ``model`` (what is kept and assigns users), ``map`` (the 2-D picture),
``posterior`` (the likely cluster of users with few events), ``separation`` (how much of an outcome clusters explain),
``members`` (typical and edge users of each), ``density`` (groups that stand out by themselves, to look at).
What does not: what the clusters mean (see ``profiles`` and ``insights``) and where results are stored.
"""

from beha2vec_core.clusters.density import find_dense_groups
from beha2vec_core.clusters.fit import fit_clusters
from beha2vec_core.clusters.keys import Lineage, keep_keys
from beha2vec_core.clusters.members import find_members
from beha2vec_core.clusters.model import TOO_LITTLE_EVIDENCE, ClusterModel
from beha2vec_core.clusters.posterior import ClusterPosterior, fit_posterior
from beha2vec_core.clusters.separation import epsilon_squared, eta_squared

__all__ = [
    "TOO_LITTLE_EVIDENCE",
    "ClusterModel",
    "ClusterPosterior",
    "Lineage",
    "epsilon_squared",
    "eta_squared",
    "find_dense_groups",
    "find_members",
    "fit_clusters",
    "fit_posterior",
    "keep_keys",
]
