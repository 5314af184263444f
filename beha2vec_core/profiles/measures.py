"""What is measured of each user and each cluster, as SQL over DuckDB relations. The unit is the user, not the event.

All that is added up is a whole number (or made one), so that the order in which threads add does not show in the
result.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import pandas as pd

from beha2vec_core.predictions.horizons import in_the_next
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.profiles.metric import Feature, Number, Ratio, Share
from beha2vec_core.profiles.metrics import EVENTS as _EVENTS
from beha2vec_core.profiles.metrics import NOT_SET, UNKNOWN, measured_as
from beha2vec_core.profiles.metrics import USERS as _USERS
from beha2vec_core.profiles.metrics import VIEWS as _VIEWS
from beha2vec_core.profiles.money import revenue_sql
from beha2vec_core.profiles.paths import steps_of
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources
from beha2vec_core.profiles.text import UNFILLED
from beha2vec_core.words import UNKNOWN_CURRENCY

_PARTS = 10**12  # a share in whole parts
_CLUSTERS, _STEPS, _NUMBERS = "profile_clusters", "profile_steps", "profile_numbers"


@contextmanager
def clusters_read_once(connection: duckdb.DuckDBPyConnection, sources: ProfileSources) -> Iterator[ProfileSources]:
    """Sources with users in clusters and their steps as temporary tables, dropped at the end."""
    try:
        connection.execute(  # the view ranks the days of all users
            f"create or replace temp table {_CLUSTERS} as select user_key, cluster_key from {sources.users_in_clusters}"
        )
        sources = replace(sources, users_in_clusters=_CLUSTERS)
        connection.execute(f"create or replace temp table {_STEPS} as from {steps_of(sources)}")
        yield replace(sources, steps=_STEPS)
    finally:
        for table in (_CLUSTERS, _STEPS):
            connection.execute(f"drop table if exists {table}")


@contextmanager
def measured(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources,
    settings: ProfileSettings,
    currency: str | None = UNKNOWN_CURRENCY,
) -> Iterator[None]:
    """Temporary tables that the other functions read, dropped at the end.

    They have a row a user, a row a user and page viewed, and a row a user, event and six hours of the day. Users are
    counted by a number.

    ``currency`` is the unit of revenue (see ``money``).

    Raises:
        ValueError: no users, a user twice, or users the warehouse does not know.
    """
    try:
        connection.execute(f"""
            create or replace temp table {_NUMBERS} as
            select user_key, cluster_key, (row_number() over ())::integer as number from {sources.users_in_clusters}
        """)
        connection.execute(f"""
            create or replace temp table {_EVENTS} as
            select cluster_key, number, event_name, (hour_of_day // 6)::tinyint as hour_block, count(*) as events
            from {sources.events} join {_NUMBERS} using (user_key) group by all
        """)
        events = f"(select user_key, event_name from {_EVENTS} join {_NUMBERS} using (number))"
        read_once = replace(sources, users_in_clusters=_NUMBERS, events=events)
        users = users_sql(read_once, settings, currency, number="clustered.number")
        connection.execute(f"create or replace temp table {_USERS} as {users}")
        _check(connection)
        connection.execute(f"""
            create or replace temp table {_VIEWS} as
            select v.cluster_key, v.number, v.page_key, coalesce(p.theme, '{UNKNOWN}') as theme,
                coalesce(p.page_type, '{UNKNOWN}') as page_type, v.views
            from (
                select cluster_key, number, page_key, count(*) as views
                from {sources.page_views} join {_NUMBERS} using (user_key)
                where page_key is not null group by all
            ) as v
            left join {sources.pages} as p on p.page_key = v.page_key
        """)
        yield
    finally:
        for table in (_NUMBERS, _EVENTS, _USERS, _VIEWS):
            connection.execute(f"drop table if exists {table}")


def users_sql(
    sources: ProfileSources,
    settings: ProfileSettings | None = None,
    currency: str | None = UNKNOWN_CURRENCY,
    number: str = "row_number() over ()",
) -> str:
    """SQL of a row a clustered user: all numbers, then the shares, which may name them, and features with one value.

    What the export records of no user at all is null for all; else users who lack it have 0, or do not have it.
    """
    texts = {
        "period": (settings or ProfileSettings()).period_days,
        "revenue": revenue_sql(currency),
        "landing": filled("first_sessions.landing_page_key"),
        "source": filled("users.first_user_source"),
        "medium": filled("users.first_user_medium"),
    }
    shares = measured_as(Share)
    had = ", ".join(f"bool_or(event_name = '{one.event}') as {metric.name}" for metric, one in shares if one.event)
    events = [share.event for _, share in shares if share.event]
    columns = {metric.name.removesuffix("_mean"): number.sql for metric, number in measured_as(Number)}
    columns |= {metric.name: share.sql or f"coalesce(had.{metric.name}, false)" for metric, share in shares}
    columns |= {feature.part: feature.sql for _, feature in measured_as(Feature) if feature.how == "value"}
    return f"""
        with sessions as materialized (
            select user_key, session_key, session_date::date as session_date, session_started_at, ga_session_number,
                page_views, error_page_views, landing_page_key
            from {sources.sessions}
        ), session_days as (
            select user_key, session_date, sum(page_views) as page_views, sum(error_page_views) as error_page_views,
                min(ga_session_number) = 1 as is_first, max(ga_session_number) > 1 as is_later
            from sessions group by user_key, session_date
        ), session_totals as (
            select user_key, sum(page_views) as views_in_sessions, sum(error_page_views) as error_page_views,
                max(session_date) as last_day, list(session_date) as days, bool_or(is_later) as came_back,
                min(case when is_first then session_date end) as first_day
            from session_days group by user_key
        ), data as (
            select max(session_date) as last_day from sessions
        ), first_sessions as (
            select user_key, landing_page_key from sessions
            qualify row_number() over (partition by user_key order by session_started_at, session_key) = 1
        ), had as (
            select user_key, {had}
            from {sources.events} semi join {sources.users_in_clusters} using (user_key)
            where event_name in {events} group by user_key
        ), funnels as (
            -- of the six steps of ga4_event_taxonomy, checkout takes three
            select user_key,
                max(case when furthest_step < 3 then furthest_step when furthest_step < 6 then 3 else 4 end) as steps
            from {sources.funnel_sessions} semi join {sources.users_in_clusters} using (user_key) group by user_key
        )
        select
            clustered.user_key, clustered.cluster_key, {number} as number,
            users.user_key is null as is_stranger,
            coalesce(session_totals.views_in_sessions, 0)::double as views_in_sessions,
            {", ".join(f"{sql.format_map(texts)} as {column}" for column, sql in columns.items())}
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


def users_by_cluster(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """cluster_key, users; ordered by cluster_key."""
    return connection.execute(f"select cluster_key, count(*) as users from {_USERS} group by all order by 1").df()


def share_counts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a cluster; for each share <metric>.n, those it is asked of, and <metric>.users, those who do."""
    columns = ", ".join(
        f'count({m.name}) as "{m.name}.n", count(*) filter ({m.name}) as "{m.name}.users"'
        for m, _ in measured_as(Share)
    )
    return connection.execute(f"select cluster_key, {columns} from {_USERS} group by all order by 1").df()


def number_counts(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    """cluster_key, value, users: how many users of a cluster have which value; only where one was recorded."""
    return connection.execute(f"""
        select cluster_key, {name} as value, count(*) as users
        from {_USERS} where value is not null group by all order by all
    """).df()


def ratio_sums(connection: duckdb.DuckDBPyConnection, ratio: Ratio) -> pd.DataFrame:
    """One row a cluster: the sums that a ratio, and its error, are made of."""
    return connection.execute(f"""
        select cluster_key, count(*) as n, count(*) filter ({ratio.part} > 0) as users, sum({ratio.part}) as y,
            sum({ratio.whole}) as x, sum({ratio.part} ** 2) as yy, sum({ratio.part} * {ratio.whole}) as xy,
            sum({ratio.whole} ** 2) as xx
        from {_USERS} group by all order by 1
    """).df()


def expected_buyers(connection: duckdb.DuckDBPyConnection, predictions: str) -> pd.DataFrame:
    """Users with a score: cluster_key, feature (in how long), users, expected (buyers), variance of that number."""
    found = connection.execute(
        f"""select u.cluster_key, p.horizon, p.is_tested, count(*) as users,
            sum(round({_PARTS} * p.probability)::hugeint) / {_PARTS} as expected,
            sum(round({_PARTS} * p.probability * (1 - p.probability))::hugeint) / {_PARTS} as variance
        from {predictions} as p join {_USERS} as u on u.user_key = p.user_key
        where p.target = '{PURCHASE}' group by 1, 2, 3 order by 1"""
    ).df()
    words = [
        in_the_next(int(days), is_tested=bool(is_tested))
        for days, is_tested in found[["horizon", "is_tested"]].to_numpy()
    ]
    return found.drop(columns=["horizon", "is_tested"]).assign(feature=words)


def value_counts(connection: duckdb.DuckDBPyConnection, feature: Feature, min_support: int) -> pd.DataFrame:
    """cluster_key, feature, users who have it; only features of at least ``min_support`` users of the population."""
    return connection.execute(
        f"""
        select cluster_key, coalesce({feature.part}, '{NOT_SET}') as feature, count(*) as users
        from {_USERS} group by 1, 2
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def had_counts(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, feature: Feature, min_support: int
) -> pd.DataFrame:
    """The same for what users did any number of times."""
    with_steps = replace(sources, steps=steps_of(sources))
    return connection.execute(
        f"""
        select cluster_key, feature, users from ({feature.sql.format(sources=with_steps)})
        {f"where not regexp_matches(feature, '{UNFILLED}')" if feature.is_text else ""}
        qualify sum(users) over (partition by feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def attention_sums(
    connection: duckdb.DuckDBPyConnection, sources: ProfileSources, feature: Feature, min_support: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How what users did divides, and of how many users of a cluster that is known.

    The first has cluster_key, feature, users who gave it any, sum and squares of the share they gave; features of fewer
    than ``min_support`` users of the population are left out. The second has cluster_key, users.
    """
    amounts = feature.sql.format(sources=sources)
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
