{{ ga4_table(partition_by='occurred_on', cluster_by=['user_key']) }}
with conversions as (

    select
        event_key,
        property_id,
        event_name,
        event_date,
        occurred_on,
        event_timestamp,
        client_key,
        session_key,
        page_key,
        cast(null as {{ dbt.type_string() }}) as transaction_id,
        cast(null as {{ dbt.type_float() }}) as revenue,
        cast(null as {{ dbt.type_string() }}) as currency
    from {{ ref('int_ga4__events_sessionized') }}
    where event_name in ({{ quoted_list(var('conversion_events')) }})
        and not {{ is_purchase_event('event_name') }}

    union all

    -- a transaction converts once
    select
        event_key,
        property_id,
        event_name,
        event_date,
        occurred_on,
        event_timestamp,
        client_key,
        session_key,
        page_key,
        transaction_id,
        revenue,
        currency
    from {{ ref('int_ga4__purchases') }}
    where not is_refund_without_purchase
        and event_name in ({{ quoted_list(var('conversion_events')) }})

)

select
    conversions.event_key as conversion_key,
    conversions.property_id,
    conversions.event_name,
    conversions.event_date,
    conversions.occurred_on,
    conversions.event_timestamp,
    identities.user_key,
    conversions.client_key,
    conversions.session_key,
    conversions.page_key,
    conversions.transaction_id,
    conversions.revenue,
    conversions.currency,
    traffic_sources.source,
    traffic_sources.medium,
    traffic_sources.campaign,
    traffic_sources.default_channel_group,
    traffic_sources.last_non_direct_source,
    traffic_sources.last_non_direct_medium,
    traffic_sources.last_non_direct_campaign,
    traffic_sources.last_non_direct_default_channel_group
from conversions
left join {{ ref('int_ga4__identity_map') }} as identities on conversions.client_key = identities.client_key
left join {{ ref('int_ga4__session_traffic_sources') }} as traffic_sources
    on conversions.session_key = traffic_sources.session_key
