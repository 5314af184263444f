{{ ga4_built_at_full_refresh() }}
{% set excluded = var('exclude_hostnames') | map('lower') | list -%}
{% if ga4_is_kept() -%}

select * from {{ this }}
where false

{%- else -%}

with page_views as (

    select
        property_id,
        trim({{ param_of('event_params', 'page_location') }}) as page_location,
        coalesce(device.web_info.hostname, event_dimensions.hostname) as device_hostname
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events'), days_after=none) }} as raw_events
    where event_name in ({{ quoted_list(var('page_view_events')) }})

),

-- Many page views share an address: each is parsed once (even if DuckDB would push the filters below up here).
addresses as {{ materialized() }} (

    select
        property_id,
        page_location,
        {{ with_authority('page_location') }} as url,
        device_hostname,
        count(*) as page_views
    from (
        select
            property_id,
            page_location,
            {{ known('device_hostname') }} as device_hostname
        from page_views
    ) as locations
    group by property_id, page_location, device_hostname

),

hosts as (

    select
        property_id,
        coalesce({{ without_www(url_host('url')) }}, {{ without_www('lower(device_hostname)') }}) as hostname,
        page_views
    from addresses
    where {{ known('page_location') }} is not null
        and {{ is_web_address('url') }}

),

counted as (

    select
        property_id,
        hostname,
        sum(page_views) as page_views,
        sum(sum(page_views)) over (partition by property_id) as all_page_views
    from hosts
    where hostname is not null
    {%- if excluded %}
        and hostname not in ({{ quoted_list(excluded) }})
    {%- endif %}
    group by property_id, hostname

)

select
    property_id,
    hostname
from counted
where page_views >= {{ var('own_domain_min_share') | float }} * all_page_views

{%- endif %}
