"""Clusters of users: choosing k, fitting K-Means, assigning users.

What belongs here: ``fit`` (K-Means and the choice of k), ``keys`` (which cluster is which from one fit to the next),
``stability`` (the curve k is chosen by), ``model`` (what is kept and assigns users), ``map`` (the 2-D picture),
``separation`` (how much of an outcome clusters explain).
What does not: what the clusters mean (see ``profiles`` and ``insights``) and where results are stored.
"""

from beha2vec_core.clusters.fit import fit_clusters
from beha2vec_core.clusters.keys import Lineage, keep_keys
from beha2vec_core.clusters.model import ClusterModel
from beha2vec_core.clusters.separation import eta_squared

__all__ = ["ClusterModel", "Lineage", "eta_squared", "fit_clusters", "keep_keys"]
