{# The plain names. `value` and the like are SQL expressions; names and patterns are text. #}

{#
    All raw events: every column that sources.yml declares, whether or not a file has it, and table_kind (daily, fresh, intraday).
    On BigQuery only of the requested days and some days after; with days_after none, of all history.
#}
{% macro ga4_raw_events(source_relation, days_after=0) %}
    {{- return(adapter.dispatch('ga4_raw_events', 'dbt_ga4')(source_relation, days_after)) -}}
{% endmacro %}

{#
    Who allowed personal ads (ads_personalization_state: granted or denied), by day and device or login id, from the export's tables of
    users. On BigQuery only with the var read_user_tables, as not every export has them.
#}
{% macro ga4_users(source_relation) %}
    {{- return(adapter.dispatch('ga4_users', 'dbt_ga4')(source_relation)) -}}
{% endmacro %}

{# Config of an incremental model with which a run replaces the window's rows; without a window it replaces none. #}
{% macro ga4_incremental_settings(window, cluster_by) %}
    {{- return(adapter.dispatch('ga4_incremental_settings', 'dbt_ga4')(window, cluster_by)) -}}
{% endmacro %}

{# Config of a table that each run replaces: how BigQuery stores it, by the days of a date column and ordered by some columns. #}
{% macro ga4_table(cluster_by, partition_by=none) %}
    {{- adapter.dispatch('ga4_table', 'dbt_ga4')(cluster_by, partition_by) -}}
{% endmacro %}

{# All columns except the named ones. #}
{% macro all_but(columns) %}
    {{- return(adapter.dispatch('all_but', 'dbt_ga4')(columns)) -}}
{% endmacro %}

{# A number that is equal for equal rows, over all named columns. #}
{% macro row_hash(columns) %}
    {{- return(adapter.dispatch('row_hash', 'dbt_ga4')(columns)) -}}
{% endmacro %}

{#
    Common table expressions up to distinct_events: the flat events of the best table of each day, with `copies`. A day is exported
    while it is in progress (intraday, fresh) and again when it is complete (daily): the last one is used. Rows that are equal in
    every field of the export are one event.
#}
{% macro distinct_events(flat_events, identity) %}
    {{- return(adapter.dispatch('distinct_events', 'dbt_ga4')(flat_events, identity)) -}}
{% endmacro %}

{# The distinct addresses, as `address`, that the columns page_location and page_referrer of a relation contain. #}
{% macro addresses_of(relation) %}
    {{- return(adapter.dispatch('addresses_of', 'dbt_ga4')(relation)) -}}
{% endmacro %}

{# A key of several parts: the md5, in hex, of their texts joined by '|'. #}
{% macro md5_key(parts) %}
    {{- return(adapter.dispatch('md5_key', 'dbt_ga4')(parts)) -}}
{% endmacro %}

{# Does a person belong to a sample of one in a power of two? The same persons on both engines, and in Python (store/sample.py). #}
{% macro in_sample(user_key, one_in) %}
    {{- return(adapter.dispatch('in_sample', 'dbt_ga4')(user_key, one_in)) -}}
{% endmacro %}

{# The value of the parameter with that name in a list of parameters, as text; null if there is none. #}
{% macro param_of(params, name) %}
    {{- return(adapter.dispatch('param_of', 'dbt_ga4')(params, name)) -}}
{% endmacro %}

{# The number of elements of an array. #}
{% macro array_length(value) %}
    {{- return(adapter.dispatch('array_length', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# The rows of a relation, one for each element of an array column: all columns, the element, and `<name>_index` from 1. #}
{% macro unnested(relation, column, name) %}
    {{- return(adapter.dispatch('unnested', 'dbt_ga4')(relation, column, name)) -}}
{% endmacro %}

{# A `value` record as text, from the field that GA4 has set. #}
{% macro value_text(value) %}
    {{- return(adapter.dispatch('value_text', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# Text as a whole number, also if it has a fraction ("12.0"); null if it is not a number. #}
{% macro whole_number(value) %}
    {{- return(adapter.dispatch('whole_number', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# Text as a 64-bit floating-point number; null if it is not a number. #}
{% macro number(value) %}
    {{- return(adapter.dispatch('number', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# Microseconds since 1970 as a timestamp in UTC. #}
{% macro timestamp_from_micros(value) %}
    {{- return(adapter.dispatch('timestamp_from_micros', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# The calendar day of microseconds since 1970 in a time zone. #}
{% macro local_date(value, timezone) %}
    {{- return(adapter.dispatch('local_date', 'dbt_ga4')(value, timezone)) -}}
{% endmacro %}

{# The hour of the day, 0 to 23, of microseconds since 1970 in a time zone. #}
{% macro local_hour(value, timezone) %}
    {{- return(adapter.dispatch('local_hour', 'dbt_ga4')(value, timezone)) -}}
{% endmacro %}

{# A date some days later; days may be negative. #}
{% macro days_later(value, days) %}
    {{- return(adapter.dispatch('days_later', 'dbt_ga4')(value, days)) -}}
{% endmacro %}

{# Whole days from a date to a later one. #}
{% macro days_between(first, last) %}
    {{- return(adapter.dispatch('days_between', 'dbt_ga4')(first, last)) -}}
{% endmacro %}

{# Does the pattern (RE2) occur in the text, ignoring case? #}
{% macro matches(value, pattern) %}
    {{- return(adapter.dispatch('matches', 'dbt_ga4')(value, pattern)) -}}
{% endmacro %}

{# The first match of a pattern's first group, or null. #}
{% macro extract(value, pattern) %}
    {{- return(adapter.dispatch('extract', 'dbt_ga4')(value, pattern)) -}}
{% endmacro %}

{# Text with every match of the pattern replaced, ignoring case. #}
{% macro replace_all(value, pattern, replacement) %}
    {{- return(adapter.dispatch('replace_all', 'dbt_ga4')(value, pattern, replacement)) -}}
{% endmacro %}

{# Percent-decoded text; text that does not decode to Unicode is unchanged. #}
{% macro url_decode(value) %}
    {{- return(adapter.dispatch('url_decode', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# Unicode text in its composed form, so that equal letters are equal text. #}
{% macro compose_unicode(value) %}
    {{- return(adapter.dispatch('compose_unicode', 'dbt_ga4')(value)) -}}
{% endmacro %}

{# The query string's parameters whose name is in `names` (or is not), in their order, or sorted; null if none is left. #}
{% macro query_parameters(query, names, keep, sort=false) %}
    {{- return(adapter.dispatch('query_parameters', 'dbt_ga4')(query, names, keep, sort)) -}}
{% endmacro %}

{# Text in which every part of an address that looks like a token is replaced (macros/url.sql). #}
{% macro redact_tokens(value, replacement) %}
    {{- return(adapter.dispatch('redact_tokens', 'dbt_ga4')(value, replacement)) -}}
{% endmacro %}

{#
    Aggregate: the value of the first row in an order, among the rows of a condition. On DuckDB an order of one column needs much less
    memory.
#}
{% macro first_by(value, order_by, where) %}
    {{- return(adapter.dispatch('first_by', 'dbt_ga4')(value, order_by, where)) -}}
{% endmacro %}

{# A whole number that orders the events of a session: by their day, time, export day and event_index. #}
{% macro event_order() %}
    {{- return(adapter.dispatch('event_order', 'dbt_ga4')()) -}}
{% endmacro %}

{#
    Aggregate: the number that is not null of the first row in the order of two whole numbers, the second from 0 to 2^60. On DuckDB its
    groups can be written to the disk.
#}
{% macro first_number_by(value, first, second) %}
    {{- return(adapter.dispatch('first_number_by', 'dbt_ga4')(value, first, second)) -}}
{% endmacro %}

{# Aggregate: all values of a column as an array in an order. #}
{% macro ordered_array(value, order_by) %}
    {{- return(adapter.dispatch('ordered_array', 'dbt_ga4')(value, order_by)) -}}
{% endmacro %}

{# An empty array of texts. #}
{% macro empty_text_array() %}
    {{- return(adapter.dispatch('empty_text_array', 'dbt_ga4')()) -}}
{% endmacro %}

{# Does the pattern (RE2) in a column occur in the text, ignoring case? #}
{% macro matches_pattern_of(value, pattern) %}
    {{- return(adapter.dispatch('matches_pattern_of', 'dbt_ga4')(value, pattern)) -}}
{% endmacro %}

{# Placed before the parenthesis of a common table expression: compute it once and keep its rows. BigQuery decides by itself. #}
{% macro materialized() %}
    {{- return(adapter.dispatch('materialized', 'dbt_ga4')()) -}}
{% endmacro %}

{# After the query of a table: its rows are stored in this order. BigQuery partitions and clusters instead. #}
{% macro stored_in_order_of(column) %}
    {{- return(adapter.dispatch('stored_in_order_of', 'dbt_ga4')(column)) -}}
{% endmacro %}
