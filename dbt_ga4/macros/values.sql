{# What GA4's values mean; no engine is named here. #}

{# SQL text literals of a list, separated by commas. #}
{% macro quoted_list(values) -%}
    {% for value in values %}'{{ value | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# The text itself, or null where it is empty or one of GA4's ways to say that it does not tell. #}
{% macro known(value) -%}
    case when {{ value }} not in ('', {{ quoted_list(var('placeholder_values')) }}) then {{ value }} end
{%- endmacro %}

{# Is the value there, but one by which GA4 says that it does not tell? #}
{% macro is_placeholder(value) -%}
    coalesce({{ value }} in ({{ quoted_list(var('placeholder_values')) }}), false)
{%- endmacro %}

{# GA4's session number as it stands in ga_session_id, also in the cookie's newer text form (GS2.1.s1746000000$o1...). #}
{% macro ga_session_id() -%}
    coalesce({{ event_param_int('ga_session_id') }}, {{ cast_or_null(extract(event_param('ga_session_id') ~ '.string_value', '^GS\d+\.\d+\.s?(\d+)'), 'bigint') }})
{%- endmacro %}

{#
    One of 'source', 'medium' and 'campaign' of the first of several candidates whose source is known, so that the
    three always come from the same witness.
#}
{% macro first_known_source(candidates, part) -%}
    {%- set place = ['source', 'medium', 'campaign'].index(part) -%}
    case
    {%- for candidate in candidates %}
        when {{ known(candidate[0]) }} is not null then {{ known(candidate[place]) }}
    {%- endfor %}
    end
{%- endmacro %}

{# Aggregate: the number of rows of a condition. #}
{% macro count_where(condition) -%}
    sum(case when {{ condition }} then 1 else 0 end)
{%- endmacro %}
