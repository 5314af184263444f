{{ ga4_table(partition_by='session_date', cluster_by=['user_key']) }}
{{ config(materialized='view') }}

with purchases as (

    select
        session_key,
        {{ count_where('not is_refund_without_purchase') }} as purchases,
        {{ sum_of_money('revenue', 'currency', is_money_expressed()) }} as revenue,
        {{ sum_of_money('net_revenue', 'currency', is_money_expressed()) }} as net_revenue,
        {{ currency_of_sum(['revenue', 'net_revenue'], 'currency') }} as currency
    from {{ ref('int_ga4__purchases') }}
    where session_key is not null
    group by session_key

)

select
    sessions.session_key,
    sessions.property_id,
    identities.user_key,
    sessions.client_key,
    sessions.user_pseudo_id,
    sessions.user_id,
    sessions.session_date,
    sessions.session_started_at,
    sessions.session_ended_at,
    sessions.ga_session_number,
    sessions.events,
    sessions.page_views,
    sessions.error_page_views,
    sessions.engagement_time_msec,
    sessions.is_engaged,
    sessions.landing_page_key,
    traffic_sources.source,
    traffic_sources.medium,
    traffic_sources.campaign,
    traffic_sources.is_direct,
    traffic_sources.default_channel_group,
    sessions.device_category,
    sessions.browser,
    sessions.operating_system,
    sessions.country,
    sessions.consent_state,
    sessions.ads_consent_state,
    coalesce(purchases.purchases, 0) as purchases,
    -- null if the session's purchases are in several currencies, or an amount is unknown
    case when purchases.session_key is null then 0 else purchases.revenue end as revenue,
    case when purchases.session_key is null then 0 else purchases.net_revenue end as net_revenue,
    purchases.currency
from {{ ref('int_ga4__sessions') }} as sessions
inner join {{ ref('int_ga4__identity_map') }} as identities on sessions.client_key = identities.client_key
inner join {{ ref('int_ga4__session_traffic_sources') }} as traffic_sources
    on sessions.session_key = traffic_sources.session_key
left join purchases on sessions.session_key = purchases.session_key
