{# A table built whole: a transaction may come back any number of days later. #}
{% set in_order = 'occurred_on, event_timestamp, event_date, event_index, event_key' -%}

with events as (

    select
        *,
        -- an event without id is a purchase of its own
        case
            when transaction_id is not null then {{ md5_key(['property_id', "'transaction'", 'transaction_id']) }}
            else {{ md5_key(['property_id', "'event'", 'event_key']) }}
        end as purchase_key,
        {{ is_purchase_event('event_name') }} as is_purchase
    from {{ ref('int_ga4__events_sessionized') }}
    where {{ is_purchase_event('event_name') }}
        or event_name = 'refund' and transaction_id is not null

),

purchases as (

    select *
    from events
    where is_purchase
    qualify row_number() over (partition by purchase_key order by {{ in_order }}) = 1

),

transactions as (

    select
        purchase_key,
        {{ count_where('is_purchase') }} as purchase_events,
        sum(case when event_name = 'refund' then refund_value end) as refund
    from events
    group by purchase_key

),

items as (

    select
        event_key,
        sum({{ item_revenue_of('event_items') }}) as item_revenue,
        {{ sum_whole('quantity') }} as item_quantity
    from {{ ref('stg_ga4__event_items') }} as event_items
    where {{ is_purchase_event('event_name') }}
    group by event_key

)

select
    purchases.purchase_key,
    purchases.property_id,
    purchases.event_key,
    purchases.event_name,
    purchases.event_date,
    purchases.occurred_on,
    purchases.event_timestamp,
    purchases.client_key,
    purchases.session_key,
    purchases.page_key,
    purchases.transaction_id,
    purchases.transaction_id is not null as has_transaction_id,
    transactions.purchase_events,
    purchases.purchase_revenue as revenue,
    purchases.tax_value as tax,
    purchases.shipping_value as shipping,
    transactions.refund,
    items.item_quantity,
    items.item_revenue,
    purchases.purchase_revenue - items.item_revenue as item_revenue_difference
from purchases
inner join transactions on purchases.purchase_key = transactions.purchase_key
left join items on purchases.event_key = items.event_key
