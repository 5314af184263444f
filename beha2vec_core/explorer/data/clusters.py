"""Clusters: names, sizes, words, facts, and how users move between them."""

from __future__ import annotations

import re

import pandas as pd

from beha2vec_core.explorer.published import Published

_NEVER_MORE = 1_000  # clusters; a choice of k ends far below

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"])")
_SIZE_FIRST = re.compile(r"^[\d,]+ of [\d,]+ users")  # the cards show the size themselves


def sizes(published: Published) -> pd.DataFrame:
    """A row a cluster, the largest first: cluster_key, users, share (0 to 1) of all users in clusters, name, summary.

    Names and summaries are those of cluster_insights, null where they have not been written.
    """
    published.require("beha2vec.user_clusters_current", "users in clusters", "user_clusters")
    found = published.query(
        f"""select cluster_key, count(*) as users, count(*) / sum(count(*)) over () as share
        from beha2vec.user_clusters_current group by cluster_key order by users desc, cluster_key limit {_NEVER_MORE}"""
    )
    written = (
        published.query(
            f"""select cluster_key, any_value(name) as name, any_value(summary) as summary
            from beha2vec.cluster_insights where cluster_key is not null group by all limit {_NEVER_MORE}"""
        )
        if published.has("beha2vec.cluster_insights")
        else pd.DataFrame({"cluster_key": [], "name": [], "summary": []})
    )
    found = found.merge(written.astype({"cluster_key": found["cluster_key"].dtype}), on="cluster_key", how="left")
    default = found["cluster_key"].map(lambda key: "Too little evidence yet" if key < 0 else f"Cluster {key}")
    return found.assign(name=found["name"].where(found["name"].notna(), default))


def names(published: Published) -> dict[int, str]:
    """The name of each cluster that has users, as it was written: make it safe for the place it is shown in."""
    found = published.ask(sizes)
    return {int(key): str(name) for key, name in zip(found["cluster_key"], found["name"], strict=True)}


def one_sentence(summary: object, limit: int = 240) -> str:
    """What a summary says first about the behaviour; cut at a clause where that is long."""
    if not isinstance(summary, str):
        return ""
    sentences = [one for one in _SENTENCE.split(summary) if not _SIZE_FIRST.match(one)] or [summary]
    first = sentences[0].removeprefix("What stands out: ")
    while len(first) > limit and ";" in first:
        first = first.rsplit(";", 1)[0].rstrip() + "."
    return first[:1].upper() + first[1:]
