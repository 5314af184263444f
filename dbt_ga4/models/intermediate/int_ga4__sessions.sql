{% set late_days = var('late_event_days') | int %}
{# A session starts at most a day before any of its events. -#}
{{ ga4_incremental(column='session_date', days_before=late_days + 1, days_after=4, cluster_by=['client_key']) }}
{% set in_order = 'event_order' -%}
{% set in_reverse = 'event_order desc' -%}
{% set is_viewed_page = 'is_page_view and page_key is not null' -%}
{# The columns of one attribution source, all from the first event with any information on it. -#}
{% set attribution_sources = {
    'last_click': ['last_click_source', 'last_click_medium', 'last_click_campaign', 'last_click_channel_group'],
    'event': ['event_source', 'event_medium', 'event_campaign'],
    'user': ['user_source', 'user_medium', 'user_campaign'],
} -%}

with events as (

    select
        *,
        {{ event_order() }} as event_order,
        is_page_view and coalesce({{ matches('page_title', var('error_title_pattern')) }}, false) as is_error_page
    from {{ ref('int_ga4__events_sessionized') }}
    where session_key is not null
        and {{ ga4_in_window() }}
        -- events are stored by their own day, at most one after the session's
        and {{ ga4_between('occurred_on', late_days + 1, 5) }}

),

sessions as (

    select
        session_key,
        property_id,
        client_key,
        min(user_pseudo_id) as user_pseudo_id,
        {{ first_by('user_id', in_order, 'user_id is not null') }} as user_id,
        count(distinct user_id) as user_ids,
        min(ga_session_id) as ga_session_id,
        min(ga_session_number) as ga_session_number,
        min(session_method) as session_method,
        session_date,
        -- a server can send a refund hours after the visit
        min(case when event_name is distinct from 'refund' then event_timestamp end) as started_at,
        max(case when event_name is distinct from 'refund' then event_timestamp end) as ended_at,

        count(*) as events,
        {{ count_where('is_page_view') }} as page_views,
        {{ count_where('is_error_page') }} as error_page_views,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
        {{ recorded_engagement() }} as recorded_engagement,
        {{ count_where(is_key_event('event_name')) }} as key_events,
        {{ first_by('page_key', in_order, is_viewed_page) }} as landing_page_key,
        {{ first_by('page_key', in_reverse, is_viewed_page) }} as exit_page_key,

        {% for origin, columns in attribution_sources.items() -%}
        {% for column in columns -%}
        {{ first_by(column, in_order, has_source(origin)) }} as {{ column }},
        {% endfor -%}
        {% endfor -%}
        {{ first_by('click_id', in_order, 'click_id is not null') }} as click_id,
        -- of the landing page only: a user who returns from a payment page has no new source
        {{ first_by('referrer_hostname', in_order, 'is_page_view') }} as referrer_hostname,
        {{ count_where('is_source_hidden') }} > 0 as is_source_hidden,
        {{ count_where('is_user_source_hidden') }} > 0 as is_user_source_hidden,
        {{ count_where("ga_session_number = 1 or event_name in ('first_visit', 'first_open')") }} > 0 as is_first_session,

        {{ first_by('device_category', in_order, 'device_category is not null') }} as device_category,
        {{ first_by('browser', in_order, 'browser is not null') }} as browser,
        {{ first_by('operating_system', in_order, 'operating_system is not null') }} as operating_system,
        {{ first_by('country', in_order, 'country is not null') }} as country,

        {{ last_consent_state('consent_state', in_reverse) }} as consent_state,
        {{ last_consent_state('ads_consent_state', in_reverse) }} as ads_consent_state
    from events
    group by session_key, property_id, client_key, session_date

)

select
    session_key,
    property_id,
    client_key,
    user_pseudo_id,
    user_id,
    user_ids,
    ga_session_id,
    ga_session_number,
    session_method,
    session_date,
    {{ timestamp_from_micros('started_at') }} as session_started_at,
    {{ timestamp_from_micros('ended_at') }} as session_ended_at,
    events,
    page_views,
    error_page_views,
    engagement_time_msec,
    {{ is_engaged() }} as is_engaged,
    landing_page_key,
    exit_page_key,
    {% for column in attribution_sources.values() | sum(start=[]) -%}
    {{ column }},
    {% endfor -%}
    click_id,
    referrer_hostname,
    is_source_hidden,
    is_user_source_hidden,
    is_first_session,
    device_category,
    browser,
    operating_system,
    country,
    consent_state,
    ads_consent_state
from sessions
