"""Profiles: the facts of each cluster, always beside the value of the whole population.

What belongs here: ``measures`` (what is measured, as SQL), ``facts`` (from counts and sums to the fact table),
``statistics`` (intervals and scores), ``text`` (site owners' and visitors' text made safe to show and send).
What does not: sentences about the facts (see ``insights``).
"""

from beha2vec_core.profiles.build import ProfileSettings, build_profiles
from beha2vec_core.profiles.facts import PROFILE_COLUMNS
from beha2vec_core.profiles.measures import ProfileSources

__all__ = ["PROFILE_COLUMNS", "ProfileSettings", "ProfileSources", "build_profiles"]
