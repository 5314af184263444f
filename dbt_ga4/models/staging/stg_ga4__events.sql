{{ ga4_incremental(column='event_date', days_before=0, days_after=0, cluster_by=['client_key']) }}
{% set reported = ['event', 'user'] -%}

with events as (

    select * from {{ ref('base_ga4__events') }}
    where {{ ga4_in_window() }}

),

-- What is read several times is narrow: DuckDB keeps it in memory or on the disk.
locations as (

    select
        property_id,
        page_location,
        page_referrer,
        {%- for origin in reported %}
        {{ referral_host(origin) }} as {{ origin }}_host{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('base_ga4__events') }}
    where {{ ga4_in_window() }}

),

-- Many events share an address: each address is parsed once.
addresses as (

    select
        address,
        {{ with_authority('address') }} as url,
        {{ url_page('address') }} as page
    from {{ addresses_of('locations') }} as distinct_addresses
    where address is not null

),

templated as (

    {{ addresses_with_kept_ids('addresses') }}

),

pages as (

    select
        addresses.address,
        {{ is_web_address('addresses.url') }} as is_web_address,
        {{ without_www(url_host('addresses.url')) }} as hostname,
        {{ normalised_path(url_raw_path('addresses.url'), 'templated.address is not null') }} as page_path,
        {{ normalised_query(url_query('addresses.url')) }} as page_query
        {%- for name in var('query_parameter_extraction') %},
        {{ query_parameter('addresses.address', name) }} as {{ query_parameter_column(name) }}
        {%- endfor %}
    from addresses
    left join templated on addresses.address = templated.address

),

-- The site's own hosts, from the variable or from the data, including subdomains.
referrers as (

    select distinct
        locations.property_id,
        pages.hostname
    from locations
    inner join pages on locations.page_referrer = pages.address
    {%- for origin in reported %}
    union all
    select distinct property_id, {{ origin }}_host from locations where {{ origin }}_host is not null
    {%- endfor %}

),

own_referrers as (

    {{ own_hosts_among('referrers') }}

),

located as (

    select
        events.*,
        case when page.is_web_address then coalesce(page.hostname, {{ without_www('lower(events.device_hostname)') }}) end as hostname,
        case when page.is_web_address then page.page_path end as page_path,
        page.page_query,
        {%- for name in var('query_parameter_extraction') %}
        page.{{ query_parameter_column(name) }},
        {%- endfor %}
        case
            when own_referrers.hostname is null and not coalesce(events.is_referrer_ignored, false) then referrer.hostname
        end as referrer_host,
        {%- for origin in reported %}
        own_{{ origin }}.hostname is not null as is_{{ origin }}_host_own,
        {%- endfor %}
        taxonomy.tie_order as event_tie_order
    from events
    left join pages as page on events.page_location = page.address
    left join pages as referrer on events.page_referrer = referrer.address
    left join own_referrers
        on events.property_id = own_referrers.property_id
        and referrer.hostname = own_referrers.hostname
    {%- for origin in reported %}
    left join own_referrers as own_{{ origin }}
        on events.property_id = own_{{ origin }}.property_id
        and {{ referral_host('events.' ~ origin) }} = own_{{ origin }}.hostname
    {%- endfor %}
    left join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name

)

select
    event_key,
    property_id,
    event_date,
    event_timestamp,
    {{ timestamp_from_micros('event_timestamp') }} as event_at,
    -- Limited to days near the export day, so that a wrong clock cannot reach outside a run's window.
    greatest(
        least({{ property_date('event_timestamp', 'property_id') }}, {{ days_later('event_date', 1) }}),
        {{ days_later('event_date', 0 - var('late_event_days') | int) }}
    ) as occurred_on,
    event_name,
    event_name in ({{ quoted_list(var('page_view_events')) }}) as is_page_view,
    coalesce(event_tie_order, 1000) as event_rank,
    batch_page_id,
    batch_ordering_id,
    batch_event_index,

    case
        when user_pseudo_id is not null then {{ md5_key(['property_id', 'user_pseudo_id']) }}
        -- a known login without a device: the same key that identity_stitching gives the person
        when user_id is not null then {{ md5_key(['property_id', "'user_id'", 'user_id']) }}
    end as client_key,
    user_pseudo_id,
    user_id,
    consent_state,
    ads_consent_state,
    ga_session_id,
    ga_session_number,
    session_engaged,
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
    case when not {{ is_same_site('referrer_host', 'hostname') }} then referrer_host end as referrer_hostname,
    screen_name,
    {%- for name in var('query_parameter_extraction') %}
    {{ query_parameter_column(name) }},
    {%- endfor %}

    last_click_source,
    last_click_medium,
    last_click_campaign,
    last_click_channel_group,
    {%- for origin in reported %}
    {%- for part in ['source', 'medium', 'campaign'] %}
    case
        when not (is_{{ origin }}_host_own or {{ is_same_site(referral_host(origin), 'hostname') }}) then {{ origin }}_{{ part }}
    end as {{ origin }}_{{ part }},
    {%- endfor %}
    {%- endfor %}
    click_id,
    is_source_hidden,
    is_user_source_hidden,

    platform,
    stream_id,
    device_category,
    browser,
    operating_system,
    country,

    is_active_user,
    transaction_id,
    currency,
    {{ money_columns() | join(',\n    ') }},
    values_out_of_range,
    {%- for param in custom_params('custom_event_params') %}
    param_{{ param.column }},
    {%- endfor %}

    table_kind,
    event_hash,
    copies
from located
{%- set excluded = var('exclude_hostnames') | map('lower') | list %}
{%- if excluded %}
where coalesce(hostname, '') not in ({{ quoted_list(excluded) }})
{%- endif %}
