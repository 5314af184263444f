"""The fact table: every measure of every cluster, from the warehouse's relations."""

from dataclasses import dataclass

import duckdb
import pandas as pd

from beha2vec_core.profiles import measures
from beha2vec_core.profiles.facts import (
    combine,
    count_facts,
    mean_facts,
    median_facts,
    most_telling,
    ratio_facts,
    size_facts,
)
from beha2vec_core.profiles.measures import ATTENTION, ATTRIBUTES, MEASURES, VIEWED, Dimension, ProfileSources


@dataclass(frozen=True)
class ProfileSettings:
    """How profiles are made."""

    min_support: int = 10  # a feature of fewer users of the whole population is no fact
    top_features: int = 10  # see `facts.most_telling`
    prior_users: float = 50.0  # strength of the prior of z, in users
    confidence: float = 0.95  # of the intervals


def build_profiles(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
) -> pd.DataFrame:
    """The facts of each cluster beside the population's value; columns `facts.PROFILE_COLUMNS`.

    The population is all users of ``users_in_clusters``. Aggregates run in DuckDB; what comes back grows with the
    number of clusters and features, not with users. A read-only connection will do: one temporary table is made and
    dropped.

    Args:
        connection: an open DuckDB connection.
        sources: names of the relations to read.
        settings: support, prior, number of features.

    Raises:
        ValueError: no users, a user in two clusters, or users the warehouse does not know.
    """
    sources, settings = sources or ProfileSources(), settings or ProfileSettings()
    prior, confidence, support = settings.prior_users, settings.confidence, settings.min_support
    with measures.users_table(connection, sources):
        sizes = _by_cluster(measures.cluster_sizes(connection))
        viewing = _by_cluster(measures.viewing_users(connection, sources)).reindex(sizes.index, fill_value=0)
        sums = measures.measure_sums(connection)
        views = measures.page_view_counts(connection).rename(columns={"page_views": "value"})
        errors = measures.error_page_sums(connection)
        attributes = [(d, measures.attribute_counts(connection, d, support)) for d in ATTRIBUTES]
        viewed = [(d, measures.viewed_counts(connection, sources, d, support)) for d in VIEWED]
        attention = [(d, measures.attention_sums(connection, sources, d, support)) for d in ATTENTION]

    def shares(dimension: Dimension, counts: pd.DataFrame) -> pd.DataFrame:
        facts = count_facts(dimension.metric, dimension.name, counts, sizes, prior_users=prior, confidence=confidence)
        return most_telling(facts, settings.top_features)

    def view_shares(dimension: Dimension, counts: pd.DataFrame) -> pd.DataFrame:
        facts = mean_facts(dimension.metric, dimension.name, counts, viewing, unit="share", confidence=confidence)
        return most_telling(facts, settings.top_features)

    return combine(
        [
            size_facts(sizes, confidence=confidence),
            *(_measure_facts(measure, sums, settings) for measure in MEASURES),
            median_facts("page_views_median", views, unit="page views", confidence=confidence),
            ratio_facts("error_page_share", errors, confidence=confidence),
            *(shares(dimension, counts) for dimension, counts in [*attributes, *viewed]),
            *(view_shares(dimension, counts) for dimension, counts in attention),
        ]
    )


def _measure_facts(measure: measures.Measure, sums: pd.DataFrame, settings: ProfileSettings) -> pd.DataFrame:
    """Facts of one measure; none where it was recorded for too few users (an export without engagement time)."""
    columns = {f"{measure.metric}.{name}": name for name in ("n", "sum", "squares")}
    own = sums[["cluster_key", *columns]].rename(columns=columns)
    own = own[own["n"] > 0]
    if own["n"].sum() < settings.min_support:
        return own.iloc[:0]
    measured = own.set_index("cluster_key")["n"]
    if measure.unit == "share":
        counts = own[["cluster_key"]].assign(users=own["sum"])
        return count_facts(
            measure.metric,
            measure.metric,
            counts,
            measured,
            prior_users=settings.prior_users,
            confidence=settings.confidence,
        )
    return mean_facts(measure.metric, measure.metric, own, measured, unit=measure.unit, confidence=settings.confidence)


def _by_cluster(counts: pd.DataFrame) -> "pd.Series[int]":
    return counts.set_index("cluster_key")["users"]
