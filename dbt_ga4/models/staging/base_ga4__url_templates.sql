{{ ga4_built_at_full_refresh() }}

{% if ga4_is_kept() -%}
select * from {{ this }}
where false
{%- else -%}
with views as (

    select
        {{ param_text(param_of('event_params', 'page_location')) }} as address,
        user_pseudo_id
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events')) }} as raw_events
    where event_name in ({{ quoted_list(var('page_view_events')) }})

),

evidence as (

    {{ url_template_evidence('views') }}

)

select
    *,
    {{ is_shared_template('evidence') }} as keeps_ids
from evidence
{%- endif %}
