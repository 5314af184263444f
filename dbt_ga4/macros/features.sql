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
