{#
    The declared columns come first, with no rows: this handles files that lack a column or a nested field, and a folder
    without any file. DuckDB still reads only the partitions that a filter selects.
#}
{% macro duckdb__ga4_raw_events(source_relation, days_after) %}
    (
        select
            *,
            -- ingest keeps one kind of table per day; the file name contains the kind
            case
                when regexp_matches(_source_file, 'events_intraday_') then 'intraday'
                when regexp_matches(_source_file, 'events_fresh_') then 'fresh'
                else 'daily'
            end as table_kind
        from (
            select
            {%- for name, type in ga4_raw_columns().items() %}
                cast(null as {{ type }}) as {{ adapter.quote(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
            where false
            union all by name
            select * from {{ source_relation }}
        ) as declared_columns
    )
{% endmacro %}

{# Ingest writes these files; without any the declared columns are left. #}
{% macro duckdb__ga4_users(source_relation) %}
    (
        select
            property_id,
            event_date,
            user_pseudo_id,
            user_id,
            case when is_allowed then 'granted' else 'denied' end as ads_personalization_state
        from (
            select
                cast(null as varchar) as property_id,
                cast(null as date) as event_date,
                cast(null as varchar) as user_pseudo_id,
                cast(null as varchar) as user_id,
                cast(null as boolean) as is_allowed
            where false
            union all by name
            select *
            from read_parquet(
                '{{ env_var("BEHA2VEC_DATA_DIR", "") }}/raw_ga4_users/*/*/*.parquet',
                hive_partitioning = true,
                hive_types = {'property_id': varchar, 'event_date': date},
                allow_empty = true
            )
        ) as declared_columns
    )
{% endmacro %}

{% macro duckdb__ga4_incremental_settings(window, cluster_by) %}
    {{ return({'incremental_strategy': 'replace_window' if window else 'append'}) }}
{% endmacro %}

{% macro duckdb__ga4_table(cluster_by, partition_by) %}{% endmacro %}

{% macro duckdb__all_but(columns) -%}
    * exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({% for column in columns %}{{ adapter.quote(column) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro duckdb__distinct_events(flat_events, identity) -%}
table_ranks as (

    select
        property_id,
        event_date,
        min({{ table_rank('table_kind') }}) as best_rank
    from {{ flat_events }}
    group by property_id, event_date

),

-- Nearly all are unique and pass unchanged.
copies as (

    select
        {{ identity | join(', ') }},
        table_kind,
        count(*) as copies
    from {{ flat_events }}
    group by {{ identity | join(', ') }}, table_kind
    having count(*) > 1

),

distinct_events as (

    {% for alone in [true, false] -%}
    select
        {{ flat_events }}.*,
        {{ '1' if alone else 'copies.copies' }} as copies
    from {{ flat_events }}
    inner join table_ranks
        on {{ flat_events }}.property_id = table_ranks.property_id
        and {{ flat_events }}.event_date = table_ranks.event_date
        and {{ table_rank(flat_events ~ '.table_kind') }} = table_ranks.best_rank
    {{ 'left' if alone else 'inner' }} join copies
        on {{ flat_events }}.property_id = copies.property_id
        and {{ flat_events }}.event_date = copies.event_date
        and {{ flat_events }}.event_timestamp = copies.event_timestamp
        and {{ flat_events }}.event_hash = copies.event_hash
        and {{ flat_events }}.table_kind = copies.table_kind
    {% if alone -%}
    where copies.copies is null
    union all
    {% else -%}
    qualify row_number() over (partition by copies.{{ identity | join(', copies.') }} order by {{ flat_events }}.event_name) = 1
    {% endif -%}
    {%- endfor %}
)
{%- endmacro %}

{% macro duckdb__addresses_of(relation) -%}
    (
        select page_location as address from {{ relation }}
        union distinct
        select page_referrer as address from {{ relation }}
    )
{%- endmacro %}

{% macro duckdb__md5_key(parts) -%}
    md5(concat_ws('|'{% for part in parts %}, coalesce(cast({{ part }} as varchar), ''){% endfor %}))
{%- endmacro %}

{% macro duckdb__in_sample(user_key, one_in) -%}
    cast('0x' || left(md5({{ user_key }}), 8) as ubigint) % {{ one_in }} = 0
{%- endmacro %}

{# Not a correlated unnest, which is 40 times slower on DuckDB. The lists of keys and values are made once for all parameters. #}
{% macro duckdb__param_of(params, name) -%}
    list_transform({{ params }}, lambda param: {{ value_text('param.value') }})[
        list_position(list_transform({{ params }}, lambda param: param.key), '{{ name }}')
    ]
{%- endmacro %}

{% macro duckdb__array_length(value) -%}
    len({{ value }})
{%- endmacro %}

{% macro duckdb__unnested(relation, column, name) -%}
    (select *, unnest({{ column }}) as {{ name }}, generate_subscripts({{ column }}, 1) as {{ name }}_index from {{ relation }})
{%- endmacro %}

{% macro duckdb__value_text(value) -%}
    coalesce({{ value }}.string_value, cast({{ value }}.int_value as varchar), cast({{ value }}.double_value as varchar), cast({{ value }}.float_value as varchar))
{%- endmacro %}

{% macro duckdb__whole_number(value) -%}
    try_cast({{ value }} as bigint)
{%- endmacro %}

{% macro duckdb__number(value) -%}
    try_cast({{ value }} as double)
{%- endmacro %}

{% macro duckdb__timestamp_from_micros(value) -%}
    make_timestamp({{ value }})
{%- endmacro %}

{% macro duckdb__local_date(value, timezone) -%}
    {%- if timezone == 'UTC' -%}
    cast(make_timestamp({{ value }}) as date)
    {%- else -%}
    cast(make_timestamptz({{ value }}) at time zone '{{ timezone }}' as date)
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__local_hour(value, timezone) -%}
    cast(hour(make_timestamptz({{ value }}) at time zone '{{ timezone }}') as integer)
{%- endmacro %}

{% macro duckdb__days_later(value, days) -%}
    ({{ value }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    ({{ last }} - {{ first }})
{%- endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}', 'i')
{%- endmacro %}

{% macro duckdb__extract(value, pattern) -%}
    nullif(regexp_extract({{ value }}, '{{ pattern }}', 1, 'i'), '')
{%- endmacro %}

{% macro duckdb__replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'gi')
{%- endmacro %}

{% macro duckdb__url_decode(value) -%}
    coalesce(try(url_decode({{ value }})), {{ value }})
{%- endmacro %}

{% macro duckdb__compose_unicode(value) -%}
    nfc_normalize({{ value }})
{%- endmacro %}

{% macro duckdb__query_parameters(query, names, keep, sort) -%}
    {%- set kept -%}
    list_filter(
        string_split({{ query }}, '&'),
        lambda parameter: parameter <> ''
            and {{ 'not ' if not keep }}list_contains([{{ quoted_list(names) }}]::varchar[], lower(split_part(parameter, '=', 1)))
    )
    {%- endset -%}
    nullif(array_to_string({{ 'list_sort(' ~ kept ~ ')' if sort else kept }}, '&'), '')
{%- endmacro %}

{# Most texts contain none, which one check finds out. #}
{% macro duckdb__redact_tokens(value, replacement) -%}
    {%- set token = '[0-9]{16}|[0-9]{9,10}\\.[0-9]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}' -%}
    case
        when not regexp_matches({{ value }}, '[0-9a-zA-Z]{24}|{{ token }}', 'i') then {{ value }}
        else array_to_string(
            list_transform(
                regexp_extract_all({{ value }}, '[^/?&=#]+|[/?&=#]'),
                lambda piece: case
                    when regexp_matches(piece, '{{ token }}', 'i') then '{{ replacement }}'
                    when len(list_filter(
                        regexp_extract_all(piece, '[0-9a-zA-Z]{24,}'), lambda run: regexp_matches(run, '[0-9]')
                    )) > 0
                        then '{{ replacement }}'
                    else piece
                end
            ),
            ''
        )
    end
{%- endmacro %}

{# An ordered aggregate keeps all rows of all groups in memory, arg_min a row of each. It leaves out rows whose order is null. #}
{% macro duckdb__first_by(value, order_by, where) -%}
    {%- set direction = order_by.split(' ')[1:] -%}
    {%- if ',' in order_by -%} first({{ value }} order by {{ order_by }})
    {%- else -%} {{ 'arg_max_null' if 'desc' in direction else 'arg_min_null' }}({{ value }}, {{ order_by.split(' ')[0] }})
    {%- endif %} filter (where {{ where }})
{%- endmacro %}

{# Times in microseconds have 52 bits, days 16, event_index 32. #}
{% macro duckdb__event_order() -%}
    {%- set day = "coalesce(" ~ days_between("date '1970-01-01'", 'occurred_on') ~ ", 0)" -%}
    {%- set export_day = "coalesce(" ~ days_between("date '1970-01-01'", 'event_date') ~ ", 0)" -%}
    ((cast({{ day }} as hugeint) * 4503599627370496 + event_timestamp) * 65536 + {{ export_day }}) * 4294967296 + event_index
{%- endmacro %}

{% macro duckdb__first_number_by(value, first, second) -%}
    arg_min({{ value }}, cast({{ first }} as hugeint) * 1152921504606846976 + {{ second }})
{%- endmacro %}

{% macro duckdb__ordered_array(value, order_by) -%}
    list({{ value }} order by {{ order_by }})
{%- endmacro %}

{% macro duckdb__empty_text_array() -%}
    cast([] as varchar[])
{%- endmacro %}

{% macro duckdb__matches_pattern_of(value, pattern) -%}
    regexp_matches({{ value }}, {{ pattern }}, 'i')
{%- endmacro %}

{% macro duckdb__materialized() -%}
    materialized
{%- endmacro %}

{% macro duckdb__stored_in_order_of(column) -%}
    order by {{ column }}
{%- endmacro %}
