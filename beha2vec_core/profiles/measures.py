"""What is measured of each user and each cluster, as SQL over DuckDB relations. The unit is the user, not the event.

All that is added up is a whole number (or made one), so that the order in which threads add does not show in the
result.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pandas as pd

from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources

NOT_SET = "(not set)"
UNKNOWN = "unknown"
# as dbt_ga4's `purchase_events`
PURCHASE_EVENTS = "('purchase', 'in_app_purchase', 'ecommerce_purchase')"
FUNNEL_STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
STEP_TO = " → "
_USERS, _VIEWS = "profile_users", "profile_views"
_PARTS = 10**12  # a share in whole parts


@dataclass(frozen=True)
class Measure:
    """A yes or no of a user; users for whom ``column`` is null could not have either, and are not counted."""

    metric: str
    column: str


@dataclass(frozen=True)
class Number:
    """A number of a user; ``<name>_mean`` and ``<name>_median`` are its metrics."""

    name: str
    column: str
    unit: str


@dataclass(frozen=True)
class Dimension:
    """Values users have or lack; ``name`` is also its part of the fact id.

    ``rows`` selects cluster_key, number (of the user), feature and amount; {sources} and {timezone} are filled in.
    """

    name: str
    metric: str
    rows: str = ""


MEASURES = (
    Measure("no_engagement_share", "no_engagement"),
    Measure("one_page_share", "one_page"),
    Measure("return_share", "returned"),
    Measure("direct_share", "direct"),
    Measure("purchase_rate", "purchased"),
    Measure("return_rate", "returned_soon"),
    Measure("churn_rate", "churned"),
    Measure("error_page_user_share", "met_error"),
)
NUMBERS = (
    Number("page_views", "page_views", "page views"),
    Number("sessions", "sessions", "sessions"),
    Number("engagement_time", "engagement_seconds", "seconds"),
    Number("recency", "recency_days", "days"),
    Number("revenue", "revenue", "currency"),
    Number("funnel_steps", "funnel_steps", "steps"),
    Number("error_pages", "error_page_views", "page views"),
)
# a user has exactly one value: shares of a cluster sum to 1
ATTRIBUTES = (
    Dimension("landing_page", "landing_page_share"),
    Dimension("channel", "channel_share"),
    Dimension("device", "device_share"),
    Dimension("browser", "browser_share"),
    Dimension("country", "country_share"),
)
_VIEWED = f"select cluster_key, number, {{column}} as feature, views as amount from {_VIEWS}"
_ITEMS = f"""
    select u.cluster_key, u.number, {{item}} as feature, 1 as amount
    from {{{{sources.event_items}}}} as i
    join {{{{sources.identities}}}} as m on m.client_key = i.client_key
    join {_USERS} as u on u.user_key = m.user_key
    where i.event_name in {{events}} and {{item}} is not null"""
_NAME = "coalesce(i.item_name, i.item_id)"
# a user may have several: shares sum to more than 1
HAD = (
    Dimension("page", "page_share", _VIEWED.format(column="page_key")),
    Dimension("theme", "theme_share", _VIEWED.format(column="theme")),
    Dimension("page_type", "page_type_share", _VIEWED.format(column="page_type")),
    Dimension(
        "event",
        "event_share",
        f"""select u.cluster_key, u.number, e.event_name as feature, 1 as amount
        from {{sources.events}} as e join {_USERS} as u on u.user_key = e.user_key""",
    ),
    Dimension("item_viewed", "item_viewed_share", _ITEMS.format(item=_NAME, events="('view_item')")),
    Dimension("item_bought", "item_bought_share", _ITEMS.format(item=_NAME, events=PURCHASE_EVENTS)),
    Dimension("item_category", "item_category_share", _ITEMS.format(item="i.item_category", events="('view_item')")),
    Dimension(
        "path_step",
        "path_step_share",
        f"""select u.cluster_key, u.number, 1 as amount,
            coalesce(p.page_type, '{UNKNOWN}') || '{STEP_TO}' || coalesce(n.page_type, '{UNKNOWN}') as feature
        from {{sources.page_views}} as v
        join {_USERS} as u on u.user_key = v.user_key
        left join {{sources.pages}} as p on p.page_key = v.page_key
        left join {{sources.pages}} as n on n.page_key = v.next_page_key
        where v.session_key is not null and v.page_key is not null and v.next_page_key is not null""",
    ),
    Dimension(
        "funnel",
        "funnel_rate",
        f"""select cluster_key, number, unnest({list(FUNNEL_STEPS)}[:funnel_steps::int]) as feature, 1 as amount
        from {_USERS} where funnel_steps > 0""",
    ),
)
# how what a user did divides, each user weighing the same: sums to 1, and does not grow with activity
ATTENTION = (
    Dimension("theme_views", "theme_view_share", _VIEWED.format(column="theme")),
    Dimension("page_type_views", "page_type_view_share", _VIEWED.format(column="page_type")),
    Dimension(
        "hour_block",
        "hour_block_share",
        # night is from 0 to 6, each block six hours
        f"""select u.cluster_key, u.number, 1 as amount, ['night', 'morning', 'afternoon', 'evening'][1 + hour(
                make_timestamp(e.event_timestamp) at time zone 'UTC' at time zone '{{timezone}}') // 6] as feature
        from {{sources.events}} as e join {_USERS} as u on u.user_key = e.user_key""",
    ),
)


@contextmanager
def measured(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, settings: ProfileSettings
) -> Iterator[None]:
    """Temporary tables that the other functions read: a row a user, a row a user and page viewed; dropped at the end.

    Raises:
        ValueError: no users, a user twice, or users the warehouse does not know.
    """
    try:
        connection.execute(_users_query(sources, settings))
        _check(connection)
        connection.execute(f"""
            create or replace temp table {_VIEWS} as
            select u.cluster_key, u.number, v.page_key, coalesce(p.theme, '{UNKNOWN}') as theme,
                coalesce(p.page_type, '{UNKNOWN}') as page_type, v.views
            from (
                select user_key, page_key, count(*) as views from {sources.page_views}
                semi join {_USERS} using (user_key)
                where page_key is not null group by all
            ) as v
            join {_USERS} as u on u.user_key = v.user_key
            left join {sources.pages} as p on p.page_key = v.page_key
        """)
        yield
    finally:
        for table in (_USERS, _VIEWS):
            connection.execute(f"drop table if exists {table}")


def _users_query(sources: ProfileSources, settings: ProfileSettings) -> str:
    """One row a clustered user: all measures, numbers and attributes.

    Churned: not seen in the last ``period_days``; asked of those who were seen before them. Returned soon: seen again
    on another day, at most ``period_days`` after the first; asked of those whose first day was that long ago.
    """
    period = settings.period_days
    return f"""
        create or replace temp table {_USERS} as
        with session_days as (
            select user_key, session_date::date as session_date, sum(page_views) as page_views,
                sum(error_page_views) as error_page_views
            from {sources.sessions} semi join {sources.users_in_clusters} using (user_key) group by all
        ), session_totals as (
            select user_key, sum(page_views) as views_in_sessions, sum(error_page_views) as error_page_views,
                max(session_date) as last_day, min(session_date, 2) as first_days
            from session_days group by user_key
        ), data as (
            select max(session_date)::date as last_day from {sources.sessions}
        ), first_sessions as (
            select user_key, is_direct, landing_page_key from {sources.sessions}
            semi join {sources.users_in_clusters} using (user_key)
            qualify row_number() over (partition by user_key order by session_started_at, session_key) = 1
        ), funnels as (
            -- of the six steps of ga4_event_taxonomy, checkout takes three
            select user_key,
                max(case when furthest_step < 3 then furthest_step when furthest_step < 6 then 3 else 4 end) as steps
            from {sources.funnel_sessions} semi join {sources.users_in_clusters} using (user_key) group by user_key
        )
        select
            clustered.user_key, clustered.cluster_key, row_number() over () as number,
            users.user_key is null as is_stranger,
            coalesce(users.page_views, 0)::double as page_views,
            users.sessions::double as sessions,
            users.engagement_time_msec / 1000.0 as engagement_seconds,
            case when count(users.engagement_time_msec) over () > 0  -- else the export records none of anybody
                then coalesce(users.engagement_time_msec, 0) = 0 end as no_engagement,
            users.page_views = 1 as one_page,
            users.sessions > 1 as returned,
            first_sessions.is_direct as direct,
            coalesce(users.purchases, 0) > 0 as purchased,
            round(coalesce(users.revenue, 0), 4)::double as revenue,
            case when count(funnels.steps) over () > 0 then coalesce(funnels.steps, 0)::double end as funnel_steps,
            coalesce(session_totals.error_page_views, 0) > 0 as met_error,
            coalesce(session_totals.error_page_views, 0)::double as error_page_views,
            coalesce(session_totals.views_in_sessions, 0)::double as views_in_sessions,
            (data.last_day - session_totals.last_day)::double as recency_days,
            case when first_days[1] <= data.last_day - {period}
                then session_totals.last_day <= data.last_day - {period} end as churned,
            case when first_days[1] <= data.last_day - {period}
                then coalesce(first_days[2] <= first_days[1] + {period}, false) end as returned_soon,
            first_sessions.landing_page_key as landing_page,
            coalesce(users.first_source, '(direct)') || ' / ' || coalesce(users.first_medium, '(none)') as channel,
            users.device_category as device, users.browser as browser, users.country as country
        from {sources.users_in_clusters} as clustered
        cross join data
        left join {sources.users} as users on users.user_key = clustered.user_key
        left join session_totals on session_totals.user_key = clustered.user_key
        left join first_sessions on first_sessions.user_key = clustered.user_key
        left join funnels on funnels.user_key = clustered.user_key
    """


def cluster_sizes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """cluster_key, users; ordered by cluster_key."""
    return connection.execute(f"select cluster_key, count(*) as users from {_USERS} group by all order by 1").df()


def measure_counts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a cluster; for each measure <metric>.n, those it is asked of, and <metric>.users, those who do."""
    columns = ", ".join(
        f'count({m.column}) as "{m.metric}.n", count(*) filter ({m.column}) as "{m.metric}.users"' for m in MEASURES
    )
    return connection.execute(f"select cluster_key, {columns} from {_USERS} group by all order by 1").df()


def number_counts(connection: duckdb.DuckDBPyConnection, number: Number) -> pd.DataFrame:
    """cluster_key, value, users: how many users of a cluster have which value; only where one was recorded."""
    return connection.execute(f"""
        select cluster_key, {number.column} as value, count(*) as users
        from {_USERS} where {number.column} is not null group by all order by all
    """).df()


def error_page_sums(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a cluster: the sums the share of error pages among page views, and its error, are made of."""
    return connection.execute(f"""
        select cluster_key, count(*) as n, count(*) filter (met_error) as users, sum(error_page_views) as y,
            sum(views_in_sessions) as x, sum(error_page_views ** 2) as yy,
            sum(error_page_views * views_in_sessions) as xy, sum(views_in_sessions ** 2) as xx
        from {_USERS} group by all order by 1
    """).df()


def attribute_counts(connection: duckdb.DuckDBPyConnection, dimension: Dimension, min_support: int) -> pd.DataFrame:
    """cluster_key, feature, users who have it; only features of at least ``min_support`` users of the population."""
    return connection.execute(
        f"""
        select cluster_key, coalesce({dimension.name}, '{NOT_SET}') as feature, count(*) as users
        from {_USERS} group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def had_counts(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, dimension: Dimension, min_support: int
) -> pd.DataFrame:
    """The same for what users did any number of times."""
    return connection.execute(
        f"""
        with had as (
            select distinct cluster_key, number, feature from ({dimension.rows.format(sources=sources)})
        )
        select cluster_key, feature, count(*) as users from had group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def attention_sums(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources,
    dimension: Dimension,
    min_support: int,
    timezone: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How what users did divides, and of how many users of a cluster that is known.

    The first has cluster_key, feature, users who gave it any, sum and squares of the share they gave; features of fewer
    than ``min_support`` users of the population are left out. The second has cluster_key, users.
    """
    amounts = dimension.rows.format(sources=sources, timezone=timezone.replace("'", "''"))
    connection.execute(f"""
        create or replace temp table profile_attention as
        select cluster_key, number, feature, sum(amount) as amount from ({amounts}) group by all
    """)
    try:
        sums = connection.execute(
            f"""
            with shares as (
                select cluster_key, feature,
                    round({_PARTS} * amount / sum(amount) over (partition by number))::hugeint as share
                from profile_attention
            )
            select cluster_key, feature, count(*) as users, sum(share)::double / {_PARTS} as sum,
                sum(share * share)::double / {_PARTS}::double / {_PARTS}::double as squares
            from shares group by 1, 2
            qualify sum(users) over (partition by feature) >= ?
            order by cluster_key, feature
            """,
            [min_support],
        ).df()
        users = connection.execute(
            "select cluster_key, count(distinct number) as users from profile_attention group by all order by 1"
        ).df()
    finally:
        connection.execute("drop table profile_attention")
    return sums, users


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(
        f"select count(*), count(distinct user_key), count(*) filter (is_stranger or cluster_key is null) from {_USERS}"
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
