-- What the other files count: the rows of an export's NDJSON files with the fields that GA4's definitions name.
-- Fields: BigQuery Export schema, support.google.com/analytics/answer/7029846.
-- Asks for the variables `files` (a path or glob) and `timezone` (the property's).

create or replace macro param(row, name) as
    list_filter(cast(row -> 'event_params' as json[]), lambda p: p ->> 'key' = name)[1] -> 'value';

create or replace macro text(value) as
    nullif(
        trim(coalesce(
            value ->> 'string_value', value ->> 'int_value', value ->> 'double_value', value ->> 'float_value'
        )),
        ''
    );

create or replace macro number(value) as try_cast(text(value) as double);

-- The day of a moment in the property's time zone.
create or replace macro day_of(microseconds) as
    (to_timestamp(microseconds / 1e6) at time zone getvariable('timezone'))::date;

create or replace table raw as
select row_number() over () as line, json as row
from read_json_objects(getvariable('files'), format = 'newline_delimited');

create or replace table row_of_export as
select
    line,
    row::varchar as whole,
    strptime(row ->> 'event_date', '%Y%m%d')::date as export_day,
    (row ->> 'event_timestamp')::bigint as ts,
    row ->> 'event_name' as name,
    nullif(row ->> 'user_pseudo_id', '') as device,
    row ->> '$.privacy_info.analytics_storage' as storage,
    (row ->> 'is_active_user')::boolean as is_active_user,
    row ->> 'stream_id' as stream,
    coalesce(row ->> 'platform', 'WEB') as platform,
    number(param(row, 'ga_session_id'))::bigint as session_id,
    number(param(row, 'ga_session_number'))::bigint as session_number,
    number(param(row, 'session_engaged')) as session_engaged,
    number(param(row, 'engagement_time_msec')) as engagement_msec,
    text(param(row, 'page_location')) as page_location,
    text(param(row, 'page_referrer')) as page_referrer,
    coalesce(row ->> '$.collected_traffic_source.manual_source', text(param(row, 'source'))) as source,
    coalesce(row ->> '$.collected_traffic_source.manual_medium', text(param(row, 'medium'))) as medium,
    coalesce(row ->> '$.collected_traffic_source.manual_campaign_name', text(param(row, 'campaign'))) as campaign,
    text(param(row, 'currency')) as currency,
    row
from raw;
