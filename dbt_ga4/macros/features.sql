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
        {% for back in range(newest_days()) %}
            {% do dates.append(days_later(last_day, 1 - back)) %}
        {% endfor %}
        {% set monday = days_later(days_later(last_day, 1), '-' ~ day_of_week(days_later(last_day, 1))) %}
        {% for week in range(var('feature_weeks') | int) %}
            {% do dates.append(days_later(monday, -7 * week)) %}
        {% endfor %}
    {% endif %}
    {{ return(dates) }}
{% endmacro %}

{# How many of the dates after the last exported days may still change: the newest ones, as of which all persons are scored. #}
{% macro newest_days() %}
    {{ return([var('late_event_days') | int, 1] | max) }}
{% endmacro %}

{#
    Boolean SQL, of a row of as_of_dates: is as_of one of the newest dates, as of which all persons are scored? Only those that
    follow the run's own days are: earlier nights have scored the others, whose rows are most of a large site's.
#}
{% macro is_newest() -%}
    {%- set first = ga4_window_end('min_date', 0) if not var('feature_as_of_dates') -%}
    as_of > {{ days_later('last_day', 1 - newest_days()) }}
    {%- if first %} and as_of > least(date '{{ first }}', last_day){% endif -%}
{%- endmacro %}

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
        known.property_id,
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

{#
    Common table expressions up to sampled_devices: of whom the dates before the newest ones are. That is of all persons, or of about
    feature_users if there are more. Persons who did the same things are a group, and one in a power of two of it is drawn, by a hash
    of the person. As in what predictions learn from, the group with the most persons is halved until they fit: so what few did stays
    whole or nearly so, a person is in all dates or in none, and a smaller sample is a part of a larger one.
    parts: the days of each device, with did_1, did_2 ... for the predicted events. The common table expression dates comes before.
#}
{% macro sample_of_persons(parts, predicted_events) -%}
{% set stitches = var('identity_stitching') == 'user_id' -%}
{% set most = var('feature_users') | int -%}
{% set person = 'devices.user_key' if stitches else 'parts.client_key' -%}
{% if stitches -%}
{{ identities_as_of() }},

devices as (

    select distinct identities.client_key, identities.user_key
    from identities
    inner join dates on identities.property_id = dates.property_id and identities.as_of = dates.as_of
    where not dates.is_newest

),

{% endif -%}
people as (

    select
        {{ person }} as user_key,
        {%- for event in predicted_events %}
        {{ 2 ** loop.index }} * max(did_{{ loop.index }}) +
        {%- endfor %}
        case when min(occurred_on) < max(occurred_on) then 1 else 0 end as did
    from {{ parts }} as parts
    {%- if stitches %}
    inner join devices on parts.client_key = devices.client_key
    {%- endif %}
    group by {{ person }}

),

buyers as (

    select distinct {{ person }} as user_key
    from {{ ref('int_ga4__purchases') }} as parts
    {%- if stitches %}
    inner join devices on parts.client_key = devices.client_key
    {%- endif %}
    where not is_refund_without_purchase

),

grouped as (

    select people.user_key, case when buyers.user_key is null then people.did else -1 - people.did end as did
    from people
    left join buyers on people.user_key = buyers.user_key

),

-- Each group, whole and halved again and again: what is drawn of it, and of all before it is halved, the largest first.
drawn as (

    select
        counted.did,
        powers.one_in,
        counted.persons / nullif(powers.one_in, 0) as persons
    from (select did, count(*) as persons from grouped group by did) as counted
    cross join (
        {%- for power in range(21) %}
        select {{ 2 ** power }} as one_in {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as powers

),

halvings as (

    select
        did,
        one_in,
        sum(case when one_in = 1 then persons end) over () - coalesce(sum(persons / 2) over (
            order by persons desc, did
            rows between unbounded preceding and 1 preceding
        ), 0) as persons_left
    from drawn

),

shares as (

    select did, max(case when persons_left > {{ most }} then 2 * one_in else 1 end) as one_in
    from halvings
    group by did

),

sample as (

    select grouped.user_key, cast(shares.one_in as {{ dbt.type_bigint() }}) as sampling_weight
    from grouped
    inner join shares on grouped.did = shares.did
    where {{ in_sample('grouped.user_key', 'shares.one_in') }}

),
{%- if stitches %}

persons as (

    select identities.*
    from identities
    inner join dates on identities.property_id = dates.property_id and identities.as_of = dates.as_of
    left join sample on identities.user_key = sample.user_key
    where dates.is_newest or sample.user_key is not null

),
{%- endif %}

sampled_devices as (

    {% if stitches -%}
    select distinct devices.client_key
    from devices
    inner join sample on devices.user_key = sample.user_key
    {%- else -%}
    select user_key as client_key
    from sample
    {%- endif %}

)
{%- endmacro %}

{# The person of a row's device as of dates.as_of: the device itself, unless logins join devices (see join_person_of). #}
{% macro person_of(relation) -%}
{{ 'persons.user_key' if var('identity_stitching') == 'user_id' else relation ~ '.client_key' }}
{%- endmacro %}

{# The join that person_of needs, after a join to dates. #}
{% macro join_person_of(relation) -%}
{% if var('identity_stitching') == 'user_id' -%}
inner join persons on {{ relation }}.client_key = persons.client_key and dates.as_of = persons.as_of
{%- endif %}
{%- endmacro %}
