{% set in_order = 'session_started_at, session_key' -%}
{% set latest_first = 'session_started_at desc, session_key' -%}

select
    user_key,
    property_id,
    min(user_pseudo_id) as user_pseudo_id,
    {{ first_by('user_id', latest_first, 'user_id is not null') }} as user_id,
    min(session_started_at) as first_seen_at,
    max(session_ended_at) as last_seen_at,
    count(*) as sessions,
    {{ sum_whole('page_views') }} as page_views,
    {{ sum_whole('purchases') }} as purchases,
    sum(revenue) as revenue,
    {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
    {{ first_by('source', in_order, 'true') }} as first_source,
    {{ first_by('medium', in_order, 'true') }} as first_medium,
    {{ first_by('campaign', in_order, 'true') }} as first_campaign,
    {{ first_by('device_category', latest_first, 'device_category is not null') }} as device_category,
    {{ first_by('browser', latest_first, 'browser is not null') }} as browser,
    {{ first_by('operating_system', latest_first, 'operating_system is not null') }} as operating_system,
    {{ first_by('country', latest_first, 'country is not null') }} as country
from {{ ref('fct_ga4__sessions') }}
group by user_key, property_id
