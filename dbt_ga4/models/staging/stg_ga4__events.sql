{{ config(
    materialized='incremental',
    incremental_strategy='replace_window',
    on_schema_change='append_new_columns',
    meta={'window': {'column': 'event_date', 'days_before': 0, 'days_after': 0}}
) }}

{# Where a session came from, best witness first: source, medium, campaign. -#}
{% set session_sources = [
    ('session_traffic_source_last_click.cross_channel_campaign.source',
     'session_traffic_source_last_click.cross_channel_campaign.medium',
     'session_traffic_source_last_click.cross_channel_campaign.campaign_name'),
    ('session_traffic_source_last_click.manual_campaign.source',
     'session_traffic_source_last_click.manual_campaign.medium',
     'session_traffic_source_last_click.manual_campaign.campaign_name'),
    ('collected_traffic_source.manual_source',
     'collected_traffic_source.manual_medium',
     'collected_traffic_source.manual_campaign_name'),
    (event_param_text('source'), event_param_text('medium'), event_param_text('campaign')),
] -%}
{% set user_source = ('traffic_source.source', 'traffic_source.medium', 'traffic_source.name') -%}

with raw_events as (

    select
        *,
        {{ row_hash(ga4_event_fields()) }} as event_hash
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events')) }} as raw_events
    where {{ ga4_in_window() }}

),

-- Typed columns. Rows that are equal in every field of the export become one.
events as (

    select
        property_id,
        event_date,
        event_timestamp,
        event_name,
        {{ known('user_pseudo_id') }} as user_pseudo_id,
        {{ known('user_id') }} as user_id,
        platform,
        stream_id,

        batch_page_id,
        batch_ordering_id,
        batch_event_index,

        {{ ga_session_id() }} as ga_session_id,
        {{ event_param_int('ga_session_number') }} as ga_session_number,
        {{ event_param_int('session_engaged') }} as session_engaged,
        {{ event_param_int('engaged_session_event') }} as engaged_session_event,
        {{ event_param_int('engagement_time_msec') }} as engagement_time_msec,

        {{ known(event_param_text('page_location')) }} as page_location,
        {{ known(event_param_text('page_referrer')) }} as page_referrer,
        {{ known(event_param_text('page_title')) }} as page_title,
        {{ known('coalesce(device.web_info.hostname, event_dimensions.hostname)') }} as device_hostname,
        coalesce(
            {{ known(event_param_text('firebase_screen')) }},
            {{ known(event_param_text('screen_name')) }},
            {{ known(event_param_text('firebase_screen_class')) }}
        ) as screen_name,

        {{ first_known_source(session_sources, 'source') }} as source,
        {{ first_known_source(session_sources, 'medium') }} as medium,
        {{ first_known_source(session_sources, 'campaign') }} as campaign,
        {{ first_known_source([user_source], 'source') }} as user_source,
        {{ first_known_source([user_source], 'medium') }} as user_medium,
        {{ first_known_source([user_source], 'campaign') }} as user_campaign,
        {% for candidate in session_sources + [user_source] -%}
        {{ is_placeholder(candidate[0]) }}{{ ' or ' if not loop.last }}
        {%- endfor %} as is_source_hidden,

        {{ known('device.category') }} as device_category,
        {{ known('coalesce(device.web_info.browser, device.browser)') }} as browser,
        {{ known('device.operating_system') }} as operating_system,
        {{ known('geo.country') }} as country,

        {{ known('coalesce(ecommerce.transaction_id, ' ~ event_param_text('transaction_id') ~ ')') }} as transaction_id,
        case when event_name in ({{ quoted_list(var('purchase_events')) }}) then coalesce(
            ecommerce.purchase_revenue_in_usd,
            ecommerce.purchase_revenue,
            event_value_in_usd,
            {{ event_param_double('value') }}
        ) end as purchase_revenue,

        event_hash,
        count(*) as copies
    from raw_events
    group by all

),

-- Many events share an address: each is taken apart once.
addresses as (

    select
        address,
        {{ with_authority('trim(address)') }} as url
    from (
        select page_location as address from events
        union distinct
        select page_referrer as address from events
    ) as distinct_addresses
    where address is not null

),

pages as (

    select
        address,
        {{ cleaned_url('trim(address)') }} as cleaned_url,
        {{ is_web_address('url') }} as is_web_address,
        {{ without_www(url_host('url')) }} as hostname,
        {{ normalised_path(url_raw_path('url')) }} as page_path,
        {{ normalised_query(url_query('url')) }} as page_query
    from addresses

),

located as (

    select
        events.* exclude (page_location, page_referrer, device_hostname),
        page.cleaned_url as page_location,
        referrer.cleaned_url as page_referrer,
        case when page.is_web_address then coalesce(page.hostname, {{ without_www('lower(events.device_hostname)') }}) end as hostname,
        case when page.is_web_address then page.page_path end as page_path,
        page.page_query
    from events
    left join pages as page on events.page_location = page.address
    left join pages as referrer on events.page_referrer = referrer.address

)

select
    property_id,
    event_date,
    event_timestamp,
    {{ timestamp_from_micros('event_timestamp') }} as event_at,
    -- Held near the export day, so that a wrong clock cannot reach outside a run's window.
    greatest(
        least({{ local_date('event_timestamp', var('timezone')) }}, {{ days_later('event_date', 1) }}),
        {{ days_later('event_date', 0 - var('late_event_days') | int) }}
    ) as occurred_on,
    event_name,
    event_name in ({{ quoted_list(var('page_view_events')) }}) as is_page_view,
    {{ place_in('event_name', var('event_order')) }} as event_rank,
    batch_page_id,
    batch_ordering_id,
    batch_event_index,

    case when user_pseudo_id is not null then {{ md5_key(['property_id', 'user_pseudo_id']) }} end as user_key,
    user_pseudo_id,
    user_id,
    ga_session_id,
    ga_session_number,
    session_engaged,
    engaged_session_event,
    engagement_time_msec,

    case
        when screen_name is not null and (event_name = 'screen_view' or page_path is null) then 'screen:' || trim(screen_name)
        else coalesce(hostname, '') || page_path || page_query
    end as page_key,
    hostname,
    page_path,
    page_location,
    page_title,
    page_referrer,
    screen_name,

    source,
    medium,
    campaign,
    user_source,
    user_medium,
    user_campaign,
    is_source_hidden,

    platform,
    stream_id,
    device_category,
    browser,
    operating_system,
    country,

    transaction_id,
    purchase_revenue,

    event_hash,
    copies
from located
