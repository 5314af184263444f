{{ ga4_incremental(column='event_date', days_before=0, days_after=0) }}

{% set parameters = [
    'ga_session_id', 'ga_session_number', 'session_engaged', 'engaged_session_event', 'engagement_time_msec',
    'page_location', 'page_referrer', 'page_title', 'firebase_screen', 'screen_name', 'firebase_screen_class',
    'source', 'medium', 'campaign', 'transaction_id', 'value',
] -%}
{# Where a session came from, best witness first. -#}
{% set session_sources = ['cross_channel', 'manual', 'collected', 'param'] -%}

with raw_events as (

    select
        *,
        {%- for parameter in parameters %}
        {{ event_param(parameter) }} as param_{{ parameter }},
        {%- endfor %}
        {{ row_hash(ga4_event_fields()) }} as event_hash
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events')) }} as raw_events
    where {{ ga4_in_window() }}

),

-- Flat, typed columns.
flat_events as (

    select
        property_id,
        event_date,
        event_timestamp,
        event_name,
        user_pseudo_id,
        user_id,
        platform,
        stream_id,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,
        event_hash,

        coalesce({{ param_int('param_ga_session_id') }}, {{ session_id_of_cookie('param_ga_session_id.string_value') }}) as ga_session_id,
        {{ param_int('param_ga_session_number') }} as ga_session_number,
        {{ param_int('param_session_engaged') }} as session_engaged,
        {{ param_int('param_engaged_session_event') }} as engaged_session_event,
        {{ param_int('param_engagement_time_msec') }} as engagement_time_msec,

        {{ param_text('param_page_location') }} as page_location,
        {{ param_text('param_page_referrer') }} as page_referrer,
        {{ param_text('param_page_title') }} as page_title,
        {{ param_text('param_firebase_screen') }} as firebase_screen,
        {{ param_text('param_screen_name') }} as screen_name,
        {{ param_text('param_firebase_screen_class') }} as firebase_screen_class,
        coalesce(device.web_info.hostname, event_dimensions.hostname) as device_hostname,

        session_traffic_source_last_click.cross_channel_campaign.source as cross_channel_source,
        session_traffic_source_last_click.cross_channel_campaign.medium as cross_channel_medium,
        session_traffic_source_last_click.cross_channel_campaign.campaign_name as cross_channel_campaign,
        session_traffic_source_last_click.manual_campaign.source as manual_source,
        session_traffic_source_last_click.manual_campaign.medium as manual_medium,
        session_traffic_source_last_click.manual_campaign.campaign_name as manual_campaign,
        collected_traffic_source.manual_source as collected_source,
        collected_traffic_source.manual_medium as collected_medium,
        collected_traffic_source.manual_campaign_name as collected_campaign,
        {{ param_text('param_source') }} as param_source,
        {{ param_text('param_medium') }} as param_medium,
        {{ param_text('param_campaign') }} as param_campaign,
        traffic_source.source as user_source,
        traffic_source.medium as user_medium,
        traffic_source.name as user_campaign,

        device.category as device_category,
        coalesce(device.web_info.browser, device.browser) as browser,
        device.operating_system,
        geo.country,

        coalesce(ecommerce.transaction_id, {{ param_text('param_transaction_id') }}) as transaction_id,
        case when event_name in ({{ quoted_list(var('purchase_events')) }}) then coalesce(
            ecommerce.purchase_revenue_in_usd,
            ecommerce.purchase_revenue,
            event_value_in_usd,
            {{ param_double('param_value') }}
        ) end as purchase_revenue
    from raw_events

),

-- Placeholders are null. Rows that are equal in every field of the export become one.
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
        event_hash,

        ga_session_id,
        ga_session_number,
        session_engaged,
        engaged_session_event,
        engagement_time_msec,

        {{ known('page_location') }} as page_location,
        {{ known('page_referrer') }} as page_referrer,
        {{ known('page_title') }} as page_title,
        coalesce({{ known('firebase_screen') }}, {{ known('screen_name') }}, {{ known('firebase_screen_class') }}) as screen_name,
        {{ known('device_hostname') }} as device_hostname,

        {{ first_known_source(session_sources, 'source') }} as source,
        {{ first_known_source(session_sources, 'medium') }} as medium,
        {{ first_known_source(session_sources, 'campaign') }} as campaign,
        {{ first_known_source(['user'], 'source') }} as user_source,
        {{ first_known_source(['user'], 'medium') }} as user_medium,
        {{ first_known_source(['user'], 'campaign') }} as user_campaign,
        {% for witness in session_sources + ['user'] -%}
        {{ is_placeholder(witness ~ '_source') }}{{ ' or ' if not loop.last }}
        {%- endfor %} as is_source_hidden,

        {{ known('device_category') }} as device_category,
        {{ known('browser') }} as browser,
        {{ known('operating_system') }} as operating_system,
        {{ known('country') }} as country,

        {{ known('transaction_id') }} as transaction_id,
        purchase_revenue,
        count(*) as copies
    from flat_events
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
        events.{{ all_but(['page_location', 'page_referrer', 'device_hostname']) }},
        page.cleaned_url as page_location,
        referrer.cleaned_url as page_referrer,
        case when page.is_web_address then coalesce(page.hostname, {{ without_www('lower(events.device_hostname)') }}) end as hostname,
        case when page.is_web_address then page.page_path end as page_path,
        page.page_query,
        taxonomy.tie_order as event_tie_order
    from events
    left join pages as page on events.page_location = page.address
    left join pages as referrer on events.page_referrer = referrer.address
    left join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name

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
    coalesce(event_tie_order, 1000) as event_rank,
    batch_page_id,
    batch_ordering_id,
    batch_event_index,

    case when user_pseudo_id is not null then {{ md5_key(['property_id', 'user_pseudo_id']) }} end as client_key,
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
