{% set late_days = var('late_event_days') | int %}
{# A session begins at most a day before any of its events. -#}
{{ ga4_incremental(column='session_date', days_before=late_days + 1, days_after=3) }}
{% set in_order = 'occurred_on, event_timestamp, event_date, event_index' -%}
{% set in_reverse = 'occurred_on desc, event_timestamp desc, event_date desc, event_index desc' -%}
{% set is_viewed_page = 'is_page_view and page_key is not null' -%}

with events as (

    select
        *,
        coalesce(last_click_source, event_source) as source,
        case when last_click_source is not null then last_click_medium else event_medium end as medium,
        case when last_click_source is not null then last_click_campaign else event_campaign end as campaign,
        -- a transaction counts once, however often the page that reports it is loaded; one without id counts each time
        event_name in ({{ quoted_list(var('purchase_events')) }}) and (
            transaction_id is null
            or row_number() over (
                partition by session_key, transaction_id, event_name in ({{ quoted_list(var('purchase_events')) }})
                order by {{ in_order }}
            ) = 1
        ) as is_purchase,
        is_page_view and coalesce({{ matches('page_title', var('error_title_pattern')) }}, false) as is_error_page
    from {{ ref('int_ga4__events_sessionized') }}
    where session_key is not null
        and {{ ga4_in_window() }}

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
        min(session_method) as session_method,
        session_date,
        min(event_timestamp) as started_at,
        max(event_timestamp) as ended_at,

        count(*) as events,
        {{ count_where('is_page_view') }} as page_views,
        {{ count_where('is_error_page') }} as error_page_views,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
        max(coalesce(session_engaged, engaged_session_event)) as recorded_engagement,
        {{ first_by('page_key', in_order, is_viewed_page) }} as landing_page_key,
        {{ first_by('page_key', in_reverse, is_viewed_page) }} as exit_page_key,

        {{ first_by('source', in_order, 'source is not null') }} as source,
        {{ first_by('medium', in_order, 'source is not null') }} as medium,
        {{ first_by('campaign', in_order, 'source is not null') }} as campaign,
        {{ first_by('user_source', in_order, 'user_source is not null') }} as user_source,
        {{ first_by('user_medium', in_order, 'user_source is not null') }} as user_medium,
        {{ first_by('user_campaign', in_order, 'user_source is not null') }} as user_campaign,
        max(case when is_source_hidden then 1 else 0 end) = 1 as is_source_hidden,

        {{ first_by('device_category', in_order, 'device_category is not null') }} as device_category,
        {{ first_by('browser', in_order, 'browser is not null') }} as browser,
        {{ first_by('operating_system', in_order, 'operating_system is not null') }} as operating_system,
        {{ first_by('country', in_order, 'country is not null') }} as country,

        {{ count_where('is_purchase') }} as purchases,
        coalesce(sum(case when is_purchase then purchase_revenue end), 0) as revenue
    from events
    group by session_key, property_id, client_key, session_date

),

-- Where the session's own events name no source, the user's first source stands in for it.
attributed as (

    select
        {{ all_but(['source', 'medium', 'campaign', 'user_source', 'user_medium', 'user_campaign', 'is_source_hidden']) }},
        coalesce(source, user_source) as known_source,
        case when source is not null then medium else user_medium end as known_medium,
        case when source is not null then campaign else user_campaign end as known_campaign,
        case
            when coalesce(source, user_source) is null then not is_source_hidden
            else coalesce(source, user_source) = '(direct)'
        end as is_direct
    from sessions

),

categorised as (

    select
        attributed.*,
        categories.source_category
    from attributed
    left join {{ ref('ga4_source_categories') }} as categories
        on {{ without_www('lower(attributed.known_source)') }} = categories.source

)

select
    session_key,
    property_id,
    client_key,
    user_pseudo_id,
    user_id,
    user_ids,
    ga_session_id,
    session_method,
    session_date,
    {{ timestamp_from_micros('started_at') }} as session_started_at,
    {{ timestamp_from_micros('ended_at') }} as session_ended_at,
    events,
    page_views,
    error_page_views,
    engagement_time_msec,
    -- GA4's own word where it is recorded, else GA4's rule
    case
        when recorded_engagement is not null then recorded_engagement > 0
        else coalesce(engagement_time_msec, 0) >= 10000 or page_views >= 2 or purchases >= 1
    end as is_engaged,
    landing_page_key,
    exit_page_key,
    case when is_direct then '(direct)' else known_source end as source,
    case when is_direct then '(none)' else known_medium end as medium,
    known_campaign as campaign,
    is_direct,
    {{ default_channel_group('known_source', 'known_medium', 'known_campaign', 'source_category', 'is_direct') }} as default_channel_group,
    device_category,
    browser,
    operating_system,
    country,
    purchases,
    revenue
from categorised
