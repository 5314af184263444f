{# The column of a user property: its name, with characters that a column name cannot contain replaced. #}
{% macro user_property_column(name) -%}
    user_property_{{ modules.re.sub('[^A-Za-z0-9_]', '_', name) }}
{%- endmacro %}
