{% set late_days = var('late_event_days') | int %}
{# A page view depends on its whole session, which starts at most a day before and ends at most a day after it. -#}
{{ ga4_incremental(column='occurred_on', days_before=late_days + 1, days_after=4, cluster_by=['client_key']) }}
{% set in_session = 'partition by coalesce(session_key, event_key) order by occurred_on, event_timestamp, event_date, event_index' -%}

with events as (

    select
        *,
        -- events belong to the page view before them; without a session each page view stands alone
        {{ count_where('is_page_view') }} over (
            {{ in_session }} rows between unbounded preceding and current row
        ) as page_view_number
    from {{ ref('int_ga4__events_sessionized') }}
    where (session_key is not null or is_page_view)
        and {{ ga4_between('occurred_on', late_days + 2, 5) }}

),

engagement as (

    select
        session_key,
        page_view_number,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec
    from events
    where session_key is not null
    group by session_key, page_view_number

),

page_views as (

    select
        *,
        lag(page_key) over session_views as previous_page_key,
        lead(page_key) over session_views as next_page_key,
        lead(event_timestamp) over session_views - event_timestamp as dwell
    from events
    where is_page_view
    window session_views as ({{ in_session }})

)

select
    page_views.event_key as page_view_key,
    page_views.property_id,
    page_views.event_date,
    page_views.occurred_on,
    page_views.event_timestamp,
    page_views.client_key,
    page_views.session_key,
    case when page_views.session_key is not null then page_views.page_view_number end as page_view_number,
    page_views.page_key,
    page_views.page_title,
    page_views.page_referrer,
    page_views.previous_page_key,
    page_views.next_page_key,
    -- a clock that was set back does not make times negative
    case
        when page_views.dwell < 0 then 0
        else page_views.dwell / 1000000
    end as dwell_seconds,
    case
        when page_views.session_key is null then page_views.engagement_time_msec
        else engagement.engagement_time_msec
    end as engagement_time_msec,
    page_views.session_key is not null and page_views.page_view_number = 1 as is_entrance,
    page_views.session_key is not null and page_views.dwell is null as is_exit,
    coalesce({{ matches('page_views.page_title', var('error_title_pattern')) }}, false) as is_error_page
from page_views
left join engagement
    on page_views.session_key = engagement.session_key
    and page_views.page_view_number = engagement.page_view_number
where {{ ga4_between('page_views.occurred_on', late_days + 1, 4) }}
