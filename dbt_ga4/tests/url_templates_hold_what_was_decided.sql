{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'base_ga4__url_templates'}}}) }}
{% set window = {'column': 'event_date', 'days_before': 0, 'days_after': 0} -%}

-- Fails for each URL template whose pages are shared by users in the days of this run although its ids are redacted, and for each
-- whose pages are not shared although its ids are kept. A full refresh decides again.
with views as (

    {{ viewed_templates(window) }}

),

evidence as (

    {{ url_template_evidence('views') }}

)

select evidence.*
from evidence
left join {{ ref('base_ga4__url_templates') }} as templates on evidence.url_template = templates.url_template
where case
        when coalesce(templates.keeps_ids, false) then evidence.pages >= 20 and not ({{ is_shared_template('evidence') }})
        else {{ is_shared_template('evidence') }}
    end
