{#
    Consent. privacy_info contains whether the user allowed GA4 to store data on the device (analytics_storage), and
    whether an event was sent without cookies (uses_transient_token).
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

{# Boolean SQL: may the event be attributed to a user, according to the var consent_policy? #}
{% macro is_consented(state) -%}
    {%- set policy = var('consent_policy') -%}
    {%- if policy == 'exclude_denied' -%} {{ state }} <> 'denied'
    {%- elif policy == 'require_granted' -%} {{ state }} = 'granted'
    {%- elif policy == 'ignore' -%} true
    {%- else -%}
    {{ exceptions.raise_compiler_error("var consent_policy is '" ~ policy ~ "': give exclude_denied, require_granted or ignore") }}
    {%- endif -%}
{%- endmacro %}
