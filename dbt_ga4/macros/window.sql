{#
    The window of days that a run rewrites.

    A run selects export days with the vars min_date and max_date, or, if neither is given, with the environment variables
    GA4_MIN_DATE and GA4_MAX_DATE. With other values of vars dbt parses the whole project again; with other values of these
    environment variables it does not (on BigQuery only the incremental models, whose partitions are config). In some models a
    new export day affects more days (late events, sessions across midnight), so each incremental model declares its own window:

        ga4_incremental(column='occurred_on', days_before=3, days_after=3)

    The same window limits the rows that the model selects, that are replaced, and that the data tests check.
#}

{# Config of an incremental model with its window, which is stored in config.meta.window; BigQuery clusters by these columns. #}
{% macro ga4_incremental(column, days_before, days_after, cluster_by=none) %}
    {%- set window = {'column': column, 'days_before': days_before, 'days_after': days_after} -%}
    {{- config(
        materialized='incremental',
        on_schema_change='append_new_columns',
        meta={'window': window},
        **ga4_incremental_settings(window, cluster_by)
    ) -}}
{% endmacro %}

{#
    Config of a small model that reads all history: it is built only by the first run and by --full-refresh, so that a run of
    some days neither reads all history nor changes the input of the other days. Its SQL is

        {% if ga4_is_kept() %} select * from {{ this }} where false {% else %} ... {% endif %}
#}
{% macro ga4_built_at_full_refresh() %}
    {{- config(materialized='incremental', on_schema_change='append_new_columns', **ga4_incremental_settings(none, none)) -}}
{% endmacro %}

{# Jinja boolean: does this run keep the rows of such a model? Not in a unit test, nor without a connection (--no-introspect). #}
{% macro ga4_is_kept() %}
    {{ return(flags.INTROSPECT and model.resource_type != 'unit_test' and is_incremental()) }}
{% endmacro %}

{# Boolean SQL: is a row in the window of this model, or of another? #}
{% macro ga4_in_window(window=none) %}
    {%- set window = window or model.config.get('meta', {}).get('window') -%}
    {{- ga4_between(window.column, window.days_before, window.days_after) if window else 'true' -}}
{% endmacro %}

{# Boolean SQL: is the date column between days_before the first and days_after the last requested day? #}
{% macro ga4_between(column, days_before, days_after) %}
    {%- set first = ga4_window_end('min_date', -days_before) -%}
    {%- set last = ga4_window_end('max_date', days_after) -%}
    {%- if first is none and last is none -%} true
    {%- elif last is none -%} {{ column }} >= date '{{ first }}'
    {%- elif first is none -%} {{ column }} <= date '{{ last }}'
    {%- else -%} {{ column }} between date '{{ first }}' and date '{{ last }}'
    {%- endif -%}
{% endmacro %}

{#
    One end of the window as a date, or none if it is open: no such day, --full-refresh, or a unit test. It is not evaluated
    while dbt parses, so that dbt does not parse the models again for another day.

    A --full-refresh of all days can begin with some of them: with the environment variable GA4_FULL_REFRESH_IN_PARTS the window
    limits it too, and calls without --full-refresh add the other days.
#}
{% macro ga4_window_end(name, shift) %}
    {% if not execute or model.resource_type == 'unit_test' %}
        {{ return(none) }}
    {% endif %}
    {% if flags.FULL_REFRESH and not env_var('GA4_FULL_REFRESH_IN_PARTS', '') %}
        {{ return(none) }}
    {% endif %}
    {{ return(ga4_asked_day(name, shift)) }}
{% endmacro %}

{# The date of a var, or of its environment variable if neither var is given, some days later; none if it is not set. #}
{% macro ga4_asked_day(name, shift) %}
    {% set given = var(name, none) %}
    {% if not (var('min_date', none) or var('max_date', none)) %}
        {% set given = env_var('GA4_' ~ name | upper, '') %}
        {#- the last call of a build in parts tests the days of all its calls #}
        {% if name == 'min_date' and model.resource_type == 'test' %}
            {% set given = env_var('GA4_TEST_MIN_DATE', '') or given %}
        {% endif %}
    {% endif %}
    {% if not given %}
        {{ return(none) }}
    {% endif %}
    {{ return(iso_date(name, given) + modules.datetime.timedelta(days=shift)) }}
{% endmacro %}

{# The date of a var given as text. #}
{% macro iso_date(name, given) %}
    {% if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', given | string) %}
        {{ exceptions.raise_compiler_error(name ~ " is '" ~ given ~ "': give an ISO date, as in --vars '{" ~ name ~ ": 2024-01-31}'") }}
    {% endif %}
    {{ return(modules.datetime.date.fromisoformat(given | string)) }}
{% endmacro %}

{# The incremental strategy on DuckDB: delete the window's rows, insert the new ones. A day that became empty leaves no row. #}
{% macro get_incremental_replace_window_sql(arg_dict) %}
    {% set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) %}
    delete from {{ arg_dict['target_relation'] }}
    where {{ ga4_in_window() }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}

{# Data tests check only the rows that the run has written, so that their cost does not grow with history. #}
{% macro ga4_where_subquery(relation) %}
    {% set tested = graph.nodes.get(model.attached_node) if execute %}
    {% set window = tested.config.meta.get('window') if tested else none %}
    {% if window and relation.identifier == tested.alias %}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ ga4_in_window(window) ~ ') as written') }}
    {% endif %}
    {{ return(default__get_where_subquery(relation)) }}
{% endmacro %}

{#
    Boolean SQL: can the rows that the run has written in another table refer to a row of this one? An event has happened at most
    late_event_days before its export day, and its session has started at most a day before that.
#}
{% macro ga4_near_window(relation) %}
    {% if not execute %}
        {{ return('true') }}
    {% endif %}
    {%- set written = graph.nodes.get(model.attached_node, {}).get('config', {}).get('meta', {}).get('window') -%}
    {%- set windows = graph.nodes.values() | selectattr('alias', 'equalto', relation.identifier) | map(attribute='config.meta') -%}
    {%- set window = (windows | first).get('window') -%}
    {%- if not (window and written) -%} true
    {%- else -%}
    {%- set more = var('late_event_days') | int + 1 -%}
    {{- ga4_between(window.column, written.days_before + more, written.days_after + more) -}}
    {%- endif -%}
{% endmacro %}

{# The names that dbt looks up. #}
{% macro duckdb__get_where_subquery(relation) %}
    {{ return(ga4_where_subquery(relation)) }}
{% endmacro %}

{% macro bigquery__get_where_subquery(relation) %}
    {{ return(ga4_where_subquery(relation)) }}
{% endmacro %}
