-- The days of a user (12253918). New: logged first_visit or first_open. Returning: has initiated a session before.
-- Active: GA4's is_active_user "at any point in the calendar day" (7029846); in an export without it who logged
-- first_visit or first_open, engagement_time_msec, or had an engaged session.
create or replace table user_day as
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
where session is not null or name <> 'refund'
group by all;
