{# A table built whole: a transaction may come back, or be refunded, any number of days later. #}
{% set in_order = 'occurred_on, event_timestamp, event_date, event_index, event_key' -%}

with events as (

    select
        events.*,
        identities.user_key,
        {{ is_purchase_event('events.event_name') }} as is_purchase
    from {{ ref('int_ga4__events_sessionized') }} as events
    left join {{ ref('int_ga4__identity_map') }} as identities on events.client_key = identities.client_key
    where {{ is_purchase_event('events.event_name') }}
        or events.event_name = 'refund'

),

-- The one currency of a property's purchases, where there is only one: also that of purchases which do not say theirs.
currencies as (

    select
        property_id,
        count(distinct currency) as currencies,
        case when count(distinct currency) = 1 then min(currency) end as only_currency
    from events
    where is_purchase
    group by property_id

),

event_items as (

    select
        event_key,
        string_agg(
            coalesce(item_id, item_name, '') || ' ' || coalesce(cast(quantity as {{ dbt.type_string() }}), ''), '|'
            order by item_index
        ) as items,
        sum(coalesce(item_refund, price * coalesce(quantity, 1))) as items_value,
        sum(coalesce(item_refund_in_usd, price_in_usd * coalesce(quantity, 1))) as items_value_in_usd
    from {{ ref('stg_ga4__event_items') }}
    where {{ is_purchase_event('event_name') }}
        or event_name = 'refund'
    group by event_key

),

keyed as (

    select
        events.*,
        event_items.items,
        event_items.items_value,
        event_items.items_value_in_usd,
        coalesce(events.currency, currencies.only_currency) as event_currency,
        {{ reporting_currency(
            'coalesce(events.currency, currencies.only_currency)', 'currencies.only_currency', 'currencies.currencies'
        ) }} as reporting_currency,
        -- GA4 counts a transaction of a user once a web stream; an event without id is a purchase of its own
        case
            when events.transaction_id is not null and coalesce(upper(events.platform), 'WEB') not in ('ANDROID', 'IOS')
                then {{ md5_key(['events.property_id', "'transaction'", 'events.user_key', 'events.stream_id', 'events.transaction_id']) }}
            else {{ md5_key(['events.property_id', "'event'", 'events.event_key']) }}
        end as purchase_key
    from events
    left join currencies on events.property_id = currencies.property_id
    left join event_items on events.event_key = event_items.event_key

),

-- Of the events of a transaction the first that has revenue counts, else the first that has items, else the first.
purchases as (

    select
        *,
        count(*) over (partition by purchase_key) as purchase_events,
        {{ in_currency('reporting_currency', 'event_currency', 'purchase_revenue', 'purchase_revenue_in_usd') }} as revenue,
        {{ in_currency('event_currency', 'event_currency', 'purchase_revenue', 'purchase_revenue_in_usd') }} as event_revenue,
        {{ in_currency("'USD'", 'event_currency', 'purchase_revenue', 'purchase_revenue_in_usd') }} as revenue_in_usd,
        {{ in_currency('reporting_currency', 'event_currency', 'tax_value', 'tax_value_in_usd') }} as tax,
        {{ in_currency('reporting_currency', 'event_currency', 'shipping_value', 'shipping_value_in_usd') }} as shipping
    from keyed
    where is_purchase
    qualify row_number() over (
        partition by purchase_key
        order by
            coalesce(purchase_revenue, purchase_revenue_in_usd, 0) <> 0 desc, items is not null desc, {{ in_order }}
    ) = 1

),

-- A refund that a user reports again, with the same amount and items, is one refund.
refund_events as (

    select *
    from keyed
    where event_name = 'refund'
    qualify transaction_id is null or row_number() over (
        partition by property_id, user_key, transaction_id, refund_value, refund_value_in_usd, items
        order by {{ in_order }}
    ) = 1

),

-- The purchase that a refund gives back: its transaction, of the same user and stream where several have that id.
matched_refunds as (

    select
        refunds.*,
        purchases.purchase_key as refunded_purchase_key,
        purchases.revenue as purchase_revenue_refunded,
        coalesce(purchases.reporting_currency, refunds.reporting_currency) as refund_currency,
        coalesce(refunds.currency, purchases.event_currency, refunds.event_currency) as refund_event_currency
    from refund_events as refunds
    left join purchases
        on refunds.property_id = purchases.property_id
        and refunds.transaction_id = purchases.transaction_id
    qualify row_number() over (
        partition by refunds.event_key
        order by
            coalesce(refunds.user_key = purchases.user_key, false) desc,
            coalesce(refunds.stream_id = purchases.stream_id, false) desc,
            purchases.occurred_on, purchases.event_timestamp, purchases.purchase_key
    ) = 1

),

-- An amount has no sign of its own (sites send both). Without an amount it is the items', without items the whole purchase.
refunds as (

    select
        *,
        coalesce(
            abs({{ in_currency('refund_currency', 'refund_event_currency', 'refund_value', 'refund_value_in_usd') }}),
            abs({{ in_currency('refund_currency', 'refund_event_currency', 'items_value', 'items_value_in_usd') }}),
            case when items is null and refund_value is null and refund_value_in_usd is null then purchase_revenue_refunded end
        ) as amount
    from matched_refunds

),

-- No more is given back than was paid.
refunds_of_purchases as (

    select
        refunded_purchase_key,
        case when sum(amount) > max(purchase_revenue_refunded) then max(purchase_revenue_refunded) else sum(amount) end as refund
    from refunds
    where refunded_purchase_key is not null
    group by refunded_purchase_key

),

-- A refund whose purchase is not in the export.
refunds_alone as (

    select
        *,
        sum(amount) over (partition by purchase_key) as refund
    from refunds
    where refunded_purchase_key is null
    qualify row_number() over (partition by purchase_key order by {{ in_order }}) = 1

),

items as (

    select
        purchases.purchase_key,
        sum({{ in_currency(
            'purchases.reporting_currency', 'purchases.event_currency',
            item_revenue_of('event_items'), item_revenue_of('event_items', '_in_usd')
        ) }}) as item_revenue,
        {{ sum_whole('event_items.quantity') }} as item_quantity
    from purchases
    inner join {{ ref('stg_ga4__event_items') }} as event_items on purchases.event_key = event_items.event_key
    group by purchases.purchase_key

)

{% set columns = [
    'purchase_key', 'property_id', 'event_key', 'event_name', 'event_date', 'occurred_on', 'event_timestamp', 'client_key',
    'session_key', 'page_key', 'stream_id', 'transaction_id',
] -%}
select
    {% for column in columns -%}
    purchases.{{ column }},
    {% endfor -%}
    purchases.transaction_id is not null as has_transaction_id,
    false as is_refund_without_purchase,
    purchases.purchase_events,
    purchases.reporting_currency as currency,
    purchases.revenue,
    purchases.tax,
    purchases.shipping,
    refunds_of_purchases.refund,
    purchases.revenue - coalesce(refunds_of_purchases.refund, 0) as net_revenue,
    purchases.event_currency,
    purchases.event_revenue,
    purchases.revenue_in_usd,
    items.item_quantity,
    items.item_revenue,
    purchases.revenue - items.item_revenue as item_revenue_difference
from purchases
left join refunds_of_purchases on purchases.purchase_key = refunds_of_purchases.refunded_purchase_key
left join items on purchases.purchase_key = items.purchase_key

union all

select
    {% for column in columns -%}
    {{ column }},
    {% endfor -%}
    transaction_id is not null as has_transaction_id,
    true as is_refund_without_purchase,
    0 as purchase_events,
    refund_currency as currency,
    cast(null as {{ dbt.type_float() }}) as revenue,
    cast(null as {{ dbt.type_float() }}) as tax,
    cast(null as {{ dbt.type_float() }}) as shipping,
    refund,
    -refund as net_revenue,
    refund_event_currency as event_currency,
    cast(null as {{ dbt.type_float() }}) as event_revenue,
    cast(null as {{ dbt.type_float() }}) as revenue_in_usd,
    cast(null as {{ dbt.type_bigint() }}) as item_quantity,
    cast(null as {{ dbt.type_float() }}) as item_revenue,
    cast(null as {{ dbt.type_float() }}) as item_revenue_difference
from refunds_alone
