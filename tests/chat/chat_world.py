"""A small published database for the tests of the chat, with all that the graph would publish."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from beha2vec_core.insights import write_insights
from beha2vec_core.profiles import WAREHOUSE, ProfileSources, build_profiles
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables
from tests.profiles.profile_world import make_world

SMALL = 4  # a cluster of five users
# two users who can be named by everything GA4 knows of them
USER, OTHER = "a" * 31 + "1", "b" * 31 + "2"
DEVICE, LOGIN = "1291951877.1751418265", "C1000187"
_made: dict[int, bytes] = {}
EVENTS = {"product": "view_item", "cart": "add_to_cart", "checkout": "begin_checkout"}


def make_serving(path: Path, hostile: list[str] | None = None) -> Path:
    """The database; ``hostile`` texts stand as pages, titles, channels, countries, browsers and names of events."""
    texts = hostile or []
    if made := _made.get(len(texts)):  # the same each time: made once a process
        path.write_bytes(made)
        return path
    world = make_world()
    world.execute("create schema ga4; create schema world")
    create_tables(world)
    world.execute(
        f"""create table world.people as
        select case when user_key = 'u0-0' then '{USER}' when user_key = 'u0-1' then '{OTHER}'
            else md5(user_key) end as user_key, user_key as name, cluster_key from users_in_clusters
        union all select md5('small' || range), 'small' || range, {SMALL} from range(5)"""
    )
    _ga4_tables(world)
    if texts:
        _put_hostile(world, texts)
    world.execute(
        """insert into beha2vec.cluster_models (cluster_model_version, model_version, k, promoted_at)
        values ('c1', 'm1', 5, '2026-01-31')"""
    )
    world.execute(
        """insert into beha2vec.user_embeddings by name
        select date '2026-01-30' as event_date, 'm1' as model_version, user_key, timestamp '2026-01-30 23:00' as as_of,
            5 as n_events, false as low_evidence, vector as behavior, vector as identity
        from (select *, list_transform(range(4), lambda i:
            ((i = cluster_key % 4)::int + hash(user_key || i) % 100 / 300)::float) as vector from world.people)"""
    )
    world.execute(
        """insert into beha2vec.user_clusters by name
        select event_date, 'c1' as cluster_model_version, model_version, user_key, cluster_key,
            hash(user_key) % 100 / 100 as distance, hash(user_key || 'm') % 100 / 100 as margin
        from beha2vec.user_embeddings join world.people using (user_key)"""
    )
    world.execute(
        """create table world.identities as select 'client of ' || name as client_key, user_key from world.people;
        create table world.history as
        select p.user_key, h.event_date, h.cluster_key
        from cluster_history h join world.people p on p.name = h.user_key;
        create table world.purchases as
        select p.user_key, b.event_date from fct_ga4__purchases b join world.people p on p.name = b.user_key"""
    )
    _predictions(world, texts)
    sources = ProfileSources(
        users_in_clusters="world.people",
        history="world.history",
        users="ga4.dim_ga4__users",
        sessions="ga4.fct_ga4__sessions",
        page_views="ga4.fct_ga4__page_views",
        pages="beha2vec.enriched_pages",
        events="ga4.ml_ga4__sequence_events",
        event_items="stg_ga4__event_items",
        identities="world.identities",
        funnel_sessions="ga4.fct_ga4__funnel_sessions",
        purchases="world.purchases",
        properties="dim_ga4__properties",
        predictions=WAREHOUSE.predictions,
    )
    profiles = build_profiles(world, sources)
    titles = dict(world.execute("select page_key, page_title from ga4.dim_ga4__pages").fetchall())
    insights = write_insights(profiles, page_titles=titles, progress=False)[0]
    world.register("profiles", profiles)
    world.register("insights", insights)
    world.execute("insert into beha2vec.cluster_profiles by name from profiles")
    world.execute("insert into beha2vec.cluster_insights by name from insights")
    _highlights(world, texts)
    world.execute("drop schema world cascade")
    publish(world, path, secret=b"secret")
    world.close()
    _made[len(texts)] = path.read_bytes()
    return path


def _predictions(world: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Probabilities of all users: the highest of `USER`, then in cluster 1; reasons are hostile, where texts are."""
    world.execute(
        f"""insert into beha2vec.prediction_models (prediction_version, promoted_at) values ('p1', '2026-01-31');
        insert into beha2vec.user_predictions by name
        select date '2026-01-30' as event_date, date '2026-01-31' as as_of, 'p1' as prediction_version, user_key,
            'ga4' as property_id, target, horizon, probability, 0.5 * probability as low, 1.5 * probability as high,
            1 + (10 * (row_number() over (partition by target, horizon order by probability desc) - 1)
                // count(*) over (partition by target, horizon))::int as decile,
            case when target = 'purchase' then 50 * probability end as value,
            case when decile = 1 then [$reason, 'page views (+0.20)'] end as reasons
        from (
            select user_key, target, horizon, horizon / 28 * case when user_key = '{USER}' then 0.6
                when cluster_key = 1 then 0.3 + hash(user_key) % 100 / 400 else hash(user_key) % 100 / 1000 end
                as probability
            from world.people, (select unnest(['purchase', 'return', 'add_to_cart']) as target),
                (select unnest([7, 14, 28]) as horizon))""",
        {"reason": texts[0] if texts else "purchases so far (+0.51)"},
    )
    world.execute(
        """insert into beha2vec.prediction_evaluation by name select 'p1' as prediction_version, target, horizon,
            'model' as method, 'auroc' as metric, 0.8 as value
        from (select distinct target, horizon from beha2vec.user_predictions)"""
    )


