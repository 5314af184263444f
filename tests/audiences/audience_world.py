"""Users with round numbers, in the tables that rules read."""

from __future__ import annotations

import duckdb

from beha2vec_core.store.tables import create_tables

USERS = 1000
LAST = "2026-03-29"


def make_world(connection: duckdb.DuckDBPyConnection) -> None:
    """User n (``u0000`` to ``u0999``): n % 5 purchases, cluster n % 4, probability n / 1000, ads consent if n % 2 = 0.

    Users below 300 viewed a sale page n % 3 times in the last week, and added to the cart once 20 days ago.
    """
    create_tables(connection)
    connection.execute(
        f"""create schema ga4;
        create table ga4.dim_ga4__properties as select 'p' as property_id, 'Europe/Berlin' as timezone,
            date '{LAST}' as last_day;
        create table ga4.dim_ga4__users as select 'u' || lpad(n::varchar, 4, '0') as user_key, 'p' as property_id,
            'device' || n as user_pseudo_id, n % 5 as purchases, 10.0 * (n % 5) as revenue,
            case when n % 10 > 0 then 'AT' end as country, n % 2 = 0 as is_ads_consented,
            timestamp '{LAST} 12:00:00' - n % 60 * interval 1 day as last_seen_at
        from range({USERS}) as t(n);
        create table ga4.int_ga4__identity_map as select user_key, property_id, user_pseudo_id,
            null::varchar as user_id, date '{LAST}' - 40 as first_seen, date '{LAST}' as last_seen
        from ga4.dim_ga4__users;
        comment on column ga4.dim_ga4__users.country is 'Country of the user.';
        create table ga4.ml_ga4__user_features as select property_id, user_key, as_of, purchases as purchases_ever,
            case when purchases > 0 then 3 end as days_since_last_purchase, true as will_return_7d
        from ga4.dim_ga4__users, (values (date '2026-03-23'), (date '2026-03-30')) as dates(as_of);
        update ga4.ml_ga4__user_features set days_since_last_purchase = 99 where as_of = '2026-03-23';
        create table ga4.ml_ga4__sequence_events as
            select 'p' as property_id, user_key, date '{LAST}' - 3 as event_date, 'page_view' as event_name,
                '/sale/' || k as page_key, true as is_page_view
            from (select user_key, n from ga4.dim_ga4__users, lateral (select right(user_key, 4)::int as n)
                where n < 300), range(2) as views(k) where k < n % 3
            union all
            select 'p', user_key, date '{LAST}' - 20, 'add_to_cart', '/cart', false from ga4.dim_ga4__users
            where right(user_key, 4)::int < 300;
        insert into beha2vec.enriched_pages by name
            select '/sale/' || k as page_key, 'offers' as theme, 'list' as page_type from range(2) as t(k);
        insert into beha2vec.cluster_models by name
            select 'c' as cluster_model_version, 'e' as model_version, timestamp '{LAST}' as promoted_at;
        insert into beha2vec.user_clusters by name
            select date '{LAST}' as event_date, 'c' as cluster_model_version, 'e' as model_version, user_key,
                right(user_key, 4)::int % 4 as cluster_key from ga4.dim_ga4__users;
        insert into beha2vec.prediction_models by name
            select 'm' as prediction_version, timestamp '{LAST}' as promoted_at;
        insert into beha2vec.user_predictions by name
            select date '{LAST}' as event_date, 'p' as property_id, user_key, 'purchase' as target, 28 as horizon,
                right(user_key, 4)::int / {USERS} as probability, 5 as decile, 2.0 as value, 'm' as prediction_version
            from ga4.dim_ga4__users"""
    ).fetchall()


def add_behavior(connection: duckdb.DuckDBPyConnection) -> None:
    """What look-alikes, facts and the map read.

    User n has a vector near that of n / 1000 of a quarter turn, the ten last ones too little evidence; lies at
    (n % 40, n // 40) on the map ``c``; and had a session on each of their last n % 3 + 1 days, with n % 2 error pages.
    The last session of an even user came by Organic Search, earlier ones of all by Email. Users with purchases ordered
    on their last day, those with n % 4 = 0 women's shoes. Clusters 0 and 1 have a purchase rate of 0.1 and 0.4, and
    views of offers of 0.2 and 0.6.
    """
    n = "right(user_key, 4)::int"
    connection.execute(
        f"""update beha2vec.user_clusters set map_x = {n} % 40, map_y = {n} // 40;
        insert into beha2vec.user_embeddings by name
            select date '{LAST}' as event_date, 'e' as model_version, user_key, {n} >= {USERS - 10} as low_evidence,
                [cos({n} * pi() / 2000 + {n} % 7 / 50), sin({n} * pi() / 2000), {n} % 5 / 20]::float[] as identity,
                5 as n_events
            from ga4.dim_ga4__users;
        create table ga4.fct_ga4__sessions as select user_key, user_key || '.' || day as session_key,
                property_id,
                case when day = 0 and {n} % 2 = 0 then 'Organic Search' when day > 0 then 'Email' end
                    as default_channel_group,
                (last_seen_at - day * interval 1 day)::date as session_date, last_seen_at as session_started_at,
                {n} % 3 - day + 1 as ga_session_number, 2 as page_views, {n} % 2 as error_page_views,
                '/home' as landing_page_key
            from ga4.dim_ga4__users, range(3) as days(day) where day <= {n} % 3;
        create table ga4.fct_ga4__purchases as select user_key, property_id, user_key || '.0' as session_key,
            last_seen_at::date as occurred_on, false as is_refund_without_purchase from ga4.dim_ga4__users
            where purchases > 0;
        create table ga4.fct_ga4__purchase_items as select *, user_key as purchase_key,
            case when {n} % 4 = 0 then 'Women''s shoes' else 'Bags' end as item_category from ga4.fct_ga4__purchases;
        create table ga4.fct_ga4__page_views as select user_key, property_id, session_key, session_date as occurred_on,
            '/sale/' || {n} % 4 as page_key from ga4.fct_ga4__sessions;
        create table ga4.fct_ga4__funnel_sessions as select user_key, 2 as furthest_step from ga4.dim_ga4__users
            where {n} < 300;
        insert into beha2vec.cluster_profiles by name
            select * from (values (0, 'purchase_rate', null, 0.1), (1, 'purchase_rate', null, 0.4),
                (0, 'theme_view_share', 'offers', 0.2), (1, 'theme_view_share', 'offers', 0.6))
                as facts(cluster_key, metric, feature, value)"""
    ).fetchall()
    for column, kind in {
        "engagement_time_msec": "bigint", "page_views": "bigint", "sessions": "bigint", "first_user_source": "varchar",
        "first_user_medium": "varchar", "user_id": "varchar", "device_category": "varchar", "browser": "varchar",
        "currency": "varchar",
    }.items():  # fmt: skip
        connection.execute(f"alter table ga4.dim_ga4__users add column {column} {kind}")
    connection.execute(f"update ga4.dim_ga4__users set engagement_time_msec = 1000 * {n}, sessions = {n} % 3 + 1")
