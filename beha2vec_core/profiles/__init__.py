"""Profiles: the facts of each cluster, always beside the value of the whole population.

What belongs here: ``metrics`` (one entry a metric: its SQL, unit, words), ``measures`` (how they are measured),
``facts`` (from counts and sums to the fact table), ``flows`` (between clusters, over time), ``paths`` (through the
site), ``buying`` (from idle users to buyers), ``statistics`` (intervals, scores, effect sizes), ``money`` and
``currency`` (the currency of amounts), ``counts`` (how many users, events and days there are, and where users are
lost), ``words`` (how counts, days and money are written), ``text`` (site owners' and visitors' text made safe to show
and send).
What does not: sentences about the facts (see ``insights``).
"""

from beha2vec_core.profiles.build import build_profiles
from beha2vec_core.profiles.buying import BuyingPaths, buying_paths
from beha2vec_core.profiles.facts import PROFILE_COLUMNS
from beha2vec_core.profiles.flows import cluster_transitions
from beha2vec_core.profiles.measures import clusters_read_once, unfilled_texts
from beha2vec_core.profiles.money import Currency, currency_of
from beha2vec_core.profiles.paths import cluster_paths
from beha2vec_core.profiles.settings import WAREHOUSE, ProfileSettings, ProfileSources

__all__ = [
    "PROFILE_COLUMNS",
    "WAREHOUSE",
    "BuyingPaths",
    "Currency",
    "ProfileSettings",
    "ProfileSources",
    "build_profiles",
    "buying_paths",
    "cluster_paths",
    "cluster_transitions",
    "clusters_read_once",
    "currency_of",
    "unfilled_texts",
]
