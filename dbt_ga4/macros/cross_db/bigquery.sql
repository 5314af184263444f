{#
    The day tables of one property's export, including intraday and fresh ones. Only the tables of the requested days are
    read, because _table_suffix is compared with literals.
#}
{% macro bigquery__ga4_raw_events(source_relation, days_after) %}
    {%- set first = ga4_window_end('min_date', 0) if days_after is not none else none -%}
    {%- set last = ga4_window_end('max_date', days_after) if days_after is not none else none -%}
    {%- set kinds = ['', 'fresh_'] + (['intraday_'] if var('include_intraday') else []) -%}
    (
        select
            '{{ source_relation.schema | replace("analytics_", "") }}' as property_id,
            parse_date('%Y%m%d', substr(_table_suffix, -8)) as event_date,
        {%- set fields = export_fields(source_relation) %}
        {%- for name, type in ga4_raw_columns().items() if name not in ('property_id', 'event_date') %}
            {{ 'cast(null as ' ~ bigquery_type(type) ~ ')' if name.startswith('_') else field_or_null(adapter.quote(name), name, field_types(type), fields) }} as {{ adapter.quote(name) }},
        {%- endfor %}
            coalesce(regexp_extract(_table_suffix, r'^([a-z]+)_'), 'daily') as table_kind
        from {{ source_relation }}
        where regexp_contains(_table_suffix, r'^({{ kinds | join("|") }})[0-9]{8}$')
            {%- if first is not none or last is not none %}
            and (
                {%- for kind in kinds %}
                {{ 'or ' if not loop.first }}_table_suffix between '{{ kind }}{{ first.strftime("%Y%m%d") if first is not none else "00000000" }}' and '{{ kind }}{{ last.strftime("%Y%m%d") if last is not none else "99999999" }}'
                {%- endfor %}
            )
            {%- endif %}
    )
{% endmacro %}

{# The tables have a row for each user of whom a field changed on the day. #}
{% macro bigquery__ga4_users(source_relation) %}
    {%- set given = var('read_user_tables') %}
    (
        {%- for table, id in [('pseudonymous_users_*', 'pseudo_user_id'), ('users_*', 'user_id')] %}
        {{ 'union all' if not loop.first }}
        select
            '{{ source_relation.schema | replace("analytics_", "") }}' as property_id,
            {%- if given is sameas true or (given and table in given) %}
            parse_date('%Y%m%d', _table_suffix) as event_date,
            {{ id if loop.first else 'cast(null as STRING)' }} as user_pseudo_id,
            {{ id if loop.last else 'cast(null as STRING)' }} as user_id,
            case lower(privacy_info.is_ads_personalization_allowed) when 'true' then 'granted' else 'denied' end as ads_personalization_state
        from `{{ source_relation.database }}`.`{{ source_relation.schema }}`.`{{ table }}`
        where lower(privacy_info.is_ads_personalization_allowed) in ('true', 'false')
            {%- else %}
            cast(null as DATE) as event_date,
            cast(null as STRING) as user_pseudo_id,
            cast(null as STRING) as user_id,
            cast(null as STRING) as ads_personalization_state
        from unnest([1])
        where false
            {%- endif %}
        {%- endfor %}
    )
{% endmacro %}

{#
    The fields of the export's day tables: {path: type}, as in {'device.web_info.hostname': 'STRING'}. A data set of earlier years
    lacks newer ones, and a wildcard table has the columns of the table that was created last. None, which means all that
    we declare, without a connection (--no-introspect).
#}
{% macro export_fields(source_relation) %}
    {% if not (execute and flags.INTROSPECT) %}
        {{ return(none) }}
    {% endif %}
    {% set schema = '`' ~ source_relation.database ~ '`.`' ~ source_relation.schema ~ '`.INFORMATION_SCHEMA' %}
    {% set found = run_query(
        "select field_path, data_type from " ~ schema ~ ".COLUMN_FIELD_PATHS where table_name = (select table_name from " ~ schema
        ~ ".TABLES where regexp_contains(table_name, r'^events_(fresh_|intraday_)?[0-9]{8}$') order by creation_time desc limit 1)"
    ) %}
    {% if not found.rows %}
        {{ exceptions.raise_compiler_error(
            source_relation.database ~ "." ~ source_relation.schema ~ " has no day table of a GA4 export (events_YYYYMMDD): set "
            ~ "GA4_BIGQUERY_PROJECT and GA4_BIGQUERY_DATASET to the export, or wait for its first day"
        ) }}
    {% endif %}
    {% set fields = {} %}
    {% for row in found.rows %}
        {% do fields.update({row[0]: row[1]}) %}
    {% endfor %}
    {{ return(fields) }}
{% endmacro %}

{# The type of a column in raw_schema.sql as a tree: the name of a scalar type, or {name: type}, with '[]' if it is a list of these. #}
{% macro field_types(type) %}
    {% if not type.startswith('struct(') %}
        {{ return(type) }}
    {% endif %}
    {% set json = modules.re.sub('(\\w+) (varchar|bigint|double|boolean)', '"\\1": "\\2"', type) %}
    {% set json = modules.re.sub('(\\w+) struct[(]', '"\\1": {', json) | replace('struct(', '{') %}
    {{ return(fromjson(json | replace(')[]', ', "[]": true}') | replace(')', '}'))) }}
{% endmacro %}

{# BigQuery's name of such a type. #}
{% macro bigquery_type(types) %}
    {% if types is string %}
        {{ return({'varchar': 'STRING', 'bigint': 'INT64', 'double': 'FLOAT64', 'boolean': 'BOOL'}[types]) }}
    {% endif %}
    {% set members = [] %}
    {% for name, member in types.items() if name != '[]' %}
        {% do members.append(name ~ ' ' ~ bigquery_type(member)) %}
    {% endfor %}
    {% set struct = 'STRUCT<' ~ members | join(', ') ~ '>' %}
    {{ return('ARRAY<' ~ struct ~ '>' if '[]' in types else struct) }}
{% endmacro %}

{# Has the export this field, with all its members and their types? #}
{% macro is_exported(path, types, fields) %}
    {% if fields is none %}
        {{ return(true) }}
    {% elif types is string %}
        {{ return(fields.get(path) == bigquery_type(types)) }}
    {% endif %}
    {% for name, member in types.items() if name != '[]' %}
        {% if not is_exported(path ~ '.' ~ name, member, fields) %}
            {{ return(false) }}
        {% endif %}
    {% endfor %}
    {{ return(true) }}
{% endmacro %}

{# A field with the members and types that we declare; null, or with null members, where the export lacks them. #}
{% macro field_or_null(value, path, types, fields) %}
    {% if is_exported(path, types, fields) %}
        {{ return(value) }}
    {% elif path not in fields %}
        {{ return('cast(null as ' ~ bigquery_type(types) ~ ')') }}
    {% elif types is string %}
        {{ return('safe_cast(' ~ value ~ ' as ' ~ bigquery_type(types) ~ ')') }}
    {% endif %}
    {% set element = path | replace('.', '_') ~ '_element' %}
    {% set members = [] %}
    {% for name, member in types.items() if name != '[]' %}
        {% set owner = element if '[]' in types else value %}
        {% do members.append(field_or_null(owner ~ '.' ~ name, path ~ '.' ~ name, member, fields) ~ ' as ' ~ name) %}
    {% endfor %}
    {% if '[]' in types %}
        {{ return(
            'array(select as struct ' ~ members | join(', ') ~ ' from unnest(' ~ value ~ ') as ' ~ element
            ~ ' with offset as ' ~ element ~ '_place order by ' ~ element ~ '_place)'
        ) }}
    {% endif %}
    {{ return('if(' ~ value ~ ' is null, null, struct(' ~ members | join(', ') ~ '))') }}
{% endmacro %}

{#
    The window's partitions are replaced by name, so that empty ones are replaced too. Without dates the window is all
    history, and the table is rebuilt. This depends only on the dates, never on --full-refresh: dbt keeps a config for the
    next call, which may not have the flag.
#}
{% macro bigquery__ga4_incremental_settings(window, cluster_by) %}
    {% set first = ga4_asked_day('min_date', -window.days_before if window else 0) %}
    {% set last = ga4_asked_day('max_date', window.days_after if window else 0) %}
    {# without a window a run of some days adds nothing; a merge without a key is BigQuery's append #}
    {% set settings = {
        'incremental_strategy': 'insert_overwrite',
        'partition_by': {'field': window.column, 'data_type': 'date'},
        'cluster_by': cluster_by,
    } if window else {'incremental_strategy': 'merge'} %}
    {% if first is none and last is none %}
        {{ return(dict(settings, full_refresh=true)) }}
    {% elif first is none or last is none %}
        {{ exceptions.raise_compiler_error("on BigQuery give both min_date and max_date, or neither for all history") }}
    {% endif %}
    {% if not window %}
        {{ return(settings) }}
    {% endif %}
    {% set days = range((last - first).days + 1) %}
    {% set partitions = [] %}
    {% for day in days %}
        {% do partitions.append("date '" ~ (first + modules.datetime.timedelta(days=day)) ~ "'") %}
    {% endfor %}
    {{ return(dict(settings, partitions=partitions)) }}
{% endmacro %}

{% macro bigquery__ga4_table(cluster_by, partition_by) %}
    {{- config(
        cluster_by=cluster_by,
        partition_by={'field': partition_by, 'data_type': 'date'} if partition_by else none
    ) -}}
{% endmacro %}

{% macro bigquery__all_but(columns) -%}
    * except ({{ columns | join(', ') }})
{%- endmacro %}

{% macro bigquery__row_hash(columns) -%}
    farm_fingerprint(to_json_string(struct({% for column in columns %}{{ adapter.quote(column) }}{{ ', ' if not loop.last }}{% endfor %})))
{%- endmacro %}

{#
    BigQuery may compute a common table expression again for each reference, and bill it. So one expression reads the wide rows, and
    the names of the tables alone say which there are.
#}
{% macro bigquery__distinct_events(flat_events, identity) -%}
table_ranks as (

    select
        event_date,
        min({{ table_rank('table_kind') }}) as best_rank
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events')) }} as table_names
    where {{ ga4_in_window() }}
    group by event_date

),

distinct_events as (

    select
        {{ flat_events }}.*,
        count(*) over (partition by {{ identity | join(', ') }}) as copies
    from {{ flat_events }}
    inner join table_ranks using (event_date)
    where {{ table_rank('table_kind') }} = best_rank
    qualify row_number() over (partition by {{ identity | join(', ') }} order by event_name) = 1

)
{%- endmacro %}

{% macro bigquery__addresses_of(relation) -%}
    (select distinct address from {{ relation }} cross join unnest([page_location, page_referrer]) as address)
{%- endmacro %}

{% macro bigquery__md5_key(parts) -%}
    to_hex(md5(array_to_string([{% for part in parts %}coalesce(cast({{ part }} as string), ''){{ ', ' if not loop.last }}{% endfor %}], '|')))
{%- endmacro %}

{% macro bigquery__in_sample(user_key, one_in) -%}
    mod(cast(concat('0x', substr(to_hex(md5({{ user_key }})), 1, 8)) as int64), {{ one_in }}) = 0
{%- endmacro %}

{% macro bigquery__param_of(params, name) -%}
    (select {{ value_text('param.value') }} from unnest({{ params }}) as param where param.key = '{{ name }}' limit 1)
{%- endmacro %}

{% macro bigquery__array_length(value) -%}
    array_length({{ value }})
{%- endmacro %}

{% macro bigquery__unnested(relation, column, name) -%}
    (
        select {{ relation }}.*, {{ name }}, {{ name }}_offset + 1 as {{ name }}_index
        from {{ relation }} cross join unnest({{ relation }}.{{ column }}) as {{ name }} with offset as {{ name }}_offset
    )
{%- endmacro %}

{% macro bigquery__value_text(value) -%}
    coalesce({{ value }}.string_value, cast({{ value }}.int_value as string), cast({{ value }}.double_value as string), cast({{ value }}.float_value as string))
{%- endmacro %}

{% macro bigquery__whole_number(value) -%}
    coalesce(safe_cast({{ value }} as int64), safe_cast(safe_cast({{ value }} as float64) as int64))
{%- endmacro %}

{% macro bigquery__number(value) -%}
    safe_cast({{ value }} as float64)
{%- endmacro %}

{% macro bigquery__timestamp_from_micros(value) -%}
    timestamp_micros({{ value }})
{%- endmacro %}

{% macro bigquery__local_date(value, timezone) -%}
    date(timestamp_micros({{ value }}), '{{ timezone }}')
{%- endmacro %}

{% macro bigquery__local_hour(value, timezone) -%}
    extract(hour from timestamp_micros({{ value }}) at time zone '{{ timezone }}')
{%- endmacro %}

{% macro bigquery__days_later(value, days) -%}
    date_add({{ value }}, interval {{ days }} day)
{%- endmacro %}

{% macro bigquery__days_between(first, last) -%}
    date_diff({{ last }}, {{ first }}, day)
{%- endmacro %}

{# Patterns are raw strings, because BigQuery reads a backslash in a plain string as an escape. #}
{% macro bigquery__matches(value, pattern) -%}
    regexp_contains({{ value }}, r'''(?i){{ pattern }}''')
{%- endmacro %}

{% macro bigquery__extract(value, pattern) -%}
    nullif(regexp_extract({{ value }}, r'''(?i){{ pattern }}'''), '')
{%- endmacro %}

{% macro bigquery__replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, r'''(?i){{ pattern }}''', r'''{{ replacement }}''')
{%- endmacro %}

{# Bytes are joined before they are decoded as Unicode, because a letter can be several encoded bytes. #}
{% macro bigquery__url_decode(value) -%}
    coalesce(
        (
            select safe_cast(string_agg(
                if(regexp_contains(piece, r'^%[0-9A-Fa-f]'), from_hex(replace(piece, '%', '')), cast(piece as bytes)),
                b'' order by place
            ) as string)
            from unnest(regexp_extract_all({{ value }}, r'(?:%[0-9A-Fa-f]{2})+|[^%]+|%')) as piece with offset as place
        ),
        {{ value }}
    )
{%- endmacro %}

{% macro bigquery__compose_unicode(value) -%}
    normalize({{ value }}, nfc)
{%- endmacro %}

{% macro bigquery__query_parameters(query, names, keep, sort) -%}
    (
        select string_agg(parameter, '&' order by {{ 'parameter' if sort else 'place' }})
        from unnest(split({{ query }}, '&')) as parameter with offset as place
        where parameter <> ''
            and lower(split(parameter, '=')[safe_offset(0)]) {{ 'not ' if not keep }}in unnest(array<string>[{{ quoted_list(names) }}])
    )
{%- endmacro %}

{% macro bigquery__redact_tokens(value, replacement) -%}
    {%- set token = '[0-9]{16}|[0-9]{9,10}\\.[0-9]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}' -%}
    if(regexp_contains({{ value }}, r'(?i)[0-9a-zA-Z]{24}|{{ token }}'), array_to_string(
        array(
            select case
                when regexp_contains(piece, r'(?i){{ token }}')
                    then '{{ replacement }}'
                when exists (
                    select 1 from unnest(regexp_extract_all(piece, r'[0-9a-zA-Z]{24,}')) as run where regexp_contains(run, r'[0-9]')
                )
                    then '{{ replacement }}'
                else piece
            end
            from unnest(regexp_extract_all({{ value }}, r'[^/?&=#]+|[/?&=#]')) as piece with offset as place
            order by place
        ),
        ''
    ), {{ value }})
{%- endmacro %}

{# A record around the value, so that a null value of the first row is kept while rows outside the condition are dropped. #}
{% macro bigquery__first_by(value, order_by, where) -%}
    array_agg(if({{ where }}, struct({{ value }} as value), null) ignore nulls order by {{ order_by }} limit 1)[safe_offset(0)].value
{%- endmacro %}

{# No whole number of BigQuery is wide enough for times and days. #}
{% macro bigquery__event_order() -%}
    row_number() over (partition by session_key order by occurred_on, event_timestamp, event_date, event_index)
{%- endmacro %}

{% macro bigquery__first_number_by(value, first, second) -%}
    {{ bigquery__first_by(value, first ~ ', ' ~ second, value ~ ' is not null') }}
{%- endmacro %}

{% macro bigquery__ordered_array(value, order_by) -%}
    array_agg({{ value }} order by {{ order_by }})
{%- endmacro %}

{% macro bigquery__empty_text_array() -%}
    cast([] as array<string>)
{%- endmacro %}

{% macro bigquery__matches_pattern_of(value, pattern) -%}
    regexp_contains({{ value }}, '(?i)' || {{ pattern }})
{%- endmacro %}

{% macro bigquery__materialized() -%}
    
{%- endmacro %}

{% macro bigquery__stored_in_order_of(column) -%}
    
{%- endmacro %}
