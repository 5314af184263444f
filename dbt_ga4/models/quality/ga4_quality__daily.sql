{% set usual_days = 7 -%}
{# The baseline of a day is the seven days before it; a new day is also part of the baseline of the seven days after it. -#}
{{ ga4_incremental(column='event_date', days_before=0, days_after=usual_days) }}
{% set watched = ['events', 'page_views', 'purchases', 'users'] -%}
{% set counts = [
    'events', 'duplicates_dropped', 'events_of_denied_consent', 'events_without_user', 'events_without_session_id',
    'events_without_page', 'events_with_placeholders', 'values_out_of_range', 'late_events', 'early_events', 'page_views',
    'purchases', 'users', 'sessions',
] -%}

with exported as (

    select
        property_id,
        event_date,
        count(*) as raw_events
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events'), days_after=usual_days) }} as raw_events
    where {{ ga4_in_window() }}
    group by property_id, event_date

),

staged as (

    select
        property_id,
        event_date,
        count(*) as events,
        {{ sum_whole('copies - 1') }} as duplicates_dropped,
        min(table_kind) as table_kind,
        {{ count_where("consent_state = 'denied'") }} as events_of_denied_consent,
        {{ count_where('client_key is null') }} as events_without_user,
        {{ count_where('client_key is not null and ga_session_id is null') }} as events_without_session_id,
        {{ count_where('page_key is null') }} as events_without_page,
        {{ count_where('is_source_hidden') }} as events_with_placeholders,
        {{ sum_whole('values_out_of_range') }} as event_values_out_of_range,
        {{ count_where('occurred_on < event_date') }} as late_events,
        {{ count_where('occurred_on > event_date') }} as early_events,
        {{ count_where('is_page_view') }} as page_views,
        {{ count_where('event_name in (' ~ quoted_list(var('purchase_events')) ~ ')') }} as purchases,
        count(distinct client_key) as users,
        count(
            distinct case
                when client_key is not null and ga_session_id is not null then {{ md5_key(['client_key', 'ga_session_id']) }}
            end
        ) as sessions
    from {{ ref('stg_ga4__events') }}
    where {{ ga4_between('event_date', usual_days, usual_days) }}
    group by property_id, event_date

),

staged_items as (

    select property_id, event_date, {{ sum_whole('values_out_of_range') }} as values_out_of_range
    from {{ ref('stg_ga4__event_items') }}
    where {{ ga4_in_window() }}
        and values_out_of_range > 0
    group by property_id, event_date

),

-- A day without staged rows has no events; only these days are needed from before the window.
days as (

    select
        coalesce(staged.property_id, exported.property_id) as property_id,
        coalesce(staged.event_date, exported.event_date) as event_date,
        coalesce(exported.raw_events, 0) as raw_events,
        staged.table_kind,
        coalesce(staged.event_values_out_of_range, 0) + coalesce(staged_items.values_out_of_range, 0) as values_out_of_range,
        {%- for count in counts if count != 'values_out_of_range' %}
        coalesce(staged.{{ count }}, 0) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from staged
    left join staged_items on staged.property_id = staged_items.property_id and staged.event_date = staged_items.event_date
    full outer join exported on staged.property_id = exported.property_id and staged.event_date = exported.event_date

),

watched as (

    {% for metric in watched -%}
    select property_id, event_date, '{{ metric }}' as metric, {{ metric }} as amount
    from days
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (

    select
        watched.*,
        earlier.amount as earlier_amount,
        row_number() over (
            partition by watched.property_id, watched.event_date, watched.metric order by earlier.amount
        ) as place,
        count(*) over (partition by watched.property_id, watched.event_date, watched.metric) as earlier_days
    from watched
    inner join watched as earlier
        on watched.property_id = earlier.property_id
        and watched.metric = earlier.metric
        and earlier.event_date between {{ days_later('watched.event_date', -usual_days) }} and {{ days_later('watched.event_date', -1) }}

),

-- The median of the previous days; with fewer than three there is no baseline.
medians as (

    select property_id, event_date, metric, amount, avg(earlier_amount) as usual_amount
    from ranked
    where earlier_days >= 3
        and abs(2 * place - earlier_days - 1) <= 1
    group by property_id, event_date, metric, amount

),

-- Events come in the visits of users: with the usual number of them, chance changes log(events) by about sqrt(2 / users).
compared as (

    select
        medians.*,
        max(case when metric = 'users' then usual_amount end) over (partition by property_id, event_date) as usual_users
    from medians

),

breaks as (

    select
        property_id,
        event_date,
        max(case when metric = 'events' then usual_amount end) as usual_events,
        string_agg(
            case
                when metric = 'events'
                    and amount < usual_amount * least(0.5, coalesce(exp(-4 * sqrt(2 / nullif(usual_users, 0))), 0))
                    then 'events below half of the usual'
                -- with few of them, a day without one is normal: with 5 per day it happens by chance once in 150 days
                when metric = 'page_views' and amount = 0 and usual_amount >= 10 then 'no page views'
                when metric = 'purchases' and amount = 0 and usual_amount >= 10 then 'no purchases'
            end,
            ', ' order by metric
        ) as tracking_break_reason
    from compared
    group by property_id, event_date

)

select
    days.property_id,
    days.event_date,
    days.table_kind,
    days.raw_events,
    days.raw_events - days.events - days.duplicates_dropped as events_left_out,
    {%- for count in counts %}
    days.{{ count }},
    {%- endfor %}
    days.events_without_user / nullif(days.events, 0) as null_id_share,
    days.events_with_placeholders / nullif(days.events, 0) as placeholder_share,
    breaks.usual_events,
    breaks.tracking_break_reason is not null as is_tracking_break,
    breaks.tracking_break_reason
from days
left join breaks on days.property_id = breaks.property_id and days.event_date = breaks.event_date
where {{ ga4_between('days.event_date', 0, usual_days) }}
