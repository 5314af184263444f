{{ ga4_table(cluster_by=['user_key']) }}
-- depends_on: {{ ref('stg_ga4__user_properties') }}
{% set kept_properties = var('user_properties') -%}
{% set in_order = 'session_started_at, session_key' -%}
{% set latest_first = 'session_started_at desc, session_key' -%}
{% set first_device = 'first_sources.first_seen_at, identities.client_key' -%}
{% set source_parts = ['source', 'medium', 'campaign', 'default_channel_group'] -%}

with devices as (

    select
        identities.user_key,
        count(*) as devices,
        {{ count_where('identities.is_shared_device') }} > 0 as is_shared_device,
        {{ consent_state_of_devices('identities.consent_state') }} as consent_state,
        {{ consent_state_of_devices('identities.ads_consent_state') }} as ads_consent_state,
        {{ consent_state_of_devices('identities.ads_personalization_state') }} as ads_personalization_state
        {%- for part in source_parts %},
        {{ first_by('first_sources.first_user_' ~ part, first_device, 'true') }} as first_user_{{ part }}
        {%- endfor %}
    from {{ ref('int_ga4__identity_map') }} as identities
    left join {{ ref('int_ga4__first_user_sources') }} as first_sources on identities.client_key = first_sources.client_key
    group by identities.user_key

),

users as (

    select
        user_key,
        property_id,
        min(user_pseudo_id) as user_pseudo_id,
        {{ first_by('user_id', latest_first, 'user_id is not null') }} as user_id,
        min(session_started_at) as first_seen_at,
        max(session_ended_at) as last_seen_at,
        count(*) as sessions,
        {{ sum_whole('page_views') }} as page_views,
        {{ sum_whole('purchases') }} as purchases,
        {{ sum_of_money('revenue', 'currency', '(revenue is not null)') }} as revenue,
        {{ sum_of_money('net_revenue', 'currency', '(net_revenue is not null)') }} as net_revenue,
        {{ currency_of_sum(['revenue', 'net_revenue'], 'currency') }} as currency,
        {{ sum_whole('engagement_time_msec') }} as engagement_time_msec,
        {%- for part in source_parts %}
        {{ first_by(part, in_order, 'true') }} as first_seen_{{ part }},
        {%- endfor %}
        {{ first_by('device_category', latest_first, 'device_category is not null') }} as device_category,
        {{ first_by('browser', latest_first, 'browser is not null') }} as browser,
        {{ first_by('operating_system', latest_first, 'operating_system is not null') }} as operating_system,
        {{ first_by('country', latest_first, 'country is not null') }} as country
    from {{ ref('fct_ga4__sessions') }}
    group by user_key, property_id

)

{%- if kept_properties %},

user_properties as (

    select
        identities.user_key
        {%- for name in kept_properties %},
        {{ first_by('properties.value', 'properties.set_timestamp desc, properties.event_timestamp desc, properties.value', "properties.user_property = '" ~ name ~ "'") }} as {{ user_property_column(name) }}
        {%- endfor %}
    from {{ ref('stg_ga4__user_properties') }} as properties
    inner join {{ ref('int_ga4__identity_map') }} as identities on properties.client_key = identities.client_key
    group by identities.user_key

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
    user_properties.{{ user_property_column(name) }}
    {%- endfor %}
from users
inner join devices on users.user_key = devices.user_key
{%- if kept_properties %}
left join user_properties on users.user_key = user_properties.user_key
{%- endif %}
