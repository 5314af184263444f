"""What is measured of each user and each cluster, as SQL over DuckDB relations. The unit is the user, not the event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pandas as pd

NOT_SET = "(not set)"
UNKNOWN = "unknown"
_TABLE = "profile_users"


@dataclass(frozen=True)
class ProfileSources:
    """Names of the relations to read (tables, views or registered frames); columns as in the dbt models."""

    users_in_clusters: str = "users_in_clusters"  # user_key, cluster_key; one row a user
    users: str = "dim_ga4__users"
    sessions: str = "fct_ga4__sessions"
    page_views: str = "fct_ga4__page_views"
    pages: str = "enriched_pages"


@dataclass(frozen=True)
class Measure:
    """A number a user has, or a yes or no; users for whom ``column`` is null are not counted."""

    metric: str
    column: str
    unit: str  # "share" for yes or no


@dataclass(frozen=True)
class Dimension:
    """Values users have or lack; ``name`` is also its part of the fact id."""

    name: str
    metric: str


MEASURES = (
    Measure("page_views_mean", "page_views", "page views"),
    Measure("sessions_mean", "sessions", "sessions"),
    Measure("engagement_time_mean", "engagement_seconds", "seconds"),
    Measure("no_engagement_share", "no_engagement", "share"),
    Measure("one_page_share", "one_page", "share"),
    Measure("return_share", "returned", "share"),
    Measure("direct_share", "direct", "share"),
    Measure("purchase_rate", "purchased", "share"),
    Measure("revenue_mean", "revenue", "currency"),
    Measure("error_page_user_share", "met_error", "share"),
)
# a user has exactly one value: shares of a cluster sum to 1
ATTRIBUTES = (
    Dimension("landing_page", "landing_page_share"),
    Dimension("channel", "channel_share"),
    Dimension("device", "device_share"),
    Dimension("browser", "browser_share"),
    Dimension("country", "country_share"),
)
# a user may have seen several: shares sum to more than 1
VIEWED = (Dimension("page", "page_share"), Dimension("theme", "theme_share"), Dimension("page_type", "page_type_share"))
# how a user's page views divide, each user weighing the same: sums to 1, and does not grow with activity
ATTENTION = (Dimension("theme_views", "theme_view_share"), Dimension("page_type_views", "page_type_view_share"))


@contextmanager
def users_table(connection: duckdb.DuckDBPyConnection, sources: ProfileSources) -> Iterator[str]:
    """A temporary table of one row a clustered user with all measures and attributes; dropped at the end.

    Raises:
        ValueError: no users, a user twice, or users the warehouse does not know.
    """
    connection.execute(f"""
        create or replace temp table {_TABLE} as
        with session_totals as (
            select user_key, sum(page_views) as views_in_sessions, sum(error_page_views) as error_page_views
            from {sources.sessions} group by user_key
        ), first_sessions as (
            select user_key, is_direct, landing_page_key from {sources.sessions}
            qualify row_number() over (partition by user_key order by session_started_at, session_key) = 1
        )
        select
            clustered.user_key, clustered.cluster_key,
            users.user_key is null as is_stranger,
            coalesce(users.page_views, 0)::double as page_views,
            users.sessions::double as sessions,
            users.engagement_time_msec / 1000.0 as engagement_seconds,
            case when count(users.engagement_time_msec) over () > 0  -- else the export records none of anybody
                then (coalesce(users.engagement_time_msec, 0) = 0)::int::double end as no_engagement,
            (users.page_views = 1)::int::double as one_page,
            (users.sessions > 1)::int::double as returned,
            first_sessions.is_direct::int::double as direct,
            (coalesce(users.purchases, 0) > 0)::int::double as purchased,
            coalesce(users.revenue, 0)::double as revenue,
            (coalesce(session_totals.error_page_views, 0) > 0)::int::double as met_error,
            coalesce(session_totals.error_page_views, 0)::double as error_page_views,
            coalesce(session_totals.views_in_sessions, 0)::double as views_in_sessions,
            first_sessions.landing_page_key as landing_page,
            coalesce(users.first_source, '(direct)') || ' / ' || coalesce(users.first_medium, '(none)') as channel,
            users.device_category as device, users.browser as browser, users.country as country
        from {sources.users_in_clusters} as clustered
        left join {sources.users} as users on users.user_key = clustered.user_key
        left join session_totals on session_totals.user_key = clustered.user_key
        left join first_sessions on first_sessions.user_key = clustered.user_key
    """)
    try:
        _check(connection)
        yield _TABLE
    finally:
        connection.execute(f"drop table if exists {_TABLE}")


def cluster_sizes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """cluster_key, users; ordered by cluster_key."""
    return connection.execute(f"select cluster_key, count(*) as users from {_TABLE} group by all order by 1").df()


def measure_sums(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a cluster; for each measure <metric>.n, .sum and .squares over the users it was recorded for."""
    columns = ", ".join(
        f'count({m.column}) as "{m.metric}.n", coalesce(sum({m.column}), 0) as "{m.metric}.sum", '
        f'coalesce(sum({m.column} ** 2), 0) as "{m.metric}.squares"'
        for m in MEASURES
    )
    return connection.execute(f"select cluster_key, {columns} from {_TABLE} group by all order by 1").df()


