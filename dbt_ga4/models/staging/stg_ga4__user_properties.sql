{{ ga4_incremental(column='event_date', days_before=0, days_after=0, cluster_by=['client_key']) }}

with events_with_properties as (

    select
        event_key,
        user_properties
    from {{ ref('base_ga4__events') }}
    where {{ ga4_in_window() }}
        and {{ array_length('user_properties') }} > 0

),

events as (

    select
        event_key,
        property_id,
        event_date,
        event_timestamp,
        client_key
    from {{ ref('stg_ga4__events') }}
    where {{ ga4_in_window() }}
        and client_key is not null

),

properties as (

    select
        event_key,
        user_property.key as user_property,
        {{ known(without_personal_data(value_text('user_property.value'))) }} as value,
        user_property.value.set_timestamp_micros as set_timestamp
    from {{ unnested('events_with_properties', 'user_properties', 'user_property') }} as unnested_properties
    where user_property.key in ({{ quoted_list(var('user_properties') or ['']) }})

)

-- an event repeats earlier values: one row each time a value was set
select
    events.property_id,
    events.client_key,
    properties.user_property,
    properties.value,
    coalesce(properties.set_timestamp, events.event_timestamp) as set_timestamp,
    events.event_date,
    min(events.event_timestamp) as event_timestamp
from properties
inner join events on properties.event_key = events.event_key
where properties.value is not null
group by 1, 2, 3, 4, 5, 6
