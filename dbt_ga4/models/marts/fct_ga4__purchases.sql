{{ config(materialized='view') }}

select
    purchases.purchase_key,
    purchases.property_id,
    purchases.event_date,
    purchases.occurred_on,
    purchases.event_timestamp,
    coalesce(identities.user_key, purchases.client_key) as user_key,
    purchases.client_key,
    purchases.session_key,
    purchases.page_key,
    purchases.transaction_id,
    purchases.has_transaction_id,
    purchases.is_refund_without_purchase,
    purchases.purchase_events,
    purchases.currency,
    purchases.revenue,
    purchases.tax,
    purchases.shipping,
    purchases.refund_events,
    purchases.refund,
    purchases.net_revenue,
    purchases.event_currency,
    purchases.event_revenue,
    purchases.revenue_in_usd,
    purchases.item_quantity,
    purchases.item_revenue,
    purchases.item_revenue_difference
from {{ ref('int_ga4__purchases') }} as purchases
left join {{ ref('int_ga4__identity_map') }} as identities on purchases.client_key = identities.client_key
