{# What GA4's values mean; no engine is named here. #}

{# SQL text literals of a list, separated by commas. #}
{% macro quoted_list(values) -%}
    {% for value in values %}'{{ value | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# The text itself, or null where it is empty or one of GA4's ways to say that it does not tell. #}
{% macro known(value) -%}
    case when {{ value }} not in ('', {{ quoted_list(var('placeholder_values')) }}) then {{ value }} end
{%- endmacro %}

{# A login or transaction id without what sites send for want of one: GA4 takes that for an id, and all who have it for one. #}
{% macro known_id(value) -%}
    {%- set trimmed = replace_all(value, '^\\s+|\\s+$', '') -%}
    case
        when lower({{ trimmed }}) not in (
            '', 'undefined', 'null', 'none', 'nan', '0', '0.0', 'false', 'n/a', '-',
            {{ quoted_list(var('placeholder_values') | map('lower') | list) }}
        ) then {{ trimmed }}
    end
{%- endmacro %}

{# Is the value there, but one by which GA4 says that it does not tell? #}
{% macro is_placeholder(value) -%}
    coalesce({{ value }} in ({{ quoted_list(var('placeholder_values')) }}), false)
{%- endmacro %}

{# GA4's session number in the cookie's newer text form (GS2.1.s1746000000$o1...). #}
{% macro session_id_of_cookie(value) -%}
    {{ whole_number(extract(value, '^GS\\d+\\.\\d+\\.s?(\\d+)')) }}
{%- endmacro %}

{#
    The source, medium or campaign of the first of several witnesses that knows the source, else of the first that knows
    the medium or the campaign, so that the three always come from the same one. A witness is the first part of the
    names of its columns, which are null where nothing is known. The medium "(none)" and campaigns in parentheses, as "(organic)", alone tell nothing.
#}
{% macro first_known_source(witnesses, part) -%}
    case
    {%- for witness in witnesses %}
        when {{ witness }}_source is not null then {{ witness }}_{{ part }}
    {%- endfor %}
    {%- for witness in witnesses %}
        when coalesce(nullif({{ witness }}_medium, '(none)'), {{ named_campaign(witness ~ '_campaign') }}) is not null
            then {{ witness }}_{{ part }}
    {%- endfor %}
    end
{%- endmacro %}

{# What the caller makes of the time zone of a property: that of the var property_timezones, else of the var timezone. #}
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
    Aggregate: the engagement that the events of a session record, 1 or 0. The events that begin a session record it before anything
    has happened, and always as 1.
#}
{% macro recorded_engagement() -%}
    max(case when event_name not in ('session_start', 'first_visit', 'first_open') then session_engaged end)
{%- endmacro %}

{#
    Is the session engaged? As the export records it, which knows nothing of key events; where it records nothing, by ten
    seconds of engagement or two page views. A key event engages a session in any case.
    https://support.google.com/analytics/answer/12798876
#}
{% macro is_engaged() -%}
    key_events > 0 or case
        when recorded_engagement is not null then recorded_engagement > 0
        else coalesce(engagement_time_msec, 0) >= 10000 or page_views >= 2
    end
{%- endmacro %}

{# A campaign that someone named; null where GA4 only repeats the medium, as in "(organic)" and "(referral)". #}
{% macro named_campaign(campaign) -%}
    case when {{ campaign }} not like '(%)' then {{ campaign }} end
{%- endmacro %}

{# A medium that someone named; null where it is one that GA4 gives any site that refers. #}
{% macro named_medium(medium) -%}
    case when lower({{ medium }}) not in ('organic', 'referral', '(none)') then {{ medium }} end
{%- endmacro %}

{# Boolean SQL: does a witness tell anything of the source? Its columns are those of first_known_source. #}
{% macro tells_source(witness) -%}
    coalesce({{ witness }}_source, {{ witness }}_medium, {{ witness }}_campaign) is not null
{%- endmacro %}

{# Boolean SQL: does it tell more than that some site refers, whose name it hides? #}
{% macro names_source(witness) -%}
    coalesce({{ witness }}_source, {{ named_medium(witness ~ '_medium') }}, {{ named_campaign(witness ~ '_campaign') }}) is not null
{%- endmacro %}

{# Aggregate: the number of rows of a condition. #}
{% macro count_where(condition) -%}
    count(case when {{ condition }} then 1 end)
{%- endmacro %}

{# Aggregate: the sum of whole numbers as a whole number of 64 bits (DuckDB's own sum has 128: not every reader does). #}
{% macro sum_whole(expression) -%}
    cast(sum({{ expression }}) as {{ dbt.type_bigint() }})
{%- endmacro %}

{# Which of a day's tables counts: the lowest. #}
{% macro table_rank(table_kind) -%}
    case {{ table_kind }} when 'daily' then 0 when 'fresh' then 1 else 2 end
{%- endmacro %}

{#
    The custom parameters of a var, a list of names or of {name, type}: name, type (string, int or double) and the
    column's name, which is the parameter's in lower case.
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

{# The text of a parameter in the type of a custom parameter. #}
{% macro custom_param(value, type) -%}
    {%- if type == 'int' -%} {{ whole_number(value) }}
    {%- elif type == 'double' -%} {{ number(value) }}
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}

{#
    The range of each number that GA4 does not bound, so that no single event can overflow a sum. A value outside is null
    and counted (values_out_of_range). Money: 10^12 of any currency; engagement: one day, as an event reports at most the time
    since the event before it.
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

{# A number of that name, or null where it lies outside its range. #}
{% macro in_range(column, value=none) -%}
    {%- set least, most = ranges()[column] -%}
    case when {{ value or column }} between {{ least }} and {{ most }} then {{ value or column }} end
{%- endmacro %}

{# How many of the columns hold a number outside its range. A comparison with a number that is none (NaN) is false. #}
{% macro values_out_of_range(columns, prefix='') -%}
    {%- for column in columns -%}
    {%- set least, most = ranges()[column] -%}
    case when {{ prefix }}{{ column }} is not null and not coalesce({{ prefix }}{{ column }} between {{ least }} and {{ most }}, false) then 1 else 0 end
    {{- ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
