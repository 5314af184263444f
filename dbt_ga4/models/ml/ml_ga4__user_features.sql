{{ ga4_table(partition_by='as_of', cluster_by=['user_key']) }}
-- depends_on: {{ ref('int_ga4__identity_map') }}
{#
    Features of a person before a date, and labels after it. Features use the events of the export days before as_of, as a
    refresh on that date does: a later export day affects none of them, not even with late events. Labels cover the days
    from as_of on. They are null until the last of these days is exported and late events have arrived.
-#}
{% set lookback_days = var('lookback_days') | int -%}
{% set late_days = var('late_event_days') | int -%}
{% set horizons = [7, 14, 28] -%}
{% set windows = [1, 3, 7, 14, 28] -%}
{% set stitches = var('identity_stitching') == 'user_id' -%}
{% set main_attributes = ['device_category', 'browser', 'country'] -%}
{% set is_expressed = '(purchases.revenue is not null or purchases.event_revenue is null and purchases.revenue_in_usd is null)' -%}
{#
    DuckDB can write the rows of groups to the disk, but not the texts or lists that an aggregate collects. So texts have numbers
    (texts), in alphabetical order and below `base`. Aggregates choose numbers: a day times `base` plus the number for the first
    day, a count times `base` minus the number for the most frequent.
-#}
{% set base = 2147483648 -%}
{% set predicted_events = var('predicted_events') | unique(case_sensitive=true) | sort(case_sensitive=true) -%}

with {{ properties_and_as_of_dates() }},

-- The end of a horizon is the day after it.
dates as (

    select
        property_id,
        {{ is_newest() }} as is_newest,
        {{ days_later('as_of', -lookback_days) }} as first_day,
        {%- for days in horizons %}
        {{ days_later('as_of', days) }} as end_{{ days }}d,
        {{ days_later('as_of', days + late_days) }} <= {{ days_later('last_day', 1) }} as is_known_{{ days }}d,
        {%- endfor %}
        as_of,
        last_day
    from as_of_dates
    {%- if not var('feature_as_of_dates') %}
    where {{ is_newest() }}
        or {{ day_of_week('as_of') }} = 0
    {%- endif %}

),

-- Channels, and values of the main attributes.
texts as (

    select text, row_number() over (order by text) as number
    from (
        {%- for attribute in main_attributes %}
        select {{ attribute }} as text from {{ ref('int_ga4__events_sessionized') }}
        union distinct
        {%- endfor %}
        select default_channel_group as text from {{ ref('int_ga4__session_traffic_sources') }}
    ) as used
    where text is not null

),

events as (

    select
        events.property_id,
        events.client_key,
        events.session_key,
        events.session_date,
        events.occurred_on,
        events.event_date,
        events.event_timestamp,
        events.event_index,
        events.event_name,
        events.is_page_view,
        events.page_title,
        events.session_engaged,
        events.engagement_time_msec,
        {%- for attribute in main_attributes %}
        {{ attribute }}_texts.number as {{ attribute }},
        {%- endfor %}
        case when {{ is_purchase_event('events.event_name') }} then 6 else taxonomy.funnel_step end as funnel_step
    from {{ ref('int_ga4__events_sessionized') }} as events
    left join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name
    {%- for attribute in main_attributes %}
    left join texts as {{ attribute }}_texts on events.{{ attribute }} = {{ attribute }}_texts.text
    {%- endfor %}
    where events.session_key is not null
        and events.occurred_on >= (select min(dates.first_day) from dates)

),

-- A session's part of one day and export day: it is before a date or not, while a session can be on both sides of it.
parts_of_sessions as (

    select
        property_id,
        client_key,
        session_key,
        session_date,
        occurred_on,
        event_date,
        min(event_timestamp) as started_at,
        {{ count_where('is_page_view') }} as page_views,
        {{ count_where('is_page_view and ' ~ matches('page_title', var('error_title_pattern'))) }} as error_page_views,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
        {{ recorded_engagement() }} as recorded_engagement,
        coalesce(max(funnel_step), 0) as funnel_step,
        {{ count_where(is_key_event('event_name')) }} as key_events,
        {%- for event in predicted_events %}
        max(case when event_name = {{ quoted_list([event]) }} then 1 else 0 end) as did_{{ loop.index }},
        {%- endfor %}
        {%- for attribute in main_attributes %}
        {{ first_number_by(attribute, 'event_timestamp', 'event_index') }} as {{ attribute }},
        {%- endfor %}
        count(*) as events
    from events
    group by property_id, client_key, session_key, session_date, occurred_on, event_date

),

-- DuckDB runs out of memory if it joins large tables while it groups the result, so the join ends here.
parts_with_channels as {{ materialized() }} (

    select
        parts_of_sessions.*,
        channels.number as channel,
        count(*) over (partition by parts_of_sessions.session_key, parts_of_sessions.session_date) = 1 as is_whole,
        {% if stitches -%}
        false as is_first_of_day
        {%- else -%}
        row_number() over (
            partition by parts_of_sessions.client_key, parts_of_sessions.occurred_on order by parts_of_sessions.event_date
        ) = 1 as is_first_of_day
        {%- endif %}
    from parts_of_sessions
    left join {{ ref('int_ga4__session_traffic_sources') }} as sources on parts_of_sessions.session_key = sources.session_key
    left join texts as channels on sources.default_channel_group = channels.text

),

{{ sample_of_persons('parts_with_channels', predicted_events) }},

-- Few devices: the others need no counts to know which value most of their sessions have.
changing_devices as (

    select client_key
    from parts_with_channels
    group by client_key
    having {% for attribute in main_attributes -%}
        min({{ attribute }}) < max({{ attribute }}) {{- ' or ' if not loop.last }}
    {%- endfor %}

),

session_days as (

    select
        parts_with_channels.*,
        sampled_devices.client_key is not null as is_sampled,
        {{ 'true' if stitches else 'changing_devices.client_key is not null' }} as is_changing
    from parts_with_channels
    left join sampled_devices on parts_with_channels.client_key = sampled_devices.client_key
    left join changing_devices on parts_with_channels.client_key = changing_devices.client_key

),

days_before as (

    select
        dates.as_of,
        {{ person_of('session_days') }} as user_key,
        session_days.*
    from session_days
    inner join dates
        on session_days.property_id = dates.property_id
        and (dates.is_newest or session_days.is_sampled)
        and session_days.occurred_on >= dates.first_day
        and session_days.occurred_on < dates.as_of
        and session_days.event_date < dates.as_of
    {{ join_person_of('session_days') }}

),

{% set person = ['property_id', 'user_key', 'as_of', 'is_changing'] + (['client_key'] if stitches else []) -%}
split_sessions as (

    select
        {{ person | join(', ') }},
        session_key,
        session_date,
        min(started_at) as started_at,
        {%- for column in ['page_views', 'engagement_time_msec', 'key_events'] %}
        {{ sum_whole(column) }} as {{ column }},
        {%- endfor %}
        {%- for column in ['recorded_engagement', 'funnel_step', 'channel'] %}
        max({{ column }}) as {{ column }},
        {%- endfor %}
        {%- for attribute in main_attributes %}
        mod(min({{ days_between("date '1970-01-01'", 'occurred_on') }} * {{ base }} + {{ attribute }}), {{ base }}) as {{ attribute }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from days_before
    where not is_whole
    group by {{ person | join(', ') }}, session_key, session_date

),

{# DuckDB takes most of its time for the rows that are grouped, so a part is also its session if it has no other, as most have. -#}
{% set of_part = ['occurred_on', 'is_first_of_day', 'events', 'page_views', 'error_page_views', 'engagement_time_msec', 'funnel_step'] -%}
{% set of_session = ['session_date', 'started_at', 'channel'] + main_attributes -%}
parts_and_sessions as (

    -- is_engaged is as in int_ga4__sessions, from the part before as_of
    select
        {{ (person + of_part) | join(', ') }},
        {%- for column in of_session %}
        case when is_whole then {{ column }} end as {{ column }},
        {%- endfor %}
        case when is_whole then funnel_step end as session_funnel_step,
        is_whole and ({{ is_engaged() }}) as is_engaged
    from days_before
    union all
    select
        {{ person | join(', ') }},
        {%- for column in of_part %}
        null as {{ column }},
        {%- endfor %}
        {{ of_session | join(', ') }},
        funnel_step as session_funnel_step,
        {{ is_engaged() }} as is_engaged
    from split_sessions
    {%- if stitches %}
    union all
    -- the days of a person of several devices, which have no first part
    select
        property_id,
        user_key,
        as_of,
        true as is_changing,
        null as client_key,
        occurred_on,
        true as is_first_of_day,
        {%- for column in of_part[2:] + of_session + ['session_funnel_step'] %}
        null as {{ column }},
        {%- endfor %}
        null as is_engaged
    from (select distinct property_id, user_key, as_of, occurred_on from days_before) as days
    {%- endif %}

),

-- The value of most sessions; on a tie, the first in alphabetical order.
main_attributes as (

    select
        user_key,
        as_of
        {%- for attribute in main_attributes %},
        {{ base }} - mod(
            max(case when attribute = {{ loop.index }} then sessions * {{ base }} - number end), {{ base }}
        ) as {{ attribute }}
        {%- endfor %}
    from (
        select user_key, as_of, attribute, number, count(*) as sessions
        from (
            {%- for attribute in main_attributes %}
            select user_key, as_of, {{ loop.index }} as attribute, {{ attribute }} as number
            from parts_and_sessions
            where is_changing and {{ attribute }} is not null
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        ) as attributes
        group by user_key, as_of, attribute, number
    ) as counted
    group by user_key, as_of

),

user_sessions as (

    select
        property_id,
        user_key,
        as_of,
        max(occurred_on) as last_active_on,
        min(occurred_on) as first_active_on,
        count(session_date) as sessions,
        {{ sum_whole('events') }} as events,
        {{ sum_whole('page_views') }} as page_views,
        {{ sum_whole('error_page_views') }} as error_page_views,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
        {{ count_where('is_engaged') }} as engaged_sessions,
        max(funnel_step) as deepest_funnel_step,
        {{ count_where('session_funnel_step >= 2') }} as cart_sessions,
        {{ count_where('session_funnel_step >= 3') }} as checkout_sessions,
        {{ count_where('session_funnel_step between 2 and 5') }} as abandoned_cart_sessions,
        -- Sessions that late events may still change at as_of have no channel yet.
        {%- set channel = 'case when session_date < ' ~ days_later('as_of', -late_days) ~ ' then channel end' %}
        {%- for attribute in main_attributes %}
        min({{ attribute }}) as {{ attribute }},
        {%- endfor %}
        {{ first_number_by(channel, 'started_at', 'channel') }} as first_channel,
        {{ first_number_by(channel, '-started_at', 'channel') }} as last_channel,
        {{ 'count(distinct client_key)' if stitches else 'cast(1 as ' ~ dbt.type_bigint() ~ ')' }} as devices,
        {{ count_where('is_first_of_day') }} as active_days,
        {%- for days in windows %}
        {%- set is_within = 'occurred_on >= ' ~ days_later('as_of', -days) %}
        {{ count_where('is_first_of_day and ' ~ is_within) }} as active_days_{{ days }}d,
        {{ sum_whole('case when ' ~ is_within ~ ' then page_views else 0 end') }} as page_views_{{ days }}d,
        coalesce(max(case when {{ is_within }} then funnel_step end), 0) as funnel_step_{{ days }}d,
        {%- endfor %}
        {{ count_where('is_first_of_day and ' ~ is_weekend('occurred_on')) }} as weekend_days
    from parts_and_sessions
    group by property_id, user_key, as_of

),

actions_after as (

    select
        {{ person_of('session_days') }} as user_key,
        dates.as_of,
        {%- for event in predicted_events %}
        min(case when session_days.did_{{ loop.index }} = 1 then session_days.occurred_on end) as first_{{ loop.index }},
        {%- endfor %}
        min(session_days.occurred_on) as returned_on
    from session_days
    inner join dates
        on session_days.property_id = dates.property_id
        and dates.is_known_{{ horizons | min }}d
        and session_days.is_sampled
        and session_days.occurred_on >= dates.as_of
        and session_days.event_date >= dates.as_of
        and session_days.occurred_on < dates.end_{{ horizons | max }}d
    {{ join_person_of('session_days') }}
    group by {{ person_of('session_days') }}, dates.as_of

),

{% set is_before = '(purchases.occurred_on < dates.as_of and purchases.event_date < dates.as_of)' -%}
{% set is_after = '(purchases.occurred_on >= dates.as_of and purchases.event_date >= dates.as_of)' -%}
{% set is_recent = '(' ~ is_before ~ ' and purchases.occurred_on >= dates.first_day)' -%}
user_purchases as (

    select
        {{ person_of('purchases') }} as user_key,
        dates.as_of,
        {{ count_where(is_recent) }} as purchases,
        {%- for days in windows %}
        {{ count_where(is_before ~ ' and purchases.occurred_on >= ' ~ days_later('dates.as_of', -days)) }} as purchases_{{ days }}d,
        {%- endfor %}
        {{ sum_of_money(
            'case when ' ~ is_recent ~ ' then purchases.revenue end', 'purchases.currency',
            '(not ' ~ is_recent ~ ' or ' ~ is_expressed ~ ')'
        ) }} as revenue,
        {{ currency_of_sum(['case when ' ~ is_recent ~ ' then purchases.revenue end'], 'purchases.currency') }} as currency,
        {{ count_where(is_before) }} as purchases_ever,
        count(distinct case when {{ is_before }} then purchases.occurred_on end) as purchase_days_ever,
        {{ sum_of_money(
            'case when ' ~ is_before ~ ' then purchases.revenue end', 'purchases.currency',
            '(not ' ~ is_before ~ ' or ' ~ is_expressed ~ ')'
        ) }} as revenue_ever,
        min(case when {{ is_before }} then purchases.occurred_on end) as first_purchase_on,
        max(case when {{ is_before }} then purchases.occurred_on end) as last_purchase_on,
        {%- for days in horizons %}
        {% set is_within = '(' ~ is_after ~ ' and purchases.occurred_on < dates.end_' ~ days ~ 'd)' -%}
        {{ sum_of_money(
            'case when ' ~ is_within ~ ' then purchases.revenue end', 'purchases.currency',
            '(not ' ~ is_within ~ ' or ' ~ is_expressed ~ ')'
        ) }} as revenue_{{ days }}d,
        {%- endfor %}
        min(case when {{ is_after }} then purchases.occurred_on end) as next_purchase_on
    from {{ ref('int_ga4__purchases') }} as purchases
    left join sampled_devices on purchases.client_key = sampled_devices.client_key
    inner join dates
        on purchases.property_id = dates.property_id
        and (dates.is_newest or sampled_devices.client_key is not null)
        and purchases.occurred_on < dates.end_{{ horizons | max }}d
    {{ join_person_of('purchases') }}
    where not purchases.is_refund_without_purchase
    group by {{ person_of('purchases') }}, dates.as_of

)

select
    sessions.property_id,
    sessions.user_key,
    sessions.as_of,
    case when dates.is_newest then 1 else sample.sampling_weight end as sampling_weight,

    {{ days_between('sessions.last_active_on', 'sessions.as_of') }} as days_since_last_session,
    {{ days_between('sessions.first_active_on', 'sessions.as_of') }} as tenure_days,

    sessions.sessions,
    sessions.active_days,
    sessions.events,
    sessions.page_views,

    coalesce(purchases.purchases, 0) as purchases,
    case when purchases.user_key is null then 0 else purchases.revenue end as revenue,
    purchases.currency,
    purchases.revenue / nullif(purchases.purchases, 0) as average_order_value,
    {{ days_between('purchases.last_purchase_on', 'sessions.as_of') }} as days_since_last_purchase,
    coalesce(purchases.purchases_ever, 0) as purchases_ever,
    coalesce(purchases.purchase_days_ever, 0) as purchase_days_ever,
    case when purchases.user_key is null then 0 else purchases.revenue_ever end as revenue_ever,
    {{ days_between('purchases.first_purchase_on', 'sessions.as_of') }} as days_since_first_purchase,
    {%- for days in windows %}

    sessions.active_days_{{ days }}d,
    sessions.page_views_{{ days }}d,
    coalesce(purchases.purchases_{{ days }}d, 0) as purchases_{{ days }}d,
    cast(sessions.funnel_step_{{ days }}d as {{ dbt.type_bigint() }}) as funnel_step_{{ days }}d,
    {%- endfor %}

    sessions.engaged_sessions / sessions.sessions as engaged_session_share,
    coalesce(sessions.engagement_time_msec, 0) as engagement_time_msec,
    sessions.page_views / sessions.sessions as page_views_per_session,
    sessions.error_page_views,

    cast(sessions.deepest_funnel_step as {{ dbt.type_bigint() }}) as deepest_funnel_step,
    sessions.cart_sessions,
    sessions.checkout_sessions,
    sessions.abandoned_cart_sessions,

    first_channels.text as first_channel,
    last_channels.text as last_channel,

    sessions.devices,
    {%- for attribute in main_attributes %}
    {{ attribute }}_texts.text as {{ attribute }},
    {%- endfor %}

    sessions.weekend_days / sessions.active_days as weekend_day_share,

    -- Labels. A horizon is known once its last day is exported and late events have arrived.
    {%- for days in horizons %}
    {% set is_known = 'dates.is_known_' ~ days ~ 'd' %}
    {% set end = 'dates.end_' ~ days ~ 'd' %}
    case when {{ is_known }} then coalesce(actions_after.returned_on < {{ end }}, false) end as will_return_{{ days }}d,
    case when {{ is_known }} then coalesce(purchases.next_purchase_on < {{ end }}, false) end as will_purchase_{{ days }}d,
    case
        when {{ is_known }} then case when purchases.user_key is null then 0 else purchases.revenue_{{ days }}d end
    end as revenue_{{ days }}d,
    case
        when {{ is_known }} then substr(concat(
            {%- for event in predicted_events %}
            case when actions_after.first_{{ loop.index }} < {{ end }} then {{ quoted_list([',' ~ event]) }} else '' end
            {{- ',' if not loop.last }}
            {%- endfor %}
        ), 2)
    end as next_actions_{{ days }}d,
    {%- endfor %}
    dates.last_day as exported_until
from user_sessions as sessions
inner join dates on sessions.property_id = dates.property_id and sessions.as_of = dates.as_of
left join texts as first_channels on sessions.first_channel = first_channels.number
left join texts as last_channels on sessions.last_channel = last_channels.number
left join sample on sessions.user_key = sample.user_key
left join actions_after on sessions.user_key = actions_after.user_key and sessions.as_of = actions_after.as_of
left join user_purchases as purchases on sessions.user_key = purchases.user_key and sessions.as_of = purchases.as_of
left join main_attributes on sessions.user_key = main_attributes.user_key and sessions.as_of = main_attributes.as_of
{%- for attribute in main_attributes %}
left join texts as {{ attribute }}_texts
    on coalesce(main_attributes.{{ attribute }}, sessions.{{ attribute }}) = {{ attribute }}_texts.number
{%- endfor %}
