{% set late_days = var('late_event_days') | int %}
{#
    A new export day contains events from late_days before it to one day after it. The bounds of a session depend on the two
    days before, and the events without an id that belong to it on one more day.
-#}
{{ ga4_incremental(column='occurred_on', days_before=late_days, days_after=4, cluster_by=['client_key', 'event_name']) }}
{% set timeout = var('session_timeout_minutes') | int * 60 * 1000000 -%}

-- Only what sessions are made of: this is kept in memory or on the disk for several reads below. The other columns join last.
with staged as (

    select
        event_key,
        client_key,
        occurred_on,
        event_timestamp,
        ga_session_id
    from {{ ref('stg_ga4__events') }}
    -- a server can send a refund at any time
    where event_name is distinct from 'refund'
        and {{ ga4_between('occurred_on', late_days + 3, 4) }}
        -- the same condition on event_date, which the table is ordered by
        and {{ ga4_between('event_date', late_days + 4, late_days + 4) }}

),

-- Events without ga_session_id (Measurement Protocol) on a device that has some with one.
device_moments as (

    select
        client_key,
        occurred_on,
        event_timestamp,
        max(ga_session_id) as session_id,
        coalesce(
            event_timestamp - lag(event_timestamp) over device_time not between 0 and {{ timeout }}
            or lag(occurred_on) over device_time < {{ days_later('occurred_on', -1) }},
            true
        ) as is_after_pause
    from staged
    where client_key in (select without_id.client_key from staged as without_id where without_id.ga_session_id is null)
    group by client_key, occurred_on, event_timestamp
    window device_time as (partition by client_key order by occurred_on, event_timestamp)

),

device_runs as (

    select
        *,
        {{ count_where('is_after_pause') }} over (
            partition by client_key order by occurred_on, event_timestamp
            rows between unbounded preceding and current row
        ) as run
    from device_moments

),

-- The current session at each moment: the last one without a pause since, or the one both before and after it.
running_sessions as (

    select
        client_key,
        occurred_on,
        event_timestamp,
        last_value(session_id ignore nulls) over run_so_far as run_session_id,
        last_value(case when session_id is not null then occurred_on end ignore nulls) over run_so_far as run_session_day,
        last_value(session_id ignore nulls) over day_so_far as session_id_before,
        first_value(session_id ignore nulls) over rest_of_day as session_id_after
    from device_runs
    window
        run_so_far as (
            partition by client_key, run order by occurred_on, event_timestamp
            rows between unbounded preceding and current row
        ),
        day_so_far as (
            partition by client_key, occurred_on order by event_timestamp
            rows between unbounded preceding and current row
        ),
        rest_of_day as (
            partition by client_key, occurred_on order by event_timestamp
            rows between current row and unbounded following
        )

),

-- They belong to that session.
joined_sessions as (

    select
        client_key,
        occurred_on,
        event_timestamp,
        case
            when run_session_day >= {{ days_later('occurred_on', -1) }} then run_session_id
            when session_id_before = session_id_after then session_id_before
        end as session_id
    from running_sessions

),

events as (

    select
        staged.*,
        coalesce(staged.ga_session_id, joined_sessions.session_id) as session_id
    from staged
    left join joined_sessions
        on staged.ga_session_id is null
        and staged.client_key = joined_sessions.client_key
        and staged.occurred_on = joined_sessions.occurred_on
        and staged.event_timestamp = joined_sessions.event_timestamp

),

-- A ga_session_id can cross one midnight; a longer one (bots, stuck ids) is a new session every day.
continued_sessions as (

    select client_key, session_id, occurred_on
    from (
        select
            *,
            lag(occurred_on, 1) over (partition by client_key, session_id order by occurred_on) as day_before,
            lag(occurred_on, 2) over (partition by client_key, session_id order by occurred_on) as day_before_that
        from (
            select distinct client_key, session_id, occurred_on
            from events
            where client_key is not null and session_id is not null
        ) as session_days
    ) as neighbours
    where day_before = {{ days_later('occurred_on', -1) }}
        and coalesce(day_before_that <> {{ days_later('occurred_on', -2) }}, true)

),

-- Events without a session: a pause longer than the timeout starts a new one.
moments as (

    select
        *,
        coalesce(
            event_timestamp - lag(event_timestamp) over user_moments
                not between 0 and {{ timeout }}
            or lag(occurred_on) over user_moments < {{ days_later('occurred_on', -1) }},
            true
        ) as is_start
    from (
        select distinct client_key, occurred_on, event_timestamp
        from events
        where client_key is not null and session_id is null
    ) as distinct_moments
    window user_moments as (partition by client_key order by occurred_on, event_timestamp)

),

last_starts as (

    select
        client_key,
        occurred_on,
        event_timestamp,
        last_value(case when is_start then occurred_on end ignore nulls) over so_far as started_on,
        last_value(case when is_start then event_timestamp end ignore nulls) over so_far as started_at,
        min(event_timestamp) over (partition by client_key, occurred_on) as day_started_at
    from moments
    window so_far as (
        partition by client_key order by occurred_on, event_timestamp
        rows between unbounded preceding and current row
    )

),

-- These can also cross only one midnight.
gap_sessions as (

    select
        client_key,
        occurred_on,
        event_timestamp,
        case when started_on >= {{ days_later('occurred_on', -1) }} then started_on else occurred_on end as session_date,
        case when started_on >= {{ days_later('occurred_on', -1) }} then started_at else day_started_at end as started_at
    from last_starts

),

sessionized as (

    select
        events.event_key,
        events.client_key,
        events.occurred_on,
        events.session_id,
        case
            when events.client_key is null then null
            when events.session_id is not null then 'ga_session_id'
            else 'gap'
        end as session_method,
        case
            when events.client_key is null then null
            when continued_sessions.client_key is not null then {{ days_later('events.occurred_on', -1) }}
            else coalesce(gap_sessions.session_date, events.occurred_on)
        end as session_date,
        coalesce(events.session_id, gap_sessions.started_at) as session_number
    from events
    left join continued_sessions
        on events.client_key = continued_sessions.client_key
        and events.session_id = continued_sessions.session_id
        and events.occurred_on = continued_sessions.occurred_on
    left join gap_sessions
        on events.session_id is null
        and events.client_key = gap_sessions.client_key
        and events.occurred_on = gap_sessions.occurred_on
        and events.event_timestamp = gap_sessions.event_timestamp
    where {{ ga4_between('events.occurred_on', late_days, 4) }}

),

refunds as (

    select
        event_key,
        client_key,
        occurred_on,
        ga_session_id
    from {{ ref('stg_ga4__events') }}
    where event_name = 'refund'
        and {{ ga4_between('occurred_on', late_days, 4) }}
        and {{ ga4_between('event_date', late_days + 4, late_days + 4) }}

),

session_days as (

    select distinct client_key, session_id, session_date, occurred_on
    from sessionized
    where session_method = 'ga_session_id'
        and client_key in (select refunds.client_key from refunds)

),

-- A refund belongs to the session of its own ga_session_id, if that has other events on the day.
with_refunds as (

    select
        event_key,
        session_id,
        session_method,
        session_date,
        session_number
    from sessionized

    union all

    select
        refunds.event_key,
        session_days.session_id,
        case when session_days.client_key is not null then 'ga_session_id' end as session_method,
        session_days.session_date,
        session_days.session_id as session_number
    from refunds
    left join session_days
        on refunds.client_key = session_days.client_key
        and refunds.ga_session_id = session_days.session_id
        and refunds.occurred_on = session_days.occurred_on

),

numbered as (

    select
        event_key,
        -- GA4's batch ids define the order within a microsecond; never the bundle or the file, which differ between exports.
        cast(row_number() over (
            partition by property_id, client_key, event_timestamp, event_date
            order by
                batch_page_id nulls last, batch_ordering_id nulls last, batch_event_index nulls last,
                event_rank, event_name, page_key nulls last, page_title nulls last, ga_session_id nulls last, event_hash
        ) as integer) as event_index
    from {{ ref('stg_ga4__events') }}
    where {{ ga4_between('occurred_on', late_days, 4) }}
        and {{ ga4_between('event_date', late_days + 4, late_days + 4) }}

),

whole as (

    select
        events.*,
        numbered.event_index,
        with_refunds.session_id,
        with_refunds.session_method,
        with_refunds.session_date,
        with_refunds.session_number
    from {{ ref('stg_ga4__events') }} as events
    inner join with_refunds on events.event_key = with_refunds.event_key
    inner join numbered on events.event_key = numbered.event_key
    where {{ ga4_between('events.occurred_on', late_days, 4) }}
        and {{ ga4_between('events.event_date', late_days + 4, late_days + 4) }}

)

select
    event_key,
    property_id,
    event_date,
    occurred_on,
    event_timestamp,
    event_index,
    event_name,
    is_page_view,

    client_key,
    user_pseudo_id,
    user_id,
    case
        when session_method is not null then {{ md5_key(['client_key', 'session_method', 'session_number', 'session_date']) }}
    end as session_key,
    session_date,
    session_method,
    -- of the session, also if the event itself has none
    session_id as ga_session_id,
    ga_session_number,
    session_engaged,
    engagement_time_msec,

    page_key,
    page_title,
    page_referrer,

    last_click_source,
    last_click_medium,
    last_click_campaign,
    last_click_channel_group,
    event_source,
    event_medium,
    event_campaign,
    click_id,
    referrer_hostname,
    user_source,
    user_medium,
    user_campaign,
    is_source_hidden,
    is_user_source_hidden,

    device_category,
    browser,
    operating_system,
    country,
    consent_state,
    ads_consent_state,

    platform,
    stream_id,
    is_active_user,
    transaction_id,
    currency,
    {{ money_columns() | join(',\n    ') }}
    {%- for param in custom_params('custom_event_params') %},
    param_{{ param.column }}
    {%- endfor %}
    {%- for name in var('query_parameter_extraction') %},
    {{ query_parameter_column(name) }}
    {%- endfor %}
from whole

{{ stored_in_order_of('occurred_on') }}
