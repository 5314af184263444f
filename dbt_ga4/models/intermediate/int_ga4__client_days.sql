{% set late_days = var('late_event_days') | int %}
{# The engagement of a session can change the day before or after its events. -#}
{{ ga4_incremental(column='occurred_on', days_before=late_days + 1, days_after=4, cluster_by=['client_key']) }}

with days as (

    select
        events.property_id,
        events.client_key,
        events.occurred_on,
        count(*) as events,
        count(distinct events.session_key) as sessions,
        {{ count_where("events.event_name in ('first_visit', 'first_open')") }} > 0 as is_new,
        coalesce(max(events.ga_session_number) > 1, false) as is_returning,
        {{ count_where('events.is_active_user') }} as active_events,
        {{ count_where('events.is_active_user is not null') }} as events_with_activity,
        {{ count_where('events.engagement_time_msec > 0 or sessions.is_engaged') }} > 0 as is_engaged
    from {{ ref('int_ga4__events_sessionized') }} as events
    inner join {{ ref('int_ga4__sessions') }} as sessions on events.session_key = sessions.session_key
    where {{ ga4_between('events.occurred_on', late_days + 1, 4) }}
        -- sessions are stored by the day they start on, at most a day before
        and {{ ga4_between('sessions.session_date', late_days + 2, 4) }}
    group by events.property_id, events.client_key, events.occurred_on

)

select
    property_id,
    client_key,
    occurred_on,
    events,
    sessions,
    is_new,
    is_returning,
    -- as the export records it; older and intraday exports do not, so Google's rule is used
    case when events_with_activity > 0 then active_events > 0 else is_new or is_engaged end as is_active
from days
