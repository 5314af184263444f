{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'base_ga4__own_hosts'}}}) }}
{% set window = {'column': 'event_date', 'days_before': 0, 'days_after': 0} -%}

-- Fails for each host with the required share of the page views in the days of this run that is not one of the property's own.
-- A full refresh decides again. Hosts with only a few views are ignored.
with hosts as (

    select
        property_id,
        hostname,
        count(*) as page_views,
        sum(count(*)) over (partition by property_id) as all_page_views
    from {{ ref('stg_ga4__events') }}
    where is_page_view
        and hostname is not null
        and {{ ga4_in_window(window) }}
    group by property_id, hostname

),

own_hosts as (

    {{ own_hosts_among('hosts') }}

)

select hosts.*
from hosts
left join own_hosts on hosts.property_id = own_hosts.property_id and hosts.hostname = own_hosts.hostname
where own_hosts.hostname is null
    and hosts.all_page_views >= 100
    and hosts.page_views >= {{ var('own_domain_min_share') | float }} * hosts.all_page_views
