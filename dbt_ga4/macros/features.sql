{# What the features of persons are taken of; no engine is named here. #}

{#
    The dates, as SQL, as of which ml_ga4__user_features is built: the var feature_as_of_dates, or, without it, the day
    after the last one (whom to score now) and the last date whose labels are all known.
#}
{% macro feature_dates(last_day, longest_horizon) %}
    {% set dates = [] %}
    {% for given in var('feature_as_of_dates') %}
        {% do dates.append("date '" ~ iso_date('feature_as_of_dates', given) ~ "'") %}
    {% endfor %}
    {{ return(dates or [days_later(last_day, 1), days_later(last_day, 1 - longest_horizon)]) }}
{% endmacro %}

{# Is the date a Saturday or Sunday? 1970-01-05 was a Monday. #}
{% macro is_weekend(date) -%}
    mod({{ days_between("date '1970-01-05'", date) }}, 7) >= 5
{%- endmacro %}
