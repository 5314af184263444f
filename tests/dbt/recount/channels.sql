-- Sessions, purchases and revenue by the session's source, medium and default channel group, by the day on which the
-- session began (session_traffic_source_last_click where exported, developers.google.com/analytics/bigquery/
-- traffic-attribution-data; else what the session's events, the user's first source and the referrer tell).
select
    session_day as day,
    channel,
    source,
    medium,
    count(*) as sessions,
    coalesce(sum(purchases), 0) as purchases,
    coalesce(sum(revenue), 0) as revenue
from source_of_session
left join (
    select device, session, session_day, count(*) as purchases, sum(revenue) as revenue
    from purchase
    join (select distinct line, session, session_day from session_event) using (line)
    group by all
) using (device, session, session_day)
group by all
