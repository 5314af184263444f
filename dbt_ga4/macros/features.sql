{# Dates and definitions for the features of persons; independent of the engine. #}

{#
    The dates, as SQL, as of which ml_ga4__user_features is built: the var feature_as_of_dates, or, if it is not set, the days
    after the last exported ones that may still change (for scoring), and the last Mondays (to train and evaluate predictions).
#}
{% macro feature_dates(last_day) %}
    {% set dates = [] %}
    {% for given in var('feature_as_of_dates') %}
        {% do dates.append("date '" ~ iso_date('feature_as_of_dates', given) ~ "'") %}
    {% endfor %}
    {% if not dates %}
        {% for back in range([var('late_event_days') | int, 1] | max) %}
            {% do dates.append(days_later(last_day, 1 - back)) %}
        {% endfor %}
        {% set monday = days_later(days_later(last_day, 1), '-' ~ day_of_week(days_later(last_day, 1))) %}
        {% for week in range(var('feature_weeks') | int) %}
            {% do dates.append(days_later(monday, -7 * week)) %}
        {% endfor %}
    {% endif %}
    {{ return(dates) }}
{% endmacro %}

{# Days since Monday, 0 to 6. 1970-01-05 was a Monday. #}
{% macro day_of_week(date) -%}
    mod({{ days_between("date '1970-01-05'", date) }}, 7)
{%- endmacro %}

{# Is the date a Saturday or Sunday? #}
{% macro is_weekend(date) -%}
    {{ day_of_week(date) }} >= 5
{%- endmacro %}

{# Common table expressions: properties (their exported days) and as_of_dates (the dates of each property). #}
{% macro properties_and_as_of_dates() -%}
properties as (

    -- The last exported day; an event with a wrong clock can be after it.
    select property_id, min(event_date) as first_exported_day, max(event_date) as last_day
    from {{ ref('int_ga4__events_sessionized') }}
    group by property_id

),

as_of_dates as (

    {% for as_of in feature_dates('last_day') -%}
    select property_id, last_day, {{ as_of }} as as_of
    from properties
    {%- if not var('feature_as_of_dates') %}
    where {{ as_of }} > first_exported_day
    {%- endif %}
    {{ 'union distinct' if not loop.last }}
    {% endfor %}
)
{%- endmacro %}

{# Common table expressions up to identities: the person of each device as of as_of_dates. #}
{% macro identities_as_of() -%}
{% set stitching = var('identity_stitching') -%}
{% if stitching == 'user_id' %}
logins as (

    select property_id, client_key, user_id, min(event_date) as since
    from {{ ref('int_ga4__events_sessionized') }}
    where user_id is not null
    group by property_id, client_key, user_id

),

-- As int_ga4__identity_map, from the logins before as_of.
frozen_identities as (

    select
        as_of_dates.as_of,
        logins.client_key,
        {{ md5_key(['min(logins.property_id)', "'user_id'", 'min(logins.user_id)']) }} as user_key
    from logins
    inner join as_of_dates on logins.property_id = as_of_dates.property_id and logins.since < as_of_dates.as_of
    group by as_of_dates.as_of, logins.client_key
    having count(*) = 1

),
{% endif %}
-- The person of each device as of each date. A device that is first seen later is mapped by the current identity map.
identities as (

    select
        known.client_key,
        as_of_dates.as_of,
        {%- if stitching == 'user_id' %}
        case
            when known.first_seen < as_of_dates.as_of then coalesce(frozen.user_key, known.client_key)
            else known.user_key
        end as user_key
        {%- else %}
        known.user_key
        {%- endif %}
    from {{ ref('int_ga4__identity_map') }} as known
    inner join as_of_dates on known.property_id = as_of_dates.property_id
    {%- if stitching == 'user_id' %}
    left join frozen_identities as frozen on known.client_key = frozen.client_key and as_of_dates.as_of = frozen.as_of
    {%- endif %}

)
{%- endmacro %}

{# The person of a row's device as of dates.as_of: the device itself, unless logins join devices (see join_person_of). #}
{% macro person_of(relation) -%}
{{ 'identities.user_key' if var('identity_stitching') == 'user_id' else relation ~ '.client_key' }}
{%- endmacro %}

{# The join that person_of needs, after a join to dates. #}
{% macro join_person_of(relation) -%}
{% if var('identity_stitching') == 'user_id' -%}
inner join identities on {{ relation }}.client_key = identities.client_key and dates.as_of = identities.as_of
{%- endif %}
{%- endmacro %}
