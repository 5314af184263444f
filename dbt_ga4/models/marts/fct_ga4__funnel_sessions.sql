{{ ga4_table(partition_by='session_date', cluster_by=['user_key']) }}
{% set steps = range(1, 7) -%}

with sessions as (

    select
        events.session_key,
        events.property_id,
        events.client_key,
        events.session_date,
        max(taxonomy.funnel_step) as furthest_step,
        {%- for step in steps %}
        min(case when taxonomy.funnel_step = {{ step }} then events.event_timestamp end) as reached_{{ step }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_ga4__events_sessionized') }} as events
    inner join {{ ref('ga4_event_taxonomy') }} as taxonomy on events.event_name = taxonomy.event_name
    where events.session_key is not null
        and taxonomy.funnel_step is not null
    group by events.session_key, events.property_id, events.client_key, events.session_date

)

select
    sessions.session_key,
    sessions.property_id,
    identities.user_key,
    sessions.client_key,
    sessions.session_date,
    sessions.furthest_step,
    cast(
        {%- for step in steps %}
        case when sessions.reached_{{ step }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %}
        as {{ dbt.type_bigint() }}
    ) as steps_reached,
    {%- for step in steps %}
    {{ timestamp_from_micros('sessions.reached_' ~ step) }} as step_{{ step }}_at,
    {%- endfor %}
    -- no step was reached before an earlier one; steps can be skipped
    case
        {%- for step in steps %}
        {%- for later in range(step + 1, 7) %}
        when sessions.reached_{{ later }} < sessions.reached_{{ step }} then false
        {%- endfor %}
        {%- endfor %}
        else true
    end as is_in_order,
    case when sessions.furthest_step < 6 then sessions.furthest_step end as dropped_after
from sessions
inner join {{ ref('int_ga4__identity_map') }} as identities on sessions.client_key = identities.client_key
