-- Users of the whole export: each counts once (12253918). And what they paid.
select
    count(distinct device) as users,
    count(distinct device) filter (is_new) as new_users,
    count(distinct device) filter (is_returning) as returning_users,
    count(distinct device) filter (is_active) as active_users,
    (select sum(revenue) from purchase where device is not null) as revenue
from user_day
