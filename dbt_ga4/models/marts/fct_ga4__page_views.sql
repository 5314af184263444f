{{ config(materialized='view') }}

select
    page_views.page_view_key,
    page_views.property_id,
    page_views.event_date,
    page_views.occurred_on,
    page_views.event_timestamp,
    identities.user_key,
    page_views.client_key,
    page_views.session_key,
    page_views.page_view_number,
    page_views.page_key,
    page_views.page_title,
    page_views.page_referrer,
    page_views.previous_page_key,
    page_views.next_page_key,
    page_views.dwell_seconds,
    page_views.engagement_time_msec,
    page_views.is_entrance,
    page_views.is_exit,
    page_views.is_error_page
from {{ ref('int_ga4__page_views') }} as page_views
left join {{ ref('int_ga4__identity_map') }} as identities on page_views.client_key = identities.client_key
