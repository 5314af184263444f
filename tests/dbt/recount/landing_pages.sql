-- Sessions and engaged sessions by landing page: the page of the session's first view (9143382, landing page), by the
-- day on which they began. A session without a view has none.
select
    session_day as day,
    landing_page,
    count(*) as sessions,
    count(*) filter (is_engaged) as engaged_sessions
from (
    select
        device,
        session,
        session_day,
        bool_or(is_engaged) as is_engaged,
        arg_min(page_of(page_location), (ts, line)) filter (name in ('page_view', 'screen_view'))
            as landing_page
    from session_event
    where session is not null
    group by all
)
group by all
