{{ config(materialized='view') }}

select
    purchases.purchase_key,
    items.item_index,
    purchases.property_id,
    purchases.occurred_on,
    purchases.event_timestamp,
    identities.user_key,
    purchases.client_key,
    purchases.session_key,
    purchases.transaction_id,
    items.item_id,
    items.item_name,
    items.item_brand,
    items.item_variant,
    items.item_category,
    items.item_category2,
    items.coupon,
    purchases.currency,
    {{ in_currency('purchases.currency', 'purchases.event_currency', 'items.price', 'items.price_in_usd') }} as price,
    {{ quantity_of('items') }} as quantity,
    {{ in_currency(
        'purchases.currency', 'purchases.event_currency', item_revenue_of('items'), item_revenue_of('items', '_in_usd')
    ) }} as item_revenue
from {{ ref('int_ga4__purchases') }} as purchases
inner join {{ ref('stg_ga4__event_items') }} as items on purchases.event_key = items.event_key
left join {{ ref('int_ga4__identity_map') }} as identities on purchases.client_key = identities.client_key
where not purchases.is_refund_without_purchase
