{{ ga4_table(partition_by='occurred_on', cluster_by=['client_key']) }}
{# A full table: a transaction can be reported again, or refunded, any number of days later. #}
{% set in_order = 'occurred_on, event_timestamp, event_date, event_index, event_key' -%}

with events as (

    select
        events.*,
        -- a device that only a refund names is no user, but its refund still has a key
        coalesce(identities.user_key, events.client_key) as user_key,
        {{ is_purchase_event('events.event_name') }} as is_purchase
    from {{ ref('int_ga4__events_sessionized') }} as events
    left join {{ ref('int_ga4__identity_map') }} as identities on events.client_key = identities.client_key
    where {{ is_purchase_event('events.event_name') }}
        or events.event_name = 'refund'

),

-- The currency of a property's purchases, if there is only one: also used for purchases that do not report theirs.
currencies as (

    select
        property_id,
        count(distinct currency) as currencies,
        case when count(distinct currency) = 1 then min(currency) end as only_currency
    from events
    -- a property without purchases has the currency of its refunds
    where is_purchase
        or property_id not in (select purchases.property_id from events as purchases where purchases.is_purchase)
    group by property_id

),

event_items as (

    select
        event_key,
        string_agg(
            coalesce(item_id, item_name, '') || ' ' || coalesce(cast(quantity as {{ dbt.type_string() }}), ''), '|'
            order by item_index
        ) as items
    from {{ ref('stg_ga4__event_items') }}
    where {{ is_purchase_event('event_name') }}
        or event_name = 'refund'
    group by event_key

),

keyed as (

    select
        events.*,
        event_items.items,
        coalesce(events.currency, currencies.only_currency) as event_currency,
        {{ reporting_currency(
            'coalesce(events.currency, currencies.only_currency)', 'currencies.only_currency', 'currencies.currencies'
        ) }} as reporting_currency,
        -- GA4 counts a transaction once per user and web stream; an event without id is a separate purchase
        case
            when events.transaction_id is not null and coalesce(upper(events.platform), 'WEB') not in ('ANDROID', 'IOS')
                then {{ md5_key(['events.property_id', "'transaction'", 'events.user_key', 'events.stream_id', 'events.transaction_id']) }}
            else {{ md5_key(['events.property_id', "'event'", 'events.event_key']) }}
        end as purchase_key
    from events
    left join currencies on events.property_id = currencies.property_id
    left join event_items on events.event_key = event_items.event_key

),

-- Of the events of a transaction the first with revenue is used, else the first with items, else the first.
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

-- A refund that a user reports again within a day, with the same amount and items, is one refund: the page was loaded again, or
-- the request was repeated. Later it is a further refund in part.
refund_events as (

    select *
    from keyed
    where event_name = 'refund'
    qualify transaction_id is null or coalesce(event_timestamp - lag(event_timestamp) over (
        partition by
            property_id, user_key, transaction_id, items,
            cast(refund_value as {{ dbt.type_string() }}), cast(refund_value_in_usd as {{ dbt.type_string() }})
        order by event_timestamp, event_date, event_index, event_key
    ) >= {{ 24 * 60 * 60 * 1000000 }}, true)

),

-- The purchase of a refund: that of the same user with the transaction id, else the first with it.
own_purchases as (

    select *
    from purchases
    where transaction_id is not null
        and user_key is not null
    qualify row_number() over (
        partition by property_id, transaction_id, user_key order by {{ in_order }}
    ) = 1

),

first_purchases as (

    select *
    from purchases
    where transaction_id is not null
    qualify row_number() over (partition by property_id, transaction_id order by {{ in_order }}) = 1

),

{% set of_purchase = ['purchase_key', 'revenue', 'revenue_in_usd', 'reporting_currency', 'event_currency'] -%}
matched_refunds as (

    select
        refunds.*,
        {% for column in of_purchase -%}
        coalesce(own.{{ column }}, other.{{ column }}) as refunded_{{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from refund_events as refunds
    left join own_purchases as own
        on refunds.property_id = own.property_id
        and refunds.transaction_id = own.transaction_id
        and refunds.user_key = own.user_key
    left join first_purchases as other
        on own.purchase_key is null
        and refunds.property_id = other.property_id
        and refunds.transaction_id = other.transaction_id

),

priced_refunds as (

    select
        *,
        coalesce(refunded_reporting_currency, reporting_currency) as refund_currency,
        coalesce(currency, refunded_event_currency, event_currency) as refund_event_currency
    from matched_refunds

),

-- Items that a refund lists without a price get that of the purchase.
purchase_prices as (

    select
        purchases.purchase_key,
        event_items.item_id,
        max({{ in_currency(
            'purchases.reporting_currency', 'purchases.event_currency', 'event_items.price', 'event_items.price_in_usd'
        ) }}) as price
    from purchases
    inner join {{ ref('stg_ga4__event_items') }} as event_items on purchases.event_key = event_items.event_key
    where {{ is_purchase_event('event_items.event_name') }}
        and event_items.item_id is not null
    group by purchases.purchase_key, event_items.item_id

),

refund_items as (

    select
        refunds.event_key,
        sum(coalesce(
            {{ in_currency(
                'refunds.refund_currency', 'refunds.refund_event_currency',
                'coalesce(event_items.item_refund, event_items.price * ' ~ quantity_of('event_items') ~ ')',
                'coalesce(event_items.item_refund_in_usd, event_items.price_in_usd * ' ~ quantity_of('event_items') ~ ')'
            ) }},
            purchase_prices.price * {{ quantity_of('event_items') }}
        )) as amount
    from priced_refunds as refunds
    inner join {{ ref('stg_ga4__event_items') }} as event_items on refunds.event_key = event_items.event_key
    left join purchase_prices
        on refunds.refunded_purchase_key = purchase_prices.purchase_key
        and event_items.item_id = purchase_prices.item_id
    where event_items.event_name = 'refund'
    group by refunds.event_key

),

-- The sign of an amount is ignored (sites send both). In another currency than the purchase it is converted like the purchase.
-- Without an amount it is that of the items, without items the whole purchase.
refunds as (

    select
        refunds.*,
        coalesce(
            abs({{ in_currency('refund_currency', 'refund_event_currency', 'refund_value', 'refund_value_in_usd') }}),
            abs({{ in_currency("'USD'", 'refund_event_currency', 'refund_value', 'refund_value_in_usd') }})
                * refunded_revenue / nullif(refunded_revenue_in_usd, 0),
            abs(refund_items.amount),
            case when items is null and refund_value is null and refund_value_in_usd is null then refunded_revenue end
        ) as amount
    from priced_refunds as refunds
    left join refund_items on refunds.event_key = refund_items.event_key

),

-- A refund is at most the revenue.
refunds_of_purchases as (

    select
        refunded_purchase_key as purchase_key,
        case when count(*) = count(amount) then
            case
                when sum(amount) > max(refunded_revenue) then greatest(max(refunded_revenue), 0)
                else sum(amount)
            end
        end as refund,
        count(*) as refund_events
    from refunds
    where refunded_purchase_key is not null
    group by refunded_purchase_key

),

-- A refund whose purchase is not in the export.
refunds_alone as (

    select *
    from refunds
    where refunded_purchase_key is null
    qualify row_number() over (partition by purchase_key order by {{ in_order }}) = 1

),

sums_alone as (

    select
        purchase_key,
        -- null if an amount is unknown, or if they are in several currencies
        case
            when count(amount) = count(*) and count(distinct coalesce(refund_currency, '')) = 1 then sum(amount)
        end as refund,
        count(*) as refund_events
    from refunds
    where refunded_purchase_key is null
    group by purchase_key

),

items as (

    select
        purchases.purchase_key,
        sum({{ in_currency(
            'purchases.reporting_currency', 'purchases.event_currency',
            item_revenue_of('event_items'), item_revenue_of('event_items', '_in_usd')
        ) }}) as item_revenue,
        {{ sum_whole(quantity_of('event_items')) }} as item_quantity
    from purchases
    inner join {{ ref('stg_ga4__event_items') }} as event_items on purchases.event_key = event_items.event_key
    where {{ is_purchase_event('event_items.event_name') }}
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
    coalesce(refunds_of_purchases.refund_events, 0) as refund_events,
    refunds_of_purchases.refund,
    case
        when refunds_of_purchases.purchase_key is null then purchases.revenue
        else purchases.revenue - refunds_of_purchases.refund
    end as net_revenue,
    purchases.event_currency,
    purchases.event_revenue,
    purchases.revenue_in_usd,
    items.item_quantity,
    items.item_revenue,
    purchases.revenue - items.item_revenue as item_revenue_difference
from purchases
left join refunds_of_purchases on purchases.purchase_key = refunds_of_purchases.purchase_key
left join items on purchases.purchase_key = items.purchase_key

union all

select
    {% for column in columns -%}
    refunds_alone.{{ column }},
    {% endfor -%}
    refunds_alone.transaction_id is not null as has_transaction_id,
    true as is_refund_without_purchase,
    0 as purchase_events,
    refunds_alone.refund_currency as currency,
    cast(null as {{ dbt.type_float() }}) as revenue,
    cast(null as {{ dbt.type_float() }}) as tax,
    cast(null as {{ dbt.type_float() }}) as shipping,
    sums_alone.refund_events,
    sums_alone.refund,
    -sums_alone.refund as net_revenue,
    refunds_alone.refund_event_currency as event_currency,
    cast(null as {{ dbt.type_float() }}) as event_revenue,
    cast(null as {{ dbt.type_float() }}) as revenue_in_usd,
    cast(null as {{ dbt.type_bigint() }}) as item_quantity,
    cast(null as {{ dbt.type_float() }}) as item_revenue,
    cast(null as {{ dbt.type_float() }}) as item_revenue_difference
from refunds_alone
inner join sums_alone on refunds_alone.purchase_key = sums_alone.purchase_key
