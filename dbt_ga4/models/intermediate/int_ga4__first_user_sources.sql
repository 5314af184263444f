{{ ga4_table(cluster_by=['client_key']) }}
{% set in_order = 'over (partition by sessions.client_key, sessions.property_id order by sessions.session_started_at, sessions.session_key '
    ~ 'rows between unbounded preceding and unbounded following)' -%}
{% set parts = ['source', 'medium', 'campaign'] -%}

{%- set first_columns = ['is_first_session', 'session_default_channel_group'] -%}
{%- for part in parts -%}
{%- do first_columns.extend(['user_' ~ part, 'session_' ~ part]) -%}
{%- endfor %}
-- Windows choose a device's texts, for the reason in dim_ga4__users.
with sessions as (

    select
        sessions.client_key,
        sessions.property_id,
        sessions.session_started_at,
        sessions.is_user_source_hidden,
        first_value(sessions.is_first_session) {{ in_order }} as is_first_session,
        {%- for part in parts %}
        -- that of the first session with a source, where it can be null
        nullif(
            first_value(case when {{ has_source('sessions.user') }} then coalesce(sessions.user_{{ part }}, '') end ignore nulls)
            {{ in_order }}, ''
        ) as user_{{ part }},
        first_value(traffic_sources.{{ part }}) {{ in_order }} as session_{{ part }},
        {%- endfor %}
        first_value(traffic_sources.default_channel_group) {{ in_order }} as session_default_channel_group
    from {{ ref('int_ga4__sessions') }} as sessions
    inner join {{ ref('int_ga4__session_traffic_sources') }} as traffic_sources
        on sessions.session_key = traffic_sources.session_key

),

devices as (

    select
        client_key,
        property_id,
        {{ first_columns | join(',\n        ') }},
        min(session_started_at) as first_seen_at,
        {{ count_where('is_user_source_hidden') }} > 0 as is_user_source_hidden
    from sessions
    group by client_key, property_id, {{ first_columns | join(', ') }}

),

chosen as (

    select
        *,
        {{ is_direct('user_source', 'user_medium') }} as is_direct,
        case
            when {{ has_source('user') }} then 'record'
            when is_user_source_hidden then 'hidden'
            when is_first_session then 'session'
            else 'none'
        end as first_user_source_method
    from devices

)

select
    chosen.client_key,
    chosen.property_id,
    chosen.first_seen_at,
    chosen.first_user_source_method,
    case chosen.first_user_source_method
        when 'record' then case when chosen.is_direct then '(direct)' else chosen.user_source end
        when 'session' then chosen.session_source
    end as first_user_source,
    case chosen.first_user_source_method
        when 'record' then case when chosen.is_direct then '(none)' else chosen.user_medium end
        when 'session' then chosen.session_medium
    end as first_user_medium,
    case chosen.first_user_source_method
        when 'record' then case when not chosen.is_direct then chosen.user_campaign end
        when 'session' then chosen.session_campaign
    end as first_user_campaign,
    case
        when chosen.first_user_source_method in ('record', 'hidden') then {{ default_channel_group(
            'chosen.user_source', 'chosen.user_medium', 'chosen.user_campaign', 'categories.source_category', 'chosen.is_direct'
        ) }}
        when chosen.first_user_source_method = 'session' then chosen.session_default_channel_group
    end as first_user_default_channel_group
from chosen
left join {{ ref('ga4_source_categories') }} as categories on {{ source_name('chosen.user_source') }} = categories.source