def error_page_sums(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a cluster: the sums the share of error pages among page views, and its error, are made of."""
    return connection.execute(f"""
        select cluster_key, count(*) as n, sum(error_page_views) as y, sum(views_in_sessions) as x,
            sum(error_page_views ** 2) as yy, sum(error_page_views * views_in_sessions) as xy,
            sum(views_in_sessions ** 2) as xx
        from {_TABLE} group by all order by 1
    """).df()


def page_view_counts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """cluster_key, page_views, users: how many users viewed how many pages."""
    return connection.execute(
        f"select cluster_key, page_views, count(*) as users from {_TABLE} group by all order by all"
    ).df()


def attribute_counts(connection: duckdb.DuckDBPyConnection, dimension: Dimension, min_support: int) -> pd.DataFrame:
    """cluster_key, feature, users who have it; only features of at least ``min_support`` users of the population."""
    return connection.execute(
        f"""
        select cluster_key, coalesce({dimension.name}, '{NOT_SET}') as feature, count(*) as users
        from {_TABLE} group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def viewed_counts(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, dimension: Dimension, min_support: int
) -> pd.DataFrame:
    """The same for what users viewed: pages, themes or page types."""
    return connection.execute(
        f"""
        select u.cluster_key, {_viewed_feature(dimension.name)} as feature, count(distinct u.user_key) as users
        from {sources.page_views} as v
        join {_TABLE} as u on u.user_key = v.user_key
        left join {sources.pages} as p on p.page_key = v.page_key
        where v.page_key is not null
        group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def attention_sums(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, dimension: Dimension, min_support: int
) -> pd.DataFrame:
    """cluster_key, feature, users who gave it any page view, sum and squares of the share of their page views.

    Features of fewer than ``min_support`` users of the population are left out.
    """
    return connection.execute(
        f"""
        with views as (
            select u.cluster_key, u.user_key,
                {_viewed_feature(dimension.name.removesuffix("_views"))} as feature, count(*) as views
            from {sources.page_views} as v
            join {_TABLE} as u on u.user_key = v.user_key
            left join {sources.pages} as p on p.page_key = v.page_key
            where v.page_key is not null
            group by all
        ), shares as (
            select cluster_key, feature, views / sum(views) over (partition by user_key) as share from views
        )
        select cluster_key, feature, count(*) as users, sum(share) as sum, sum(share ** 2) as squares
        from shares group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by cluster_key, feature
        """,
        [min_support],
    ).df()


def viewing_users(connection: duckdb.DuckDBPyConnection, sources: ProfileSources) -> pd.DataFrame:
    """cluster_key, users with at least one page view."""
    return connection.execute(f"""
        select u.cluster_key, count(*) as users from {_TABLE} as u
        where u.user_key in (select user_key from {sources.page_views} where page_key is not null)
        group by all order by 1
    """).df()


def _viewed_feature(name: str) -> str:
    return "v.page_key" if name == "page" else f"coalesce(p.{name}, '{UNKNOWN}')"


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(
        f"select count(*), count(distinct user_key), count(*) filter (is_stranger or cluster_key is null) from {_TABLE}"
    ).fetchone()
    users, distinct, strangers = row if row is not None else (0, 0, 0)
    if users == 0:
        raise ValueError("no user is in a cluster: materialize user_clusters first")
    if users != distinct:
        raise ValueError(f"{users - distinct} rows repeat a user: give one cluster a user (user_clusters_current)")
    if strangers:
        raise ValueError(
            f"{strangers} of {users} clustered users are not among the users of the warehouse, or have no cluster: "
            "materialize dim_ga4__users for the same days"
        )
