-- Users a day (12253918): total users triggered any event; new users logged first_visit or first_open; returning users
-- have initiated a session before; active users are those that GA4 marks by is_active_user "at any point in the
-- calendar day" (7029846). An export without that mark: who logged first_visit or first_open, engagement_time_msec, or
-- had an engaged session.
select
    day,
    count(*) as users,
    count(*) filter (is_new) as new_users,
    count(*) filter (is_returning) as returning_users,
    count(*) filter (is_active) as active_users,
    sum(events) as events,
    sum(sessions) as sessions
from (
    select
        day,
        device,
        bool_or(name in ('first_visit', 'first_open')) as is_new,
        coalesce(bool_or(session_number > 1), false) as is_returning,
        coalesce(
            bool_or(is_active_user),
            bool_or(
                name in ('first_visit', 'first_open')
                or coalesce(engagement_msec > 0, false)
                or coalesce(is_engaged, false)
            )
        ) as is_active,
        count(*) as events,
        count(distinct (session, session_day)) filter (session is not null) as sessions
    from session_event
    group by all
)
group by all
