"""That the facts of clusters equal the semantic layer's metrics, where both have the same number."""

from __future__ import annotations

import duckdb
import pytest

from beha2vec_core.profiles import ProfileSources, build_profiles
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Query

SAME = {  # a fact of users, and the metric; its value times the second one is a sum, over users a mean
    "users": ("users", None),
    "purchase_rate": ("buyer_share", None),
    "revenue_mean": ("revenue_per_user", None),
    "sessions_mean": ("sessions", "of users"),
    "engagement_time_mean": ("engagement_time", "sessions"),
    "return_share": ("returning_users", "of users"),
}
SAME_WITHOUT_NIGHTS = {"first_week_return_rate": ("retention", None)}  # a session over midnight has another day


def assert_facts_equal_metrics(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, *, has_nights: bool = False
) -> None:
    """Compare each of these facts of each cluster with its metric by cluster.

    Args:
        has_nights: whether a user's first session may run over midnight.
    """
    profiles = build_profiles(connection, sources)

    def by_cluster(metric: str) -> dict[int, float]:
        rows = run_query(connection, Query(metric, ("cluster",))).rows
        return {row["cluster"]: float(row["value"]) for row in rows if row["cluster"] is not None}

    users, sessions = by_cluster("users"), by_cluster("sessions")
    for fact, (metric, per) in (SAME | ({} if has_nights else SAME_WITHOUT_NIGHTS)).items():
        chosen = profiles[(profiles["metric"] == fact) & profiles["feature"].isna()]
        facts = {int(key): float(value) for key, value in zip(chosen["cluster_key"], chosen["value"], strict=True)}
        expected = by_cluster(metric)
        if per:
            weight = sessions if per == "sessions" else dict.fromkeys(users, 1.0)
            expected = {key: value * weight[key] / users[key] for key, value in expected.items()}
        assert len(expected) > 1
        some = {key: facts[key] for key in expected}  # rates of a few users are not listed
        assert some == pytest.approx(expected), (fact, some, expected)
