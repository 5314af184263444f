-- Sessions, purchases and revenue by the session's source, medium and default channel group, by the day on which the
-- session began (session_traffic_source_last_click where exported, developers.google.com/analytics/bigquery/
-- traffic-attribution-data; else what the session's events, the user's first source and the referrer tell).
select
    session_day as day,
    channel,
    source,
    medium,
    count(*) as sessions,
    sum(purchases) as purchases,
    sum(revenue) as revenue,
    sum(net_revenue) as net_revenue
from source_of_session
left join (
    select
        device,
        session,
        session_day,
        sum(purchases) as purchases,
        sum(revenue) as revenue,
        sum(net_revenue) as net_revenue
    from (
        select line, 1 as purchases, revenue, revenue as net_revenue from purchase
        union all
        select line, 0, 0, -refund from refunded
    )
    join session_event using (line)
    group by all
) using (device, session, session_day)
group by all
