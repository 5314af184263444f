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
