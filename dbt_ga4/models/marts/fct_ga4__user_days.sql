{{ config(materialized='view') }}

select
    days.property_id,
    identities.user_key,
    days.occurred_on as user_date,
    {{ count_where('days.is_new') }} > 0 as is_new,
    {{ count_where('days.is_returning') }} > 0 as is_returning,
    {{ count_where('days.is_active') }} > 0 as is_active,
    {{ sum_whole('days.events') }} as events,
    {{ sum_whole('days.sessions') }} as sessions
from {{ ref('int_ga4__client_days') }} as days
inner join {{ ref('int_ga4__identity_map') }} as identities on days.client_key = identities.client_key
group by days.property_id, identities.user_key, days.occurred_on
