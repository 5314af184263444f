-- The events of known users with their session, and the sessions.
-- Sessions (9191807): a user's ga_session_id; one that crosses midnight is a single session; it times out after 30
-- minutes of inactivity. Engaged (12798876): 10 seconds or longer, a key event, or two or more page or screen views;
-- the tag says so in session_engaged. What first_visit and session_start carry there says nothing: GA4 makes them
-- itself, and sets 1 beside a single page view without engagement.
create or replace table session_event as
with

known as (
    select *, name = 'refund' and getvariable('a_refund_makes_no_session') as is_refund
    from event
    where device is not null
),

paused as (
    select
        *,
        coalesce(ts - lag(ts) over (partition by device order by ts, line) > 30 * 60e6, true) as comes_after_a_pause
    from known
    where not is_refund
),

visited as (
    select *, sum(comes_after_a_pause::int) over (partition by device order by ts, line) as visit
    from paused
),

named as (
    select
        *,
        coalesce(
            session_id::varchar,
            case when getvariable('events_without_session_id_have_a_session') then coalesce(
                last_value(session_id ignore nulls) over (
                    partition by device, visit order by ts, line rows between unbounded preceding and current row
                )::varchar,
                first_value(session_id ignore nulls) over (
                    partition by device, visit order by ts, line rows between current row and unbounded following
                )::varchar,
                'visit ' || visit
            ) end
        ) as session
    from visited
),

begun as (
    select *, min(day) over (partition by device, session) as first_day
    from named
),

placed as (
    select
        * exclude (first_day),
        case
            when session is null then null
            when day > first_day + 1 and getvariable('a_new_session_begins_after_a_second_midnight') then day
            else first_day
        end as session_day
    from begun
),

-- A server can send a refund at any time: it has the session that it names, if seen that day.
whole as (
    select * from placed
    union all by name
    select known.*, seen.session, seen.session_day
    from known
    left join (select distinct device, session, session_day, day from placed) as seen
        on known.device = seen.device and known.session_id::varchar = seen.session and known.day = seen.day
    where known.is_refund
)

select
    *,
    case when session is not null then
        count(*) filter (name in ('purchase', 'generate_lead', 'sign_up')) over same >= 1
        or coalesce(
            max(session_engaged) filter (name not in ('first_visit', 'first_open', 'session_start')) over same = 1,
            coalesce(sum(engagement_msec) over same, 0) >= 10000
            or count(*) filter (name in ('page_view', 'screen_view')) over same >= 2
        )
    end as is_engaged
from whole
window same as (partition by device, session, session_day);
