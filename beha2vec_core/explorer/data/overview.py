"""What there is, how fresh it is, and what changed last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from beha2vec_core.explorer.published import Published

_WEEK = 7
_ROWS = 100


@dataclass(frozen=True)
class Totals:
    """How much was published, and by which models."""

    users: int
    first_day: date | None
    last_day: date | None
    days: int
    sessions: int | None
    page_views: int | None
    buyers: int | None
    model_version: str | None
    trained_at: datetime | None  # UTC
    clusters_since: datetime | None  # UTC, when readers were switched to these clusters


def totals(published: Published) -> Totals:
    """Users, days and models of the published database."""
    published.require("beha2vec.user_clusters_current", "users in clusters", "user_clusters")
    users, first, last, days = _row(
        published,
        """select (select count(*) from beha2vec.user_clusters_current), min(event_date), max(event_date),
            count(distinct event_date) from beha2vec.user_clusters""",
    )
    sessions = views = buyers = version = trained = since = None
    if published.has("ga4.dim_ga4__users"):
        sessions, views, buyers = _row(
            published,
            """select sum(sessions)::bigint, sum(page_views)::bigint, count(*) filter (purchases > 0)
            from ga4.dim_ga4__users semi join beha2vec.user_clusters_current using (user_key)""",
        )
    if published.has("beha2vec.encoder_current"):
        version, trained = _row(published, "select max(model_version), max(trained_at) from beha2vec.encoder_current")
    if published.has("beha2vec.cluster_model_current"):
        (since,) = _row(published, "select max(promoted_at) from beha2vec.cluster_model_current")
    return Totals(int(users), first, last, int(days), sessions, views, buyers, version, trained, since)


def weekly_change(published: Published) -> pd.DataFrame:
    """Users active in the last 7 days and in the 7 before, by cluster: cluster_key, now, before; the largest first.

    A user counts in the cluster of his last active day of the week.
    """
    published.require("beha2vec.cluster_history", "days of users in clusters", "user_clusters")
    return published.query(
        f"""with latest as (select max(event_date) as day from beha2vec.cluster_history),
        weekly as (
            select user_key, event_date > day - {_WEEK} as is_now, arg_max(cluster_key, event_date) as cluster_key
            from beha2vec.cluster_history, latest where event_date > day - {2 * _WEEK} group by 1, 2)
        select cluster_key, count(*) filter (is_now) as now, count(*) filter (not is_now) as before
        from weekly group by 1 order by now desc, cluster_key limit {_ROWS}"""
    )


def moves(published: Published) -> pd.DataFrame:
    """Users who changed cluster in the last 7 days: from_cluster, to_cluster, users; the most frequent first."""
    published.require("beha2vec.cluster_flows", "moves between clusters", "user_clusters")
    return published.query(
        f"""select from_cluster, to_cluster, sum(users)::bigint as users from beha2vec.cluster_flows
        where event_date > (select max(event_date) from beha2vec.cluster_flows) - {_WEEK}
            and from_cluster is not null and from_cluster <> to_cluster
        group by 1, 2 order by users desc, 1, 2 limit {_ROWS}"""
    )


def lineage(published: Published) -> pd.DataFrame:
    """What became of the clusters of the model before: cluster_key, change, other_key, users, shared_users.

    Empty where these are the first clusters, or all were kept.
    """
    published.require("beha2vec.cluster_lineage", "earlier clusters", "cluster_model")
    return published.query(
        f"""select cluster_key, change, other_key, users, shared_users from beha2vec.cluster_lineage
        where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)
            and before_version is not null and change <> 'kept'
        order by change, cluster_key limit {_ROWS}"""
    )


def users_by_day(published: Published) -> pd.DataFrame:
    """Active users of each day: event_date, users; the last two years at most."""
    published.require("beha2vec.cluster_history", "days of users in clusters", "user_clusters")
    return published.query(
        """select event_date, count(*) as users from beha2vec.cluster_history
        group by 1 order by 1 desc limit 731"""
    ).sort_values("event_date", ignore_index=True)


def _row(published: Published, sql: str) -> tuple[Any, ...]:
    """The single row, as Python's own types."""
    with published.cursor() as cursor:
        row = cursor.execute(sql).fetchone()
    assert row is not None
    return tuple(row)
