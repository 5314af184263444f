"""What is measured of each user and each cluster, as SQL over DuckDB relations. The unit is the user, not the event.

All that is added up is a whole number (or made one), so that the order in which threads add does not show in the
result.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pandas as pd

from beha2vec_core.profiles.money import revenue_sql
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources
from beha2vec_core.profiles.text import UNFILLED
from beha2vec_core.profiles.words import UNKNOWN_CURRENCY

NOT_SET = "(not set)"
UNKNOWN = "unknown"
# as dbt_ga4's `purchase_events`
PURCHASE_EVENTS = "('purchase', 'in_app_purchase', 'ecommerce_purchase')"
STEP_TO = " → "
_USERS, _VIEWS = "profile_users", "profile_views"
_PARTS = 10**12  # a share in whole parts


@dataclass(frozen=True)
class Measure:
    """A yes or no of a user; users for whom ``column`` is null could not have either, and are not counted.

    With ``min_support`` it is a fact only where that many users of the population have it, as for features.
    """

    metric: str
    column: str
    needs_support: bool = False


@dataclass(frozen=True)
class Number:
    """A number of a user; ``<name>_mean`` and ``<name>_median`` are its metrics.

    ``unit`` is `UNKNOWN_CURRENCY` for an amount of money, whose unit is the currency (see ``money``).
    """

    name: str
    column: str
    unit: str


@dataclass(frozen=True)
class Dimension:
    """Values users have or lack; ``name`` is also its part of the fact id.

    ``is_text``: the site wrote the values, so that some may be template code nothing was put into (`text.UNFILLED`).
    ``rows`` selects cluster_key, number (of the user), feature and amount; {sources} and {timezone} are filled in.
    """

    name: str
    metric: str
    rows: str = ""
    is_text: bool = False


# `<event>_share` counts users with the event; `reached_<step>_share` those with it or with a later step
_STEPS = ("view_item", "add_to_cart", "begin_checkout")
_REACHED = ("reached_item", "reached_cart", "reached_checkout")
MEASURES = (
    Measure("no_engagement_time_share", "no_engagement_time"),
    Measure("one_page_view_share", "one_page_view"),
    Measure("return_share", "returned"),
    Measure("first_user_direct_share", "first_user_direct"),
    *(Measure(f"{event}_share", event, needs_support=True) for event in _STEPS),
    *(Measure(f"{step}_share", step, needs_support=True) for step in _REACHED),
    Measure("purchase_rate", "purchased"),
    Measure("first_week_return_rate", "returned_in_first_week"),
    Measure("churn_rate", "churned"),
    Measure("error_page_user_share", "met_error"),
)
NUMBERS = (
    Number("page_views", "page_views", "page views"),
    Number("sessions", "sessions", "sessions"),
    Number("engagement_time", "engagement_seconds", "seconds"),
    Number("recency", "recency_days", "days"),
    Number("revenue", "revenue", UNKNOWN_CURRENCY),
    Number("furthest_step", "furthest_step", "steps"),
    Number("error_page_views", "error_page_views", "page views"),
)
# a user has exactly one value: shares of a cluster sum to 1
ATTRIBUTES = (
    Dimension("landing_page", "landing_page_share", is_text=True),
    Dimension("first_user_source", "first_user_source_share", is_text=True),
    Dimension("first_user_medium", "first_user_medium_share", is_text=True),
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
    Dimension("page", "page_share", _VIEWED.format(column="page_key"), is_text=True),
    Dimension("theme", "theme_share", _VIEWED.format(column="theme")),
    Dimension("page_type", "page_type_share", _VIEWED.format(column="page_type")),
    Dimension(
        "event",
        "event_share",
        f"""select u.cluster_key, u.number, e.event_name as feature, 1 as amount
        from {{sources.events}} as e join {_USERS} as u on u.user_key = e.user_key""",
        is_text=True,
    ),
    Dimension("item_viewed", "item_viewed_share", _ITEMS.format(item=_NAME, events="('view_item')"), is_text=True),
    Dimension("item_bought", "item_bought_share", _ITEMS.format(item=_NAME, events=PURCHASE_EVENTS), is_text=True),
    Dimension(
        "item_category_viewed",
        "item_category_viewed_share",
        _ITEMS.format(item="i.item_category", events="('view_item')"),
        is_text=True,
    ),
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
)
# how what a user did divides, each user weighing the same: sums to 1, and does not grow with activity
ATTENTION = (
    Dimension("theme_views", "theme_view_share", _VIEWED.format(column="theme")),
    Dimension("page_type_views", "page_type_view_share", _VIEWED.format(column="page_type")),
    Dimension(
        "hour_block_events",
        "hour_block_event_share",
        # night is from 0 to 6, each block six hours
        f"""select u.cluster_key, u.number, 1 as amount, ['night', 'morning', 'afternoon', 'evening'][1 + hour(
                make_timestamp(e.event_timestamp) at time zone 'UTC' at time zone '{{timezone}}') // 6] as feature
        from {{sources.events}} as e join {_USERS} as u on u.user_key = e.user_key""",
    ),
)


@contextmanager
def measured(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources,
    settings: ProfileSettings,
    currency: str | None = UNKNOWN_CURRENCY,
) -> Iterator[None]:
    """Temporary tables that the other functions read: a row a user, a row a user and page viewed; dropped at the end.

    ``currency`` is the unit of revenue (see ``money``).

    Raises:
        ValueError: no users, a user twice, or users the warehouse does not know.
    """
    try:
        connection.execute(_users_query(sources, settings, currency))
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


def _users_query(sources: ProfileSources, settings: ProfileSettings, currency: str | None) -> str:
    """One row a clustered user: all measures, numbers and attributes.

    Churned: not seen in the last ``period_days``; asked of those who were seen before them. Returned in the first week:
    seen again on another day, at most ``period_days`` after the first; asked of those whose first day was that long
    ago. What the export records of no user at all is null for all; else who lacks it has 0, or has it not.
    """
    period = settings.period_days
    source, medium = filled("users.first_user_source"), filled("users.first_user_medium")
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
            select user_key, landing_page_key from {sources.sessions}
            semi join {sources.users_in_clusters} using (user_key)
            qualify row_number() over (partition by user_key order by session_started_at, session_key) = 1
        ), had as (
            select user_key, {", ".join(f"bool_or(event_name = '{event}') as {event}" for event in _STEPS)}
            from {sources.events} semi join {sources.users_in_clusters} using (user_key)
            where event_name in {_STEPS} group by user_key
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
            coalesce(users.sessions, 0)::double as sessions,
            case when count(users.engagement_time_msec) over () > 0
                then coalesce(users.engagement_time_msec, 0) / 1000.0 end as engagement_seconds,
            engagement_seconds = 0 as no_engagement_time,
            coalesce(users.page_views, 0) = 1 as one_page_view,
            coalesce(users.sessions, 0) > 1 as returned,
            {", ".join(f"coalesce(had.{event}, false) as {event}" for event in _STEPS)},
            coalesce(users.purchases, 0) > 0 as purchased,
            {revenue_sql(currency)} as revenue,
            case when count(funnels.steps) over () > 0 then coalesce(funnels.steps, 0)::double end as furthest_step,
            {", ".join(f"furthest_step >= {number} as {step}" for number, step in enumerate(_REACHED, start=1))},
            coalesce(session_totals.error_page_views, 0) > 0 as met_error,
            coalesce(session_totals.error_page_views, 0)::double as error_page_views,
            coalesce(session_totals.views_in_sessions, 0)::double as views_in_sessions,
            (data.last_day - session_totals.last_day)::double as recency_days,
            case when first_days[1] <= data.last_day - {period}
                then session_totals.last_day <= data.last_day - {period} end as churned,
            case when first_days[1] <= data.last_day - {period}
                then coalesce(first_days[2] <= first_days[1] + {period}, false) end as returned_in_first_week,
            {filled("first_sessions.landing_page_key")} as landing_page,
            -- GA4's "First user source / medium": of the user's first visit, which may lie before the export
            case when {source} is null then '{NOT_SET}' else {source} || ' / ' || coalesce(
                {medium}, case when {source} = '(direct)' then '(none)' else '{NOT_SET}' end) end as first_user_source,
            case when {source} = '(direct)' then coalesce({medium}, '(none)') else {medium} end as first_user_medium,
            case when count(users.first_user_source) over () > 0
                then coalesce(users.first_user_source = '(direct)', false) end as first_user_direct,
            users.device_category as device, users.browser as browser, users.country as country
        from {sources.users_in_clusters} as clustered
        cross join data
        left join {sources.users} as users on users.user_key = clustered.user_key
        left join session_totals on session_totals.user_key = clustered.user_key
        left join first_sessions on first_sessions.user_key = clustered.user_key
        left join had on had.user_key = clustered.user_key
        left join funnels on funnels.user_key = clustered.user_key
    """


def filled(column: str) -> str:
    """SQL: the column, or null where it holds template code (`text.UNFILLED`)."""
    return f"case when not regexp_matches({column}, '{UNFILLED}') then {column} end"


def unfilled_texts(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, titles: str | None = None
) -> pd.DataFrame:
    """What holds template code instead of a value, and is no finding: kind, text, rows; the most frequent first.

    Args:
        connection: an open DuckDB connection.
        sources: names of the relations to read.
        titles: a relation with a row a page and its ``page_title``.
    """
    columns = [
        ("item name", "item_name", sources.event_items),
        ("item id", "item_id", sources.event_items),
        ("item category", "item_category", sources.event_items),
        ("page", "page_key", sources.page_views),
        ("event", "event_name", sources.events),
        ("first user source", "first_user_source", sources.users),
        ("first user medium", "first_user_medium", sources.users),
        *([("page title", "page_title", titles)] if titles else []),
    ]
    texts = " union all ".join(
        f"select '{kind}' as kind, {column} as text, count(*) as rows from {relation} group by all"
        for kind, column, relation in columns
    )
    return connection.execute(
        f"select * from ({texts}) where regexp_matches(text, '{UNFILLED}') order by rows desc, kind, text"
    ).df()


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
            {f"where not regexp_matches(feature, '{UNFILLED}')" if dimension.is_text else ""}
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
