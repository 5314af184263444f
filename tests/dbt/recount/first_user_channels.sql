-- Users by the source, medium and default channel group that first brought them: the record traffic_source of their
-- first_visit, else of their first event (developers.google.com/analytics/bigquery/traffic-attribution-data). Without
-- any record, those of the session whose number is 1; a user without that one has none.
with

recorded as (
    select
        device,
        arg_min(
            source_record(
                row ->> '$.traffic_source.source', row ->> '$.traffic_source.medium', row ->> '$.traffic_source.name'
            ),
            (name not in ('first_visit', 'first_open'), ts, line)
        ) filter (not is_own(row ->> '$.traffic_source.source', row ->> '$.traffic_source.medium', page_location)) as record,
        bool_or(
            row ->> '$.traffic_source.source' is not null
            and not is_own(row ->> '$.traffic_source.source', row ->> '$.traffic_source.medium', page_location)
        ) as has_record
    from session_event
    group by device
),

first_session as (
    select device, arg_min({s: source, m: medium, g: channel}, session_day) as session
    from source_of_session
    where session_number = 1
    group by device
)

select
    case
        when has_record then channel_of(record.s, record.m, record.c)
        when session is not null then session.g
    end as channel,
    case when has_record then record.s else session.s end as source,
    case when has_record then record.m else session.m end as medium,
    count(*) as users
from recorded
left join first_session using (device)
group by all
