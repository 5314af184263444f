"""The fact table: every measure of every cluster, from the warehouse's relations."""

import duckdb
import pandas as pd

from beha2vec_core.profiles import flows, measures
from beha2vec_core.profiles.facts import (
    Part,
    combine,
    count_facts,
    mean_facts,
    number_facts,
    ratio_facts,
    size_facts,
)
from beha2vec_core.profiles.measures import ATTENTION, ATTRIBUTES, HAD, MEASURES, NUMBERS, Number
from beha2vec_core.profiles.money import currency_of
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources
from beha2vec_core.profiles.words import UNKNOWN_CURRENCY


def build_profiles(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
) -> pd.DataFrame:
    """The facts of each cluster beside the population's value; columns `facts.PROFILE_COLUMNS`.

    The population is all users of ``users_in_clusters``. Aggregates run in DuckDB; what comes back grows with the
    number of clusters, features and distinct values, not with events. The same rows give the same bits. A read-only
    connection will do: temporary tables are made and dropped.

    Args:
        connection: an open DuckDB connection.
        sources: names of the relations to read.
        settings: support, prior, number of features.

    Raises:
        ValueError: no users, a user in two clusters, or users the warehouse does not know.
    """
    sources, settings = sources or ProfileSources(), settings or ProfileSettings()
    confidence, support = settings.confidence, settings.min_support
    currency = currency_of(connection, sources).unit
    with measures.measured(connection, sources, settings, currency):
        sizes = measures.cluster_sizes(connection).set_index("cluster_key")["users"]
        yes_or_no = measures.measure_counts(connection)
        numbers = [
            (number, measures.number_counts(connection, number))
            for number in NUMBERS
            if number.unit != UNKNOWN_CURRENCY or currency
        ]
        errors = measures.error_page_sums(connection)
        counted = [
            *((d, measures.attribute_counts(connection, d, support)) for d in ATTRIBUTES),
            *((d, measures.had_counts(connection, sources, d, support)) for d in HAD if settings.with_single_features),
        ]
        attention = [
            (d, *measures.attention_sums(connection, sources, d, support, settings.timezone)) for d in ATTENTION
        ]
    moved = flows.standings(connection, sources.history, settings.period_days)

    def shares(metric: str, part: str, counts: pd.DataFrame, asked: "pd.Series[int]") -> pd.DataFrame:
        return count_facts(metric, part, counts, asked, prior_users=settings.prior_users, confidence=confidence)

    parts = [Part(size_facts(sizes, confidence=confidence))]
    for measure in MEASURES:
        asked = yes_or_no.set_index("cluster_key")[f"{measure.metric}.n"]
        asked = asked[asked > 0]
        having = yes_or_no[f"{measure.metric}.users"].sum() if measure.needs_support else support
        if asked.sum() >= support <= having:  # else it was recorded for too few (an export without engagement time)
            counts = yes_or_no[["cluster_key"]].assign(users=yes_or_no[f"{measure.metric}.users"])
            counts = counts[counts["cluster_key"].isin(asked.index)]
            parts.append(Part(shares(measure.metric, measure.metric, counts, asked)))
    parts += [
        Part(number_facts(number.name, counts, unit=_unit(number, currency), confidence=confidence))
        for number, counts in numbers
        if counts["users"].sum() >= support
    ]
    parts.append(Part(ratio_facts("error_page_view_share", errors, confidence=confidence)))
    parts += [Part(shares(d.metric, d.name, counts, sizes), settings.top_features) for d, counts in counted]
    for d, sums, asked_frame in attention:
        asked = asked_frame.set_index("cluster_key")["users"].reindex(sizes.index, fill_value=0)
        means = mean_facts(d.metric, d.name, sums, asked, unit="share", confidence=confidence)
        parts.append(Part(means, settings.top_features))
    parts += [
        Part(facts)
        for facts in flows.movement_facts(
            moved, sizes, prior_users=settings.prior_users, confidence=confidence
        )
    ]  # fmt: skip
    return combine(parts, false_discovery_rate=settings.false_discovery_rate)


def _unit(number: Number, currency: str | None) -> str:
    return currency if number.unit == UNKNOWN_CURRENCY and currency else number.unit
