"""A published database of an invented shop for semantic queries: 9,000 sessions, 1 June 2025 to 13 May 2026.

It is the chat's world (clusters, facts, predictions) with GA4 marts of a year in place of its few.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from tests.chat.chat_world import make_serving

FIRST, LAST = date(2025, 6, 1), date(2026, 5, 13)
_CHANNELS = (  # channel, source, medium, campaign
    ("Organic Search", "google", "organic", None), ("Organic Search", "google", "organic", None),
    ("Organic Search", "bing", "organic", None), ("Paid Search", "google", "cpc", "brand_de"),
    ("Paid Search", "google", "cpc", "spring_sale"), ("Organic Social", "instagram", "social", None),
    ("Organic Social", "facebook", "social", None), ("Paid Social", "facebook", "paid_social", "spring_sale"),
    ("Email", "newsletter", "email", "black_friday_2025"), ("Referral", "partner-site.example", "referral", None),
    ("Direct", "(direct)", "(none)", None), ("Direct", "(direct)", "(none)", None),
)  # fmt: skip
_DEVICES = (
    ("mobile", "Safari", "iOS"), ("mobile", "Chrome", "Android"), ("mobile", "Chrome", "Android"),
    ("desktop", "Chrome", "Windows"), ("desktop", "Firefox", "Windows"), ("desktop", "Safari", "Macintosh"),
    ("desktop", "Edge", "Windows"), ("tablet", "Safari", "iOS"),
)  # fmt: skip
_COUNTRIES = ("Germany", "Germany", "France", "United States", "United Kingdom", "Austria")
_PAGES = (  # path, page type, theme
    ("/", "home", "general"), ("/shoes", "category", "shoes"), ("/hats", "category", "hats"),
    ("/sale", "category", "general"), ("/shoes/trail-running", "product", "shoes"),
    ("/blog/how-to-wash-wool", "article", "care"), ("/cart", "cart", "general"), ("/checkout", "checkout", "general"),
)  # fmt: skip
_ITEMS = (  # name, category, category within it, brand, price
    ("Trail Running Shoes", "Shoes", "Runners", "Peak & Pine", 120.0), ("Wool Hat", "Hats", "Beanies", "Alta", 25.0),
    ("Rain Jacket", "Jackets", "Parkas & Ponchos", "Alta", 150.0), ("Gift Card", "Gifts", None, None, 50.0),
)  # fmt: skip
_made: list[bytes] = []


def make_world(path: Path) -> Path:
    """The database at ``path``."""
    if _made:  # the same each time: made once a process
        path.write_bytes(_made[0])
        return path
    make_serving(path)
    with duckdb.connect(str(path)) as world:
        world.execute("create temp table channels (place int, channel text, source text, medium text, campaign text)")
        world.executemany("insert into channels values (?, ?, ?, ?, ?)", [[i, *row] for i, row in enumerate(_CHANNELS)])
        world.execute("create temp table devices (place int, device text, browser text, os text)")
        world.executemany("insert into devices values (?, ?, ?, ?)", [[i, *row] for i, row in enumerate(_DEVICES)])
        world.execute("create temp table pages (place int, page_key text, page_type text, theme text)")
        pages = [[i, f"shop.example.com{path}", kind, theme] for i, (path, kind, theme) in enumerate(_PAGES)]
        world.executemany("insert into pages values (?, ?, ?, ?)", pages)
        world.execute(
            """create temp table items (place int, item_name text, item_category text, item_category2 text,
            item_brand text, price double)"""
        )
        world.executemany("insert into items values (?, ?, ?, ?, ?, ?)", [[i, *row] for i, row in enumerate(_ITEMS)])
        # whole numbers that look random, the same on every machine
        world.execute("create temp macro pick(n, what, among) as (('0x' || left(md5(what || n), 12))::bigint % among)")
        _marts(world)
    _made.append(path.read_bytes())
    return path


def _marts(world: duckdb.DuckDBPyConnection) -> None:
    length = (LAST - FIRST).days + 1
    countries = ", ".join(f"'{country}'" for country in _COUNTRIES)
    world.execute(
        f"""create or replace table ga4.fct_ga4__sessions as
        with people as (
            select user_key, row_number() over (order by user_key) - 1 as place, count(*) over () as people
            from beha2vec.user_clusters_current),
        drawn as (
            select range as n, date '{FIRST}' + pick(range, 'day', {length})::int as session_date,
                pick(range, 'user', (select max(people) from people)) as person
            from range(9000))
        select 'session-' || n as session_key, 'ga4' as property_id, user_key, session_date,
            session_date + interval 10 hour as session_started_at, source, medium, campaign,
            channel as default_channel_group, channel = 'Direct' as is_direct,
            device as device_category, browser, os as operating_system,
            [{countries}][1 + pick(person, 'country', {len(_COUNTRIES)})] as country,
            page_key as landing_page_key, 1 + pick(n, 'views', 6) as page_views, 0 as error_page_views,
            pick(n, 'time', 90000) as engagement_time_msec, pick(n, 'engaged', 10) < 6 as is_engaged,
            (pick(n, 'buys', 100) < case device when 'desktop' then 8 else 2 end)::int as bought,
            pick(n, 'cart', 100) < 12 as has_cart, n
        from drawn join people on people.place = person
        join channels on channels.place = pick(n, 'channel', {len(_CHANNELS)})
        join devices on devices.place = pick(n, 'device', {len(_DEVICES)})
        join pages on pages.place = pick(n, 'landing', 6)"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__purchases as
        select 'order-' || n as purchase_key, 'NF-' || n as transaction_id,
            property_id, session_date as occurred_on, user_key, session_key,
            epoch_us(session_started_at) + n as event_timestamp,
            false as is_refund_without_purchase, 'EUR' as currency,
            price * (1 + pick(n, 'pieces', 3)) as revenue, revenue * 0.16 as tax,
            if(pick(n, 'parcel', 3) > 0, 4.9, null) as shipping, revenue as net_revenue, null::double as refund,
            0 as refund_events, revenue as event_revenue, revenue as revenue_in_usd, n
        from ga4.fct_ga4__sessions join items on items.place = pick(n, 'item', 4) where bought > 0
        union all by name  -- without a session: GA4 has such orders too; and a refund of an order before the data
        select 'order-x' as purchase_key, 'ga4' as property_id, date '2026-04-10' as occurred_on,
            false as is_refund_without_purchase, 'EUR' as currency, 10.0 as revenue, 4.0 as net_revenue, 6.0 as refund,
            1 as refund_events, 10.0 as event_revenue
        union all by name
        select 'refund-x' as purchase_key, 'ga4' as property_id, date '2026-04-11' as occurred_on,
            true as is_refund_without_purchase, 'EUR' as currency, null::double as revenue, -5.0 as net_revenue,
            5.0 as refund, 1 as refund_events"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__purchase_items as
        select purchase_key, transaction_id, 0 as item_index, property_id, occurred_on, event_timestamp,
            user_key, session_key, item_name, item_category, item_category2, item_brand,
            if(pick(n, 'coupon', 5) = 0, 'WELCOME10', null) as coupon, currency, price,
            (1 + pick(n, 'pieces', 3))::bigint as quantity,
            revenue as item_revenue
        from ga4.fct_ga4__purchases join items on items.place = pick(n, 'item', 4)"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__sessions as
        select s.* exclude (n, bought, has_cart), bought as purchases, coalesce(p.revenue, 0) as revenue,
            coalesce(p.net_revenue, 0) as net_revenue, p.currency, has_cart, s.n,
            row_number() over (partition by s.user_key order by session_date, s.n) as ga_session_number
        from ga4.fct_ga4__sessions s left join ga4.fct_ga4__purchases p using (session_key)"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__conversions as
        select purchase_key as conversion_key, 'purchase' as event_name, occurred_on, event_timestamp, user_key,
            session_key
        from ga4.fct_ga4__purchases where not is_refund_without_purchase
        union all by name
        select 'lead-' || n as conversion_key, 'generate_lead' as event_name, session_date as occurred_on,
            epoch_us(session_started_at) as event_timestamp, user_key, session_key
        from ga4.fct_ga4__sessions where pick(n, 'lead', 50) = 0"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__page_views as
        select session_key || '-' || view as page_view_key, property_id, session_date as occurred_on,
            epoch_us(session_started_at) + view as event_timestamp, user_key, session_key,
            case when view = 0 then landing_page_key else page_key end as page_key,
            null::text as page_title, lead(page_key) over session as next_page_key,
            lag(page_key) over session as previous_page_key, view = 0 as is_entrance, view = page_views - 1 as is_exit,
            case when view % 3 < 2 then 4000 * (1 + view) end as engagement_time_msec
        from (select *, unnest(range(page_views)) as view from ga4.fct_ga4__sessions) s
        join pages on pages.place = pick(s.n + view, 'page', 8)
        window session as (partition by session_key order by view)"""
    )
    world.execute(
        """insert into beha2vec.enriched_pages (page_key, theme, page_type)
        select page_key, theme, page_type from pages
        where page_key not in (select page_key from beha2vec.enriched_pages);
        update beha2vec.enriched_pages e set theme = p.theme, page_type = p.page_type
        from pages p where p.page_key = e.page_key"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__funnel_sessions as
        select session_key, user_key, session_date,
            case when purchases > 0 then 6 when has_cart then 3 + (pick(n, 'ships', 3) > 0)::int
                else 1 + (pick(n, 'basket', 20) = 0)::int end as furthest_step,
            case when purchases = 0 then furthest_step end as dropped_after,
            session_started_at as step_1_at,
            case when furthest_step >= 2 then session_started_at end as step_2_at,
            case when furthest_step >= 3 then session_started_at end as step_3_at,
            case when furthest_step >= 3 and pick(n, 'ships', 3) > 0 then session_started_at end as step_4_at,
            case when furthest_step = 6 then session_started_at end as step_5_at,
            case when furthest_step = 6 then session_started_at end as step_6_at
        from ga4.fct_ga4__sessions where has_cart or purchases > 0 or pick(n, 'basket', 20) = 0
            or pick(n, 'looks', 30) = 0"""
    )
    world.execute(
        """alter table ga4.dim_ga4__users add column first_user_default_channel_group text;
        alter table ga4.dim_ga4__users add column first_user_campaign text;
        update ga4.dim_ga4__users as u set first_user_default_channel_group = s.default_channel_group,
            first_user_source = s.source, first_user_medium = s.medium, first_user_campaign = s.campaign
        from ga4.fct_ga4__sessions as s where s.user_key = u.user_key and s.ga_session_number = 1"""
    )
    world.execute(
        """create or replace table ga4.int_ga4__identity_map as
        select distinct 'client of ' || user_key as client_key, user_key from ga4.fct_ga4__sessions;
        create or replace table ga4.stg_ga4__event_items as
        select event_name, 'client of ' || user_key as client_key, session_date as event_date,
            epoch_us(session_started_at) + s.n as event_timestamp, item_name, item_category, item_category2, item_brand,
            if(pick(s.n, 'coupon', 5) = 0, 'WELCOME10', null) as coupon
        from ga4.fct_ga4__sessions as s join items on items.place = pick(s.n, 'item', 4), unnest(
            ['view_item', 'add_to_cart', if(s.n % 3 = 0, 'remove_from_cart', 'view_item'),
            if(s.n % 3 = 1, 'add_to_wishlist', null)]) as e(event_name)
        where has_cart and event_name is not null"""
    )
    world.execute(
        """create or replace table ga4.fct_ga4__user_days as
        select 'ga4' as property_id, user_key, session_date as user_date,
            session_date = min(session_date) over (partition by user_key) as is_new,
            bool_or(ga_session_number > 1) as is_returning,
            bool_or(is_engaged) as is_active, count(*) as sessions
        from ga4.fct_ga4__sessions group by user_key, session_date"""
    )
    world.execute(
        f"""create or replace table ga4.ga4_quality__daily as
        select 'ga4' as property_id, day::date as event_date, 100 as raw_events, 100 as events, 0 as duplicates_dropped,
            0 as events_without_user, 100.0 as usual_events,
            case when day = '2026-04-07' then 'no purchases' end as tracking_break_reason
        from range(date '{FIRST}', date '{LAST}' + 1, interval 1 day) t(day)"""
    )
    world.execute(
        """create or replace table beha2vec.cluster_transitions as from (values
        (0, 1, 40, 0.13, 0.1, 0.17), (0, 2, 3, 0.01, 0.0, 0.03), (0, 0, 200, 0.6, 0.5, 0.7))
        t(from_cluster, to_cluster, users, share, interval_low, interval_high);
        create or replace table beha2vec.cluster_paths as from (values
        (0, 'category', 'product', 90, 0.3, 0.1, 3.0), (1, 'cart', '(exit)', 33, 0.2, 0.01, 10.0))
        t(cluster_key, from_step, to_step, users, share, population_share, lift);
        create or replace table beha2vec.buying_paths as from (values
        ('event', 'add_to_cart', 40, 0.5, 0.1, 5.0, 6.0, 0.001, true, 25))
        t(kind, feature, movers, movers_share, matched_share, lift, z, q_value, significant, support);
        create or replace table beha2vec.cluster_history as
        select user_key, session_date as event_date, (row_number() over (order by session_key) % 4)::int as cluster_key
        from (select user_key, session_date, min(session_key) as session_key
            from ga4.fct_ga4__sessions group by 1, 2)"""
    )
