-- Users by the source, medium and default channel group that first brought them: the record traffic_source of their
-- first_visit, else of their first event (developers.google.com/analytics/bigquery/traffic-attribution-data).
select
    channel_of(coalesce(first.source, ''), first.medium, first.campaign) as channel,
    first.source as source,
    first.medium as medium,
    count(*) as users
from (
    select
        device,
        arg_min(
            {
                source: told(row ->> '$.traffic_source.source'),
                medium: told(row ->> '$.traffic_source.medium'),
                campaign: told(row ->> '$.traffic_source.name')
            },
            (name not in ('first_visit', 'first_open'), ts, line)
        ) filter (told(row ->> '$.traffic_source.source') is not null) as first
    from session_event
    group by device
)
group by all
