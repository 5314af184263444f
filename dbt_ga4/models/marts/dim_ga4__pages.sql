{{ ga4_table(cluster_by=['page_key']) }}
{% set min_sessions = 5 -%}
{% set event_shares = {'usual_events': 0.7, 'frequent_events': 0.25} -%}

-- Each step reads the columns that it needs from the table: a common table expression would copy those of all steps.
with page_titles as (

    select
        property_id,
        page_key,
        page_title,
        {{ count_where('is_page_view') }} as page_views,
        min(occurred_on) as first_seen,
        max(occurred_on) as last_seen
    from {{ ref('int_ga4__events_sessionized') }}
    where page_key is not null
    group by property_id, page_key, page_title

),

-- The title of most page views; on a tie, the first in alphabetical order.
titles as (

    select property_id, page_key, page_title
    from page_titles
    where page_title is not null
    qualify row_number() over (partition by property_id, page_key order by page_views desc, page_title) = 1

),

-- Made first: DuckDB would join the items of all events.
item_views as {{ materialized() }} (

    select events.event_key, events.property_id, events.page_key
    from {{ ref('int_ga4__events_sessionized') }} as events
    inner join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name
    where taxonomy.funnel_step = 1
        and events.page_key is not null

),

viewed_items as (

    select item_views.property_id, item_views.page_key, items.item_name, items.item_category, count(*) as views
    from {{ ref('stg_ga4__event_items') }} as items
    inner join item_views on items.event_key = item_views.event_key
    group by item_views.property_id, item_views.page_key, items.item_name, items.item_category

),

{% for name, column in {'item_names': 'item_name', 'item_categories': 'item_category'}.items() -%}
{{ name }} as (

    select
        property_id,
        page_key,
        {{ ordered_array(column, 'views desc, ' ~ column) }} as most_viewed
    from (
        select property_id, page_key, {{ column }}, sum(views) as views
        from viewed_items
        where {{ column }} is not null
        group by property_id, page_key, {{ column }}
        qualify row_number() over (partition by property_id, page_key order by sum(views) desc, {{ column }}) <= 5
    ) as of_item
    group by property_id, page_key

),

{% endfor -%}
pages as (

    select
        property_id,
        page_key,
        case when page_key not like 'screen:%' then {{ extract('page_key', '^([^/]+)/') }} end as hostname,
        case when page_key not like 'screen:%' then {{ extract('page_key', '^[^/]*(/[^?]*)') }} end as page_path,
        {{ sum_whole('page_views') }} as page_views,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from page_titles
    group by property_id, page_key

),

page_users as (

    select property_id, page_key, count(distinct client_key) as users
    from {{ ref('int_ga4__events_sessionized') }}
    where page_key is not null
    group by property_id, page_key

),

viewed as (

    select distinct property_id, page_key, session_key
    from {{ ref('int_ga4__events_sessionized') }}
    where is_page_view
        and page_key is not null
        and session_key is not null

),

page_sessions as (

    select property_id, page_key, count(*) as sessions
    from viewed
    group by property_id, page_key

),

-- What the sessions that view the page do there. Page views and what GA4 itself sends on any page say nothing about it.
page_events as (

    select
        actions.property_id,
        actions.page_key,
        actions.event_name,
        actions.sessions / page_sessions.sessions as share_of_sessions
    from (
        select events.property_id, events.page_key, events.event_name, count(distinct events.session_key) as sessions
        from {{ ref('int_ga4__events_sessionized') }} as events
        inner join viewed
            on events.property_id = viewed.property_id
            and events.page_key = viewed.page_key
            and events.session_key = viewed.session_key
        left join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name
        where coalesce(taxonomy.event_group, 'other') not in ('lifecycle', 'page')
        group by events.property_id, events.page_key, events.event_name
    ) as actions
    inner join page_sessions on actions.property_id = page_sessions.property_id and actions.page_key = page_sessions.page_key
    where page_sessions.sessions >= {{ min_sessions }}

),

{% for name, share in event_shares.items() -%}
{{ name }} as (

    select property_id, page_key, {{ ordered_array('event_name', 'share_of_sessions desc, event_name') }} as event_names
    from (
        select *
        from page_events
        where share_of_sessions >= {{ share }}
        qualify row_number() over (partition by property_id, page_key order by share_of_sessions desc, event_name) <= 10
    ) as largest_shares
    group by property_id, page_key

),

{% endfor -%}
-- Many pages on many hosts share a path: each path is matched once.
routes as (

    select paths.page_path, routes.page_route
    from (select distinct page_path from pages where page_path is not null) as paths
    inner join {{ ref('ga4_url_routes') }} as routes on {{ matches_pattern_of('paths.page_path', 'routes.pattern') }}
    qualify row_number() over (partition by paths.page_path order by routes.route_priority) = 1

)

select
    pages.page_key,
    pages.property_id,
    pages.hostname,
    pages.page_path,
    coalesce(routes.page_route, pages.page_path) as page_route,
    titles.page_title,
    coalesce(item_names.most_viewed, {{ empty_text_array() }}) as item_names,
    coalesce(item_categories.most_viewed, {{ empty_text_array() }}) as item_categories,
    {%- for name in event_shares %}
    coalesce({{ name }}.event_names, {{ empty_text_array() }}) as {{ name }},
    {%- endfor %}
    pages.page_views,
    page_users.users,
    pages.first_seen,
    pages.last_seen
from pages
inner join page_users
    on pages.property_id = page_users.property_id
    and pages.page_key = page_users.page_key
left join titles
    on pages.property_id = titles.property_id
    and pages.page_key = titles.page_key
left join item_names
    on pages.property_id = item_names.property_id
    and pages.page_key = item_names.page_key
left join item_categories
    on pages.property_id = item_categories.property_id
    and pages.page_key = item_categories.page_key
{% for name in event_shares -%}
left join {{ name }}
    on pages.property_id = {{ name }}.property_id
    and pages.page_key = {{ name }}.page_key
{% endfor -%}
left join routes on pages.page_path = routes.page_path