def _highlights(world: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """A finding of enough users, one with a number of few (3 of 777), and one about a few users."""
    for rank, (value, users, fewest) in enumerate(
        ((texts[0] if texts else "news", 300, 40), ("mobile", 758, 3), ("tiny", 9, 0)), start=1
    ):
        world.execute(
            """insert into beha2vec.highlights by name select ? as rank, 'h' || ? as highlight_id,
            'difference' as kind, 'conversion_rate' as metric, 'source' as dimension, ? as segment,
            date '2026-01-01' as first_day, date '2026-01-30' as last_day, 0.123456 as value, 0.2 as other_value,
            -0.0765 as effect, -0.11 as interval_low, -0.03 as interval_high, 777 as n, ? as users, ? as fewest_users,
            'Sessions from ' || ? || ' end with an order less often than others' as headline,
            '3 of 777 sessions' as sentence""",
            [rank, rank, value, users, fewest, value],
        )


def _ga4_tables(world: duckdb.DuckDBPyConnection) -> None:
    """The models that the chat reads, with the columns it reads; every purchase has a checkout before it."""
    world.execute(
        f"""create table ga4.dim_ga4__users as
        select p.user_key, 'ga4' as property_id,
            case when p.user_key = '{USER}' then '{DEVICE}' else 'device.' || p.name end as user_pseudo_id,
            case p.user_key when '{USER}' then '{LOGIN}' when '{OTHER}' then 'jane@shop.example' end as user_id,
            coalesce(u.page_views, 1) as page_views, coalesce(u.sessions, 1) as sessions,
            coalesce(u.purchases, 0) as purchases, coalesce(u.revenue, 0.0) as revenue, u.engagement_time_msec,
            u.currency, coalesce(u.first_user_source, 'tiny') as first_user_source,
            coalesce(u.first_user_medium, 'tiny') as first_user_medium,
            first_user_source as first_source, first_user_medium as first_medium,
            coalesce(u.device_category, 'desktop') as device_category, coalesce(u.browser, 'Chrome') as browser,
            coalesce(u.country, 'Malta') as country, timestamp '2026-01-05' as first_seen_at, 'EUR' as currency,
            'newsletter' as first_user_source, 'email' as first_user_medium
        from world.people p left join dim_ga4__users u on u.user_key = p.name"""
    )
    world.execute(
        """create table ga4.dim_ga4__properties as select 'ga4' as property_id, 'EUR' as reporting_currency,
            ['EUR'] as currencies, 0::bigint as purchases, 0::bigint as purchases_not_expressed, 'UTC' as timezone"""
    )
    world.execute(
        """create table ga4.fct_ga4__sessions as
        select s.* exclude (user_key), p.user_key from fct_ga4__sessions s join world.people p on p.name = s.user_key
        union all by name
        select user_key, user_key as session_key, date '2024-03-10' as session_date,
            timestamp '2024-03-10' as session_started_at, 'desktop' as device_category, 1 as page_views,
            0 as error_page_views, 'shop.example.com/' as landing_page_key, true as is_direct
        from world.people where starts_with(name, 'small')"""
    )
    world.execute(
        """create table ga4.fct_ga4__page_views as
        select *, upper(split_part(page_key, '/', 2)) || ' | Shop' as page_title from (
            select v.* exclude (user_key), p.user_key
            from fct_ga4__page_views v join world.people p on p.name = v.user_key
            union all by name
            select user_key, user_key as session_key, 'shop.example.com/' as page_key
            from world.people where starts_with(name, 'small'))"""
    )
    world.execute(
        """insert into beha2vec.enriched_pages (page_key, theme, page_type)
        select page_key, theme, page_type from main.enriched_pages"""
    )
    world.execute(
        """create table ga4.dim_ga4__pages as
        select page_key, upper(split_part(page_key, '/', 2)) || ' | Shop' as page_title, count(*) as page_views,
            count(distinct user_key) as users
        from ga4.fct_ga4__page_views group by 1"""
    )
    world.execute(
        """create table ga4.ga4_event_taxonomy as from (values ('view_item', 1, 1), ('add_to_cart', 2, 2),
            ('begin_checkout', 3, 3), ('purchase', 6, 4)) t(event_name, funnel_step, tie_order)"""
    )
    world.execute(
        f"""create table ga4.ml_ga4__sequence_events as
        with seen as (
            select user_key, session_key, page_key, page_type,
                row_number() over (partition by session_key order by page_key) as event_index
            from ga4.fct_ga4__page_views join main.enriched_pages using (page_key)),
        all_events as (
            select user_key, session_key, page_key, 'page_view' as event_name, true as is_page_view,
                2 * event_index as i
            from seen
            union all by name
            select user_key, session_key, page_key, '{json.dumps(EVENTS)}'::json ->> page_type as event_name,
                false as is_page_view, 2 * event_index + 1 as i
            from seen where page_type in ('product', 'cart', 'checkout')
            union all by name
            select u.user_key, any_value(s.session_key) as session_key, 'shop.example.com/checkout' as page_key,
                'purchase' as event_name, false as is_page_view, 1000 as i
            from ga4.dim_ga4__users u join ga4.fct_ga4__sessions s using (user_key) where u.purchases > 0 group by 1)
        select * exclude (i), i as event_index, 1769000000000000 + i as event_timestamp,
            hour(make_timestamp(event_timestamp))::integer as hour_of_day
        from all_events"""
    )
    world.execute(
        """create table ga4.fct_ga4__funnel_sessions as
        select session_key, any_value(user_key) as user_key, max(funnel_step) as furthest_step,
            case when max(funnel_step) < 6 then max(funnel_step) end as dropped_after
        from ga4.ml_ga4__sequence_events join ga4.ga4_event_taxonomy using (event_name) group by 1"""
    )


def _put_hostile(world: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Each text as a title, and the first ones where else a stranger can write, on enough users to be facts."""
    world.execute(
        "create temp table hostile as select unnest(?::varchar[]) as text, unnest(range(?)) as n", [texts, len(texts)]
    )
    world.execute(
        """create temp table bad_pages as
        select p.user_key, p.cluster_key, 'shop.example.com/' || h.text as page_key, h.text
        from (select *, row_number() over (order by user_key) as place from world.people) p
        cross join (select unnest([0, 1, 2]) as page)
        join hostile h on h.n = (p.place + page) % (select count(*) from hostile)"""
    )
    world.execute(
        """insert into ga4.fct_ga4__page_views by name
        select user_key, page_key, any_value(text) as page_title, any_value(session_key) as session_key from bad_pages
        join ga4.fct_ga4__sessions using (user_key) group by all"""
    )
    world.execute(
        """insert into ga4.dim_ga4__pages by name
        select page_key, any_value(text) as page_title, count(*) as page_views, count(*) as users
        from bad_pages group by 1"""
    )
    world.execute(
        """insert into beha2vec.enriched_pages by name
        select distinct page_key, text as theme, 'product' as page_type from bad_pages"""
    )
    for column, shift in (("country", 0), ("browser", 7), ("first_user_source", 13), ("device_category", 29)):
        world.execute(
            f"""update ga4.dim_ga4__users u set {column} = (
                select text from hostile where n = (hash(u.user_key) + {shift}) % (select count(*) from hostile))
            where hash(u.user_key || 'h') % 2 = 0"""
        )
