{{ ga4_table(cluster_by=['user_key']) }}
-- depends_on: {{ ref('stg_ga4__user_properties') }}
{% set kept_properties = var('user_properties') -%}
{% set source_parts = ['source', 'medium', 'campaign', 'default_channel_group'] -%}
{% set of_user = 'over (partition by user_key, property_id' -%}
{% set whole = 'rows between unbounded preceding and unbounded following)' -%}
{% set in_order = of_user ~ ' order by session_started_at, session_key ' ~ whole -%}
{% set first_device = 'over (partition by identities.user_key order by first_sources.first_seen_at, identities.client_key ' ~ whole -%}
{% set first_user_columns = ['first_user_source', 'first_user_medium', 'first_user_campaign', 'first_user_default_channel_group'] -%}
{% set first_seen_columns = ['first_seen_source', 'first_seen_medium', 'first_seen_campaign', 'first_seen_default_channel_group'] -%}
{% set latest_columns = ['user_id', 'device_category', 'browser', 'operating_system', 'country'] -%}

-- Windows, not aggregates, choose a user's texts: DuckDB writes windows to the disk, but keeps the texts of aggregates in memory.
-- All of a user's sessions have one order, so that they are sorted once.
with device_sources as (

    select
        identities.user_key,
        identities.is_shared_device,
        identities.consent_state,
        identities.ads_consent_state,
        identities.ads_personalization_state
        {%- for column in first_user_columns %},
        first_value(first_sources.{{ column }}) {{ first_device }} as {{ column }}
        {%- endfor %}
    from {{ ref('int_ga4__identity_map') }} as identities
    left join {{ ref('int_ga4__first_user_sources') }} as first_sources on identities.client_key = first_sources.client_key

),

devices as (

    select
        user_key,
        {{ first_user_columns | join(',\n        ') }},
        count(*) as devices,
        {{ count_where('is_shared_device') }} > 0 as is_shared_device,
        {{ consent_state_of_devices('consent_state') }} as consent_state,
        {{ consent_state_of_devices('ads_consent_state') }} as ads_consent_state,
        {{ consent_state_of_devices('ads_personalization_state') }} as ads_personalization_state
    from device_sources
    group by user_key, {{ first_user_columns | join(', ') }}

),

sessions as (

    select
        user_key,
        property_id,
        session_started_at,
        session_ended_at,
        page_views,
        purchases,
        revenue,
        net_revenue,
        currency,
        engagement_time_msec,
        min(user_pseudo_id) {{ of_user }}) as user_pseudo_id
        {%- for part in source_parts %},
        first_value({{ part }}) {{ in_order }} as first_seen_{{ part }}
        {%- endfor %}
        {%- for column in latest_columns %},
        last_value({{ column }} ignore nulls) {{ in_order }} as {{ column }}
        {%- endfor %}
    from {{ ref('fct_ga4__sessions') }}

),

users as (

    select
        user_key,
        property_id,
        user_pseudo_id,
        {{ (first_seen_columns + latest_columns) | join(',\n        ') }},
        min(session_started_at) as first_seen_at,
        max(session_ended_at) as last_seen_at,
        count(*) as sessions,
        {{ sum_whole('page_views') }} as page_views,
        {{ sum_whole('purchases') }} as purchases,
        {{ sum_of_money('revenue', 'currency', '(revenue is not null)') }} as revenue,
        {{ sum_of_money('net_revenue', 'currency', '(net_revenue is not null)') }} as net_revenue,
        {{ currency_of_sum(['revenue', 'net_revenue'], 'currency') }} as currency,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec
    from sessions
    group by user_key, property_id, user_pseudo_id, {{ (first_seen_columns + latest_columns) | join(', ') }}

)

{%- if kept_properties %},

user_properties as (

    select identities.user_key, properties.user_property, properties.value
    from {{ ref('stg_ga4__user_properties') }} as properties
    inner join {{ ref('int_ga4__identity_map') }} as identities on properties.client_key = identities.client_key
    qualify row_number() over (
        partition by identities.user_key, properties.user_property
        order by properties.set_timestamp desc, properties.event_timestamp desc, properties.value
    ) = 1

)
{%- endif %}

select
    users.user_key,
    users.property_id,
    users.user_pseudo_id,
    users.user_id,
    devices.devices,
    devices.is_shared_device,
    devices.consent_state,
    devices.ads_consent_state,
    devices.ads_personalization_state,
    {{ is_consented('devices.ads_consent_state', 'ads_consent_policy') }}
    and not ({{ is_ads_denied('devices.ads_consent_state', 'devices.ads_personalization_state') }}) as is_ads_consented,
    users.first_seen_at,
    users.last_seen_at,
    users.sessions,
    users.page_views,
    users.purchases,
    users.revenue,
    users.net_revenue,
    users.currency,
    users.engagement_time_msec,
    {%- for part in source_parts %}
    devices.first_user_{{ part }},
    {%- endfor %}
    {%- for part in source_parts %}
    users.first_seen_{{ part }},
    {%- endfor %}
    {%- for part in source_parts %}
    users.first_seen_{{ part }} as first_{{ part }},
    {%- endfor %}
    users.device_category,
    users.browser,
    users.operating_system,
    users.country
    {%- for name in kept_properties %},
    {{ user_property_column(name) }}.value as {{ user_property_column(name) }}
    {%- endfor %}
from users
inner join devices on users.user_key = devices.user_key
{%- for name in kept_properties %}
left join user_properties as {{ user_property_column(name) }}
    on users.user_key = {{ user_property_column(name) }}.user_key
    and {{ user_property_column(name) }}.user_property = '{{ name }}'
{%- endfor %}
