{{ config(materialized='view') }}

select
    sessions.session_key,
    sessions.property_id,
    identities.user_key,
    sessions.client_key,
    sessions.session_date,
    sessions.ga_session_id,
    sessions.ga_session_number,
    sessions.session_method,
    sessions.landing_page_key,
    sessions.exit_page_key,
    traffic_sources.source,
    traffic_sources.medium,
    traffic_sources.campaign,
    traffic_sources.is_direct,
    traffic_sources.source_method,
    traffic_sources.default_channel_group,
    traffic_sources.last_non_direct_session_key,
    traffic_sources.last_non_direct_source,
    traffic_sources.last_non_direct_medium,
    traffic_sources.last_non_direct_campaign,
    traffic_sources.last_non_direct_default_channel_group,
    sessions.device_category,
    sessions.browser,
    sessions.operating_system,
    sessions.country
from {{ ref('int_ga4__sessions') }} as sessions
inner join {{ ref('int_ga4__identity_map') }} as identities on sessions.client_key = identities.client_key
inner join {{ ref('int_ga4__session_traffic_sources') }} as traffic_sources
    on sessions.session_key = traffic_sources.session_key
