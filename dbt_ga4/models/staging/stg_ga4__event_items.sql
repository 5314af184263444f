{{ ga4_incremental(column='event_date', days_before=0, days_after=0, cluster_by=['client_key']) }}

{% set texts = [
    'item_id', 'item_name', 'item_brand', 'item_variant', 'item_category', 'item_category2', 'item_category3',
    'item_category4', 'item_category5', 'coupon', 'affiliation', 'item_list_id', 'item_list_name', 'item_list_index',
    'promotion_id', 'promotion_name', 'creative_name', 'creative_slot',
] -%}

with events_with_items as (

    select
        event_key,
        items
    from {{ ref('base_ga4__events') }}
    where {{ ga4_in_window() }}
        and {{ array_length('items') }} > 0

),

events as (

    select
        event_key,
        property_id,
        event_date,
        event_timestamp,
        event_name,
        client_key,
        currency
    from {{ ref('stg_ga4__events') }}
    where {{ ga4_in_window() }}

),

items as (

    select
        event_key,
        item,
        item_index
    from {{ unnested('events_with_items', 'items', 'item') }} as unnested_items

)

select
    {{ md5_key(['items.event_key', 'items.item_index']) }} as event_item_key,
    items.event_key,
    cast(items.item_index as integer) as item_index,
    events.property_id,
    events.event_date,
    events.event_timestamp,
    events.event_name,
    events.client_key,
    {%- for text in texts %}
    {{ known('items.item.' ~ text) }} as {{ text }},
    {%- endfor %}
    events.currency,
    {%- for amount in item_money_columns() + ['quantity'] %}
    {{ in_range(amount, 'items.item.' ~ amount) }} as {{ amount }},
    {%- endfor %}
    {{ values_out_of_range(item_money_columns() + ['quantity'], 'items.item.') }} as values_out_of_range
    {%- for param in custom_params('custom_item_params') %},
    {{ custom_param(param_of('items.item.item_params', param.name), param.type) }} as item_param_{{ param.column }}
    {%- endfor %}
from items
inner join events on items.event_key = events.event_key
