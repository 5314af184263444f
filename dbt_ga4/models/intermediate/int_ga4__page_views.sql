{% set identity = ['property_id', 'event_date', 'event_timestamp', 'client_key', 'event_name', 'event_index', 'event_key'] -%}
{% set late_days = var('late_event_days') | int %}
{{ ga4_incremental(column='occurred_on', days_before=late_days, days_after=3) }}

with page_views as (

    select
        *,
        row_number() over (
            partition by session_key order by occurred_on, event_timestamp, event_date, event_index
        ) as page_view_number
    from {{ ref('int_ga4__events_sessionized') }}
    where is_page_view
        -- a session's first page view may lie on the day before
        and {{ ga4_between('occurred_on', late_days + 1, 3) }}

)

select
    {{ md5_key(identity) }} as page_view_key,
    property_id,
    event_date,
    occurred_on,
    event_timestamp,
    client_key,
    session_key,
    page_key,
    page_title,
    page_referrer,
    engagement_time_msec,
    session_key is not null and page_view_number = 1 as is_entrance,
    coalesce({{ matches('page_title', var('error_title_pattern')) }}, false) as is_error_page
from page_views
where {{ ga4_between('occurred_on', late_days, 3) }}
