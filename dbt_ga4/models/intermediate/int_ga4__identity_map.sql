{{ ga4_table(cluster_by=['client_key']) }}
{#
    Maps each device to a person. With identity_stitching 'user_id' a device on which only one person has logged in belongs
    to that person; a shared device remains a separate person. A login also changes the days before it, so this is a full
    table, and the incremental models do not use its key.
#}
{% set latest_first = 'session_started_at desc, session_key' -%}
{% set stitching = var('identity_stitching') -%}
{% if stitching not in ('client_id', 'user_id') -%}
    {{ exceptions.raise_compiler_error("var identity_stitching is '" ~ stitching ~ "': give client_id or user_id") }}
{%- endif %}

with clients as (

    select
        client_key,
        property_id,
        min(user_pseudo_id) as user_pseudo_id,
        min(user_id) as only_user_id,
        greatest(count(distinct user_id), max(user_ids)) as user_ids,
        min(session_date) as first_seen,
        max(session_date) as last_seen,
        {{ last_consent_state('consent_state', latest_first) }} as consent_state,
        {{ last_consent_state('ads_consent_state', latest_first) }} as ads_consent_state
    from {{ ref('int_ga4__sessions') }}
    group by client_key, property_id

),

-- Of the device, and of all who logged in on it.
ads_personalization as (

    select
        client_key,
        {{ consent_state_of_devices('ads_personalization_state') }} as ads_personalization_state
    from (
        select
            clients.client_key,
            of_devices.ads_personalization_state
        from clients
        inner join {{ ref('stg_ga4__ads_personalization') }} as of_devices
            on clients.property_id = of_devices.property_id and clients.user_pseudo_id = of_devices.user_pseudo_id
        union all
        select
            sessions.client_key,
            of_logins.ads_personalization_state
        from {{ ref('int_ga4__sessions') }} as sessions
        inner join {{ ref('stg_ga4__ads_personalization') }} as of_logins
            on sessions.property_id = of_logins.property_id and sessions.user_id = of_logins.user_id
    ) as states
    group by client_key

),

{% if stitching == 'user_id' -%}
-- What a person said on any device while logged in, also on one that others use.
logins as (

    select
        property_id,
        user_id,
        {{ consent_state_of_devices('ads_consent_state') }} as ads_consent_state
    from (
        select
            property_id,
            user_id,
            client_key,
            {{ last_consent_state('ads_consent_state', latest_first) }} as ads_consent_state
        from {{ ref('int_ga4__sessions') }}
        where user_id is not null
        group by property_id, user_id, client_key
    ) as by_device
    group by property_id, user_id

),

{% endif -%}
devices as (

    select
        clients.client_key,
        clients.property_id,
        clients.user_pseudo_id,
        {%- if stitching == 'user_id' %}
        case
            when user_ids = 1 then {{ md5_key(['clients.property_id', "'user_id'", 'only_user_id']) }}
            else clients.client_key
        end as user_key,
        {%- else %}
        clients.client_key as user_key,
        {%- endif %}
        case when user_ids = 1 then only_user_id end as user_id,
        user_ids,
        user_ids > 1 as is_shared_device,
        first_seen,
        last_seen,
        consent_state,
        {%- if stitching == 'user_id' %}
        case when logins.ads_consent_state = 'denied' then 'denied' else clients.ads_consent_state end as ads_consent_state,
        {%- else %}
        ads_consent_state,
        {%- endif %}
        coalesce(ads_personalization_state, 'unknown') as ads_personalization_state
    from clients
    left join ads_personalization on clients.client_key = ads_personalization.client_key
    {%- if stitching == 'user_id' %}
    left join logins
        on clients.property_id = logins.property_id and clients.only_user_id = logins.user_id and clients.user_ids = 1
    {%- endif %}

)

-- a person who denied on one device is in no list by another
select
    *,
    {{ is_consented('ads_consent_state', 'ads_consent_policy') }}
    and max(case when {{ is_ads_denied('ads_consent_state', 'ads_personalization_state') }} then 1 else 0 end)
        over (partition by user_key) = 0 as is_ads_consented
from devices
