{% set late_days = var('late_event_days') | int %}
{{ ga4_incremental(column='occurred_on', days_before=late_days, days_after=4) }}

with days as (

    select
        property_id,
        client_key,
        occurred_on,
        count(*) as events,
        count(distinct session_key) as sessions,
        {{ count_where("event_name in ('first_visit', 'first_open')") }} > 0 as is_new,
        coalesce(max(ga_session_number) > 1, false) as is_returning,
        {{ count_where('is_active_user') }} as active_events,
        {{ count_where('is_active_user is not null') }} as events_with_activity,
        coalesce(max(engagement_time_msec), 0) > 0 as is_engaged
    from {{ ref('int_ga4__events_sessionized') }}
    where client_key is not null
        and {{ ga4_in_window() }}
    group by property_id, client_key, occurred_on

)

select
    property_id,
    client_key,
    occurred_on,
    events,
    sessions,
    is_new,
    is_returning,
    -- as the export records it; older and intraday exports do not, and then by Google's rule
    case when events_with_activity > 0 then active_events > 0 else is_new or is_engaged end as is_active
from days
