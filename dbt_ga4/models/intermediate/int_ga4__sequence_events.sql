{% set late_days = var('late_event_days') | int %}
{# The export days of the events whose session a new export day can change. -#}
{{ ga4_incremental(column='event_date', days_before=late_days + 1, days_after=late_days + 4, cluster_by=['client_key']) }}

-- Events of the same microsecond that are equal in everything the encoder reads become one. They can only differ in fields that a
-- flattened export does not contain (items, bundle), so both forms of an export give the same rows.
select
    property_id,
    client_key,
    event_date,
    event_timestamp,
    cast(row_number() over (
        partition by client_key, event_timestamp, event_date order by min(event_index)
    ) as integer) as event_index,
    event_name,
    page_key,
    page_title,
    session_key,
    is_page_view
from {{ ref('int_ga4__events_sessionized') }}
where session_key is not null
    and page_key is not null
    and event_name not in ({{ quoted_list(var('sequence_excluded_events')) }})
    and {{ ga4_in_window() }}
    -- the same window by the day that the table is stored by: from late_days before to one day after the export day
    and {{ ga4_between('occurred_on', 2 * late_days + 1, late_days + 5) }}
group by property_id, client_key, event_date, event_timestamp, event_name, page_key, page_title, session_key, is_page_view
