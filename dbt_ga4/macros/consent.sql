{#
    Consent. privacy_info contains whether the user allowed storage on the device for analytics (analytics_storage) and for
    ads (ads_storage), and whether an event was sent without cookies (uses_transient_token). An app's user can also limit ad
    tracking in the system's settings (device.is_limited_ad_tracking), and an app or site can switch personal ads off for a user,
    whose events then have the user property non_personalized_ads. What GA4 concludes from all of it, and from the user's Google
    account, is in the export's tables of users (is_ads_personalization_allowed).
#}

{#
    `denied`, `granted` or `unknown`. An event without a device id belongs to a user who denied, unless consent is recorded
    and a login id identifies them (Measurement Protocol).
#}
{% macro consent_state(analytics_storage, uses_transient_token, user_pseudo_id, user_id) -%}
    case
        when lower({{ analytics_storage }}) in ('no', 'denied') or lower({{ uses_transient_token }}) = 'yes' then 'denied'
        when {{ user_pseudo_id }} is null and (
            {{ user_id }} is null or coalesce(lower({{ analytics_storage }}), '') not in ('yes', 'granted')
        ) then 'denied'
        when lower({{ analytics_storage }}) in ('yes', 'granted') then 'granted'
        else 'unknown'
    end
{%- endmacro %}

{# `denied`, `granted` or `unknown`: consent to ads, of an event. #}
{% macro ads_consent_state(ads_storage, is_limited_ad_tracking, non_personalized_ads) -%}
    case
        when lower({{ ads_storage }}) in ('no', 'denied') or lower({{ is_limited_ad_tracking }}) in ('yes', 'true')
            or lower({{ non_personalized_ads }}) in ('1', 'yes', 'true') then 'denied'
        when lower({{ ads_storage }}) in ('yes', 'granted') then 'granted'
        else 'unknown'
    end
{%- endmacro %}

{# The last state that is known, `unknown` if none is. #}
{% macro last_consent_state(state, latest_first) -%}
    coalesce({{ first_by(state, latest_first, state ~ " <> 'unknown'") }}, 'unknown')
{%- endmacro %}

{# The state of a person with several devices: denied on one is denied. #}
{% macro consent_state_of_devices(state) -%}
    case
        when {{ count_where(state ~ " = 'denied'") }} > 0 then 'denied'
        when {{ count_where(state ~ " = 'granted'") }} > 0 then 'granted'
        else 'unknown'
    end
{%- endmacro %}

{# Boolean SQL: does a state allow it, according to a policy (the var consent_policy or ads_consent_policy)? #}
{% macro is_consented(state, policy_var='consent_policy') -%}
    {%- set policy = var(policy_var) -%}
    {%- if policy == 'exclude_denied' -%} {{ state }} <> 'denied'
    {%- elif policy == 'require_granted' -%} {{ state }} = 'granted'
    {%- elif policy == 'ignore' -%} true
    {%- else -%}
    {{ exceptions.raise_compiler_error("var " ~ policy_var ~ " is '" ~ policy ~ "': give exclude_denied, require_granted or ignore") }}
    {%- endif -%}
{%- endmacro %}

{# Boolean SQL: does the policy ads_consent_policy leave them out of lists for ads because they denied storage or personal ads? #}
{% macro is_ads_denied(ads_consent_state, ads_personalization_state) -%}
    {%- if var('ads_consent_policy') == 'ignore' -%} false
    {%- else -%} {{ ads_consent_state }} = 'denied' or {{ ads_personalization_state }} = 'denied'
    {%- endif -%}
{%- endmacro %}
