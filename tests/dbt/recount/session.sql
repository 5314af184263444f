-- The events of known users with their session, and the sessions.
-- Sessions (9191807): a user's ga_session_id; one that crosses midnight is a single session; it times out after 30
-- minutes of inactivity. Engaged (12798876): 10 seconds or longer, a key event, or two or more page or screen views;
-- the tag says so in session_engaged. What first_visit and session_start carry there says nothing: GA4 makes them
-- itself, and sets 1 beside a single page view without engagement.
create or replace table session_event as
with

paused as (
    select
        *,
        coalesce(ts - lag(ts) over (partition by device order by ts, line) > 30 * 60e6, true) as comes_after_a_pause
    from event
    where device is not null
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

-- A refund alone, which a server sends, is no session.
cut as (
    select * exclude (is_refund_alone) replace (case when not is_refund_alone then session end as session)
    from (
        select
            *,
            getvariable('a_refund_alone_is_no_session')
            and bool_and(name = 'refund') over (partition by device, session, session_day, day) as is_refund_alone
        from placed
    )
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
from cut
window same as (partition by device, session, session_day);
