{{ ga4_built_at_full_refresh() }}
{% if ga4_is_kept() -%}

select * from {{ this }}
where false

{%- else -%}

with views as (

    {{ viewed_templates(days_after=none) }}

),

evidence as (

    {{ url_template_evidence('views') }}

)

select
    *,
    {{ is_shared_template('evidence') }} as keeps_ids
from evidence

{%- endif %}
