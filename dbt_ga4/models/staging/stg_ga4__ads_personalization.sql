{{ ga4_table(cluster_by=['property_id']) }}

select
    property_id,
    user_pseudo_id,
    user_id,
    max(event_date) as event_date,
    {{ first_by('ads_personalization_state', 'event_date desc, ads_personalization_state', 'true') }} as ads_personalization_state
from {{ ga4_users(source('ga4', 'raw_ga4_events')) }} as users
group by property_id, user_pseudo_id, user_id
