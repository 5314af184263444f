-- Sessions and engaged sessions by the day on which they began (9191807, 12798876), and how many users had them.
select
    session_day as day,
    count(distinct (device, session)) as sessions,
    count(distinct (device, session)) filter (is_engaged) as engaged_sessions,
    count(distinct device) as users
from session_event
where session is not null
group by all
