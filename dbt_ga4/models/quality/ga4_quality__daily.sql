{{ ga4_incremental(column='event_date', days_before=0, days_after=0) }}

select
    property_id,
    event_date,
    {{ sum_whole('copies') }} as raw_events,
    count(*) as events,
    {{ sum_whole('copies - 1') }} as duplicates_dropped,
    {{ count_where('client_key is null') }} as events_without_user,
    {{ count_where('client_key is not null and ga_session_id is null') }} as events_without_session_id,
    {{ count_where('page_key is null') }} as events_without_page,
    {{ count_where('occurred_on < event_date') }} as late_events,
    count(distinct client_key) as users
from {{ ref('stg_ga4__events') }}
where {{ ga4_in_window() }}
group by property_id, event_date
