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

)

select
    client_key,
    property_id,
    user_pseudo_id,
    {%- if stitching == 'user_id' %}
    case when user_ids = 1 then {{ md5_key(['property_id', "'user_id'", 'only_user_id']) }} else client_key end as user_key,
    {%- else %}
    client_key as user_key,
    {%- endif %}
    case when user_ids = 1 then only_user_id end as user_id,
    user_ids,
    user_ids > 1 as is_shared_device,
    first_seen,
    last_seen,
    consent_state,
    ads_consent_state,
    {{ is_consented('ads_consent_state', 'ads_consent_policy') }} as is_ads_consented
from clients
