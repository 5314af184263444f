"""Profiles: the facts of each cluster, always beside the value of the whole population."""
