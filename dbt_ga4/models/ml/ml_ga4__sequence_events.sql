{{ config(materialized='view') }}

select
    events.property_id,
    identities.user_key,
    events.event_date,
    events.event_timestamp,
    {{ property_hour('events.event_timestamp', 'events.property_id') }} as hour_of_day,
    events.event_index,
    events.event_name,
    events.page_key,
    events.page_title,
    events.session_key,
    events.is_page_view
from {{ ref('int_ga4__sequence_events') }} as events
inner join {{ ref('int_ga4__identity_map') }} as identities on events.client_key = identities.client_key
