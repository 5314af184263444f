{# The meaning of GA4's values; independent of the engine. #}

{# SQL text literals of a list, comma-separated. #}
{% macro quoted_list(values) -%}
    {% for value in values %}'{{ value | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# The text itself, or null if it is empty or one of GA4's placeholders. #}
{% macro known(value) -%}
    case when {{ value }} not in ('', {{ quoted_list(var('placeholder_values')) }}) then {{ value }} end
{%- endmacro %}

{# A login or transaction id, or null for the placeholders that sites send instead; GA4 would treat a placeholder as one id. #}
{% macro known_id(value) -%}
    {%- set trimmed = replace_all(value, '^\\s+|\\s+$', '') -%}
    case
        when lower({{ trimmed }}) not in ({{ quoted_list((placeholder_ids() + (var('placeholder_values') | map('lower') | list)) | unique) }})
            then {{ trimmed }}
    end
{%- endmacro %}

{# Is the value one of GA4's placeholders? #}
{% macro is_placeholder(value) -%}
    coalesce({{ value }} in ({{ quoted_list(var('placeholder_values')) }}), false)
{%- endmacro %}

{# GA4's session number in the cookie's newer text form (GS2.1.s1746000000$o1...). #}
{% macro session_id_of_cookie(value) -%}
    {{ whole_number(extract(value, '^GS\\d+\\.\\d+\\.s?(\\d+)')) }}
{%- endmacro %}

{#
    The source, medium or campaign of the first attribution source that has a source, else of the first that has a medium or
    a campaign, so that the three always come from the same one. An attribution source is given as the prefix of its columns,
    which are null if unknown. A medium "(none)" or a campaign in parentheses, such as "(organic)", does not count.
#}
{% macro first_known_source(attribution_sources, part) -%}
    case
    {%- for origin in attribution_sources %}
        when {{ origin }}_source is not null then {{ origin }}_{{ part }}
    {%- endfor %}
    {%- for origin in attribution_sources %}
        when coalesce(nullif({{ origin }}_medium, '(none)'), {{ named_campaign(origin ~ '_campaign') }}) is not null
            then {{ origin }}_{{ part }}
    {%- endfor %}
    end
{%- endmacro %}

{# The caller's SQL with the time zone of a property: from the var property_timezones, else from the var timezone. #}
{% macro by_timezone_of(property_id) -%}
    {%- set zones = var('property_timezones') -%}
    {%- if zones -%}
    case {{ property_id }}
    {%- for property, zone in zones.items() %}
        when '{{ property | string | replace("'", "''") }}' then {{ caller(zone) }}
    {%- endfor %}
        else {{ caller(var('timezone')) }}
    end
    {%- else -%}
    {{ caller(var('timezone')) }}
    {%- endif -%}
{%- endmacro %}

{# The calendar day of microseconds since 1970 in the time zone of the property. #}
{% macro property_date(value, property_id) -%}
    {%- call(zone) by_timezone_of(property_id) -%} {{ local_date(value, zone) }} {%- endcall -%}
{%- endmacro %}

{# The hour of the day, 0 to 23, of microseconds since 1970 in the time zone of the property. #}
{% macro property_hour(value, property_id) -%}
    {%- call(zone) by_timezone_of(property_id) -%} {{ local_hour(value, zone) }} {%- endcall -%}
{%- endmacro %}

{# Is the event a key event (the var conversion_events) or a purchase? #}
{% macro is_key_event(event_name) -%}
    ({{ event_name }} in ({{ quoted_list(var('conversion_events')) }}) or {{ is_purchase_event(event_name) }})
{%- endmacro %}

{#
    Aggregate: the engagement that the events of a session record, 1 or 0. The events that start a session are ignored, because they
    always record 1, before anything has happened.
#}
{% macro recorded_engagement() -%}
    max(case when event_name not in ('session_start', 'first_visit', 'first_open') then session_engaged end)
{%- endmacro %}

{#
    Is the session engaged? A session with a key event always is. Else as the export records it, which does not consider key
    events; if it records nothing, after ten seconds of engagement or two page views.
    https://support.google.com/analytics/answer/12798876
#}
{% macro is_engaged() -%}
    key_events > 0 or case
        when recorded_engagement is not null then recorded_engagement > 0
        else coalesce(engagement_time_msec, 0) >= 10000 or page_views >= 2
    end
{%- endmacro %}

{# A real campaign name; null if GA4 only repeats the medium, as in "(organic)" and "(referral)". #}
{% macro named_campaign(campaign) -%}
    case when {{ campaign }} not like '(%)' then {{ campaign }} end
{%- endmacro %}

{# A specific medium; null if it is one that GA4 assigns to any referring site. #}
{% macro named_medium(medium) -%}
    case when lower({{ medium }}) not in ('organic', 'referral', '(none)') then {{ medium }} end
{%- endmacro %}

{# Boolean SQL: does an attribution source have any information? Its columns are those of first_known_source. #}
{% macro has_source(origin) -%}
    coalesce({{ origin }}_source, {{ origin }}_medium, {{ origin }}_campaign) is not null
{%- endmacro %}

{# Boolean SQL: does it have more information than that a hidden site referred the visit? #}
{% macro names_source(origin) -%}
    coalesce({{ origin }}_source, {{ named_medium(origin ~ '_medium') }}, {{ named_campaign(origin ~ '_campaign') }}) is not null
{%- endmacro %}

{# Aggregate: the number of rows of a condition. #}
{% macro count_where(condition) -%}
    count(case when {{ condition }} then 1 end)
{%- endmacro %}

{# Aggregate: the sum of whole numbers as a 64-bit integer (DuckDB's own sum has 128 bits, which not every reader supports). #}
{% macro sum_whole(expression) -%}
    cast(sum({{ expression }}) as {{ dbt.type_bigint() }})
{%- endmacro %}

{# Rank of the kinds of a day's tables: the one with the lowest rank is used. #}
{% macro table_rank(table_kind) -%}
    case {{ table_kind }} when 'daily' then 0 when 'fresh' then 1 else 2 end
{%- endmacro %}

{#
    The custom parameters of a var, a list of names or of {name, type}: name, type (string, int or double) and the
    column name, which is the parameter's name in lowercase.
#}
{% macro custom_params(variable) -%}
    {%- set params = [] -%}
    {%- for given in var(variable) -%}
        {%- set param = {'name': given, 'type': 'string'} if given is string else {'name': given.name, 'type': given.get('type', 'string')} -%}
        {%- if not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', param.name) or param.type not in ('string', 'int', 'double') -%}
            {{ exceptions.raise_compiler_error("var " ~ variable ~ " has " ~ given ~ ": give a parameter's name, or {name: ..., type: string, int or double}") }}
        {%- endif -%}
        {%- do params.append(dict(param, column=param.name | lower)) -%}
    {%- endfor -%}
    {{ return(params) }}
{%- endmacro %}

{# The text of a parameter, cast to the type of a custom parameter. #}
{% macro custom_param(value, type) -%}
    {%- if type == 'int' -%} {{ whole_number(value) }}
    {%- elif type == 'double' -%} {{ number(value) }}
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}

{#
    The range of each number that GA4 does not limit, so that no single event can overflow a sum. A value outside is set to null
    and counted (values_out_of_range). Money: 10^12 of any currency; engagement: one day, as an event reports at most the time
    since the previous event.
#}
{% macro ranges() -%}
    {%- set money = [-1000000000000, 1000000000000] -%}
    {%- set ranges = {
        'ga_session_number': [1, 1000000],
        'engagement_time_msec': [0, 86400000],
        'quantity': [-1000000, 1000000],
    } -%}
    {%- for column in money_columns() + item_money_columns() -%}
        {%- do ranges.update({column: money}) -%}
    {%- endfor -%}
    {{ return(ranges) }}
{%- endmacro %}

{# A number of that name, or null if it is outside its range. #}
{% macro in_range(column, value=none) -%}
    {%- set least, most = ranges()[column] -%}
    case when {{ value or column }} between {{ least }} and {{ most }} then {{ value or column }} end
{%- endmacro %}

{# Number of columns whose value is outside its range. A comparison with NaN is false. #}
{% macro values_out_of_range(columns, prefix='') -%}
    {%- for column in columns -%}
    {%- set least, most = ranges()[column] -%}
    case when {{ prefix }}{{ column }} is not null and not coalesce({{ prefix }}{{ column }} between {{ least }} and {{ most }}, false) then 1 else 0 end
    {{- ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
