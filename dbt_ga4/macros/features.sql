{# Dates and definitions for the features of persons; independent of the engine. #}

{#
    The dates, as SQL, as of which ml_ga4__user_features is built: the var feature_as_of_dates, or, if it is not set, the day
    after the last one (for scoring) and the last date with all labels known.
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
