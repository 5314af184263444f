"""The fact table: every measure of every cluster, from the warehouse's relations."""

import duckdb
import pandas as pd

from beha2vec_core.profiles import flows, measures
from beha2vec_core.profiles.facts import (
    Part,
    combine,
    count_facts,
    expected_facts,
    mean_facts,
    number_facts,
    ratio_facts,
    size_facts,
)
from beha2vec_core.profiles.metric import Feature, Number, Ratio, Share
from beha2vec_core.profiles.metrics import measured_as
from beha2vec_core.profiles.money import currency_of
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources
from beha2vec_core.progress import with_progress
from beha2vec_core.words import UNKNOWN_CURRENCY


def build_profiles(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
    *,
    progress: bool = False,
) -> pd.DataFrame:
    """The facts of each cluster beside the population's value; columns `facts.PROFILE_COLUMNS`.

    The population is all users of ``users_in_clusters``. Aggregates run in DuckDB; what comes back grows with the
    number of clusters, features and distinct values, not with events. The same rows give the same bits. A read-only
    connection will do: temporary tables are made and dropped.

    Raises:
        ValueError: no users, a user in two clusters, or users the warehouse does not know.
    """
    sources, settings = sources or ProfileSources(), settings or ProfileSettings()
    confidence, support = settings.confidence, settings.min_support
    currency = currency_of(connection, sources).unit
    with measures.measured(connection, sources, settings, currency):
        sizes = measures.users_by_cluster(connection).set_index("cluster_key")["users"]
        shares_of = measures.share_counts(connection).set_index("cluster_key")
        units = {
            metric.name.removesuffix("_mean"): currency if metric.unit == UNKNOWN_CURRENCY else metric.unit
            for metric, _ in measured_as(Number)
        }
        numbers = [(name, unit, measures.number_counts(connection, name)) for name, unit in units.items() if unit]
        ratios = [(metric.name, measures.ratio_sums(connection, ratio)) for metric, ratio in measured_as(Ratio)]
        counted, divided, sums_of = [], [], {}
        features = sorted(measured_as(Feature), key=lambda one: one[1].how != "divided")  # these are "given" later
        for metric, feature in with_progress(features, title="profiles", unit="feature", shown=progress):
            named = metric.name, feature.part
            if feature.how == "value":
                counted.append((*named, measures.value_counts(connection, feature, support)))
            elif feature.how == "divided":
                sums_of[feature.part], known = measures.attention_sums(connection, sources, feature, support)
                divided.append((*named, sums_of[feature.part], known))
            elif settings.with_single_features and feature.how == "given":
                counted.append((*named, sums_of[feature.sql]))
            elif settings.with_single_features:
                counted.append((*named, measures.had_counts(connection, sources, feature, support)))
        expected = measures.expected_buyers(connection, sources.predictions) if sources.predictions else None
    moved = flows.standings(connection, sources.history, settings.period_days)

    def shares(metric: str, part: str, counts: pd.DataFrame, asked: "pd.Series[int]") -> pd.DataFrame:
        return count_facts(metric, part, counts, asked, prior_users=settings.prior_users, confidence=confidence)

    parts = [Part(size_facts(sizes, confidence=confidence))]
    for metric, share in measured_as(Share):
        asked, users = shares_of[f"{metric.name}.n"], shares_of[f"{metric.name}.users"]
        asked = asked[asked > 0]
        # else it was recorded for too few (an export without engagement time)
        if asked.sum() >= support <= (users.sum() if share.needs_support else support):
            counts = users[asked.index].rename("users").reset_index()
            parts.append(Part(shares(metric.name, metric.name, counts, asked)))
    parts += [
        Part(number_facts(name, counts, unit=unit, confidence=confidence))
        for name, unit, counts in numbers
        if counts["users"].sum() >= support
    ]
    parts += [Part(ratio_facts(name, sums, confidence=confidence)) for name, sums in ratios]
    parts += [Part(shares(name, part, counts, sizes), settings.top_features) for name, part, counts in counted]
    for name, part, sums, asked_frame in divided:
        asked = asked_frame.set_index("cluster_key")["users"].reindex(sizes.index, fill_value=0)
        means = mean_facts(name, part, sums, asked, unit="share", confidence=confidence)
        parts.append(Part(means, settings.top_features))
    parts += [
        Part(facts)
        for facts in flows.movement_facts(
            moved, sizes, prior_users=settings.prior_users, confidence=confidence
        )
    ]  # fmt: skip
    if expected is not None and len(expected):
        parts.append(Part(expected_facts("expected_buyers", expected, confidence=confidence)))
    return combine(parts, false_discovery_rate=settings.false_discovery_rate)
