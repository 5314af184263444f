{# The column of a user property: its name with what no column may hold replaced. #}
{% macro user_property_column(name) -%}
    user_property_{{ modules.re.sub('[^A-Za-z0-9_]', '_', name) }}
{%- endmacro %}
