-- Users a day (12253918), their events and sessions.
select
    day,
    count(*) as users,
    count(*) filter (is_new) as new_users,
    count(*) filter (is_returning) as returning_users,
    count(*) filter (is_active) as active_users,
    sum(events) as events,
    sum(sessions) as sessions
from user_day
group by all
