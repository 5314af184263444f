{#
    Labels of a query for its cost, as JSON: the application, the model or test, and those of the environment variable
    BEHA2VEC_BIGQUERY_LABELS, such as "team=growth,env=production".
#}
{% macro cost_labels(node) -%}
    {%- set labels = {'application': 'beha2vec'} -%}
    {%- if node -%}
        {%- do labels.update({'dbt_node': node.name}) -%}
    {%- endif -%}
    {%- for label in env_var('BEHA2VEC_BIGQUERY_LABELS', '').split(',') if label | trim -%}
        {%- set parts = label.split('=') -%}
        {%- if parts | length != 2 -%}
            {{ exceptions.raise_compiler_error("BEHA2VEC_BIGQUERY_LABELS has '" ~ label ~ "': give name=value, with commas between labels") }}
        {%- endif -%}
        {%- do labels.update({parts[0] | trim: parts[1] | trim}) -%}
    {%- endfor -%}
    {{ return(tojson(labels)) }}
{%- endmacro %}
