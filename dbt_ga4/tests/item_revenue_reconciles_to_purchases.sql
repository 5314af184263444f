{{ config(meta={'dagster': {'ref': {'name': 'fct_ga4__purchase_items'}}}) }}

-- Fails for each purchase whose items do not add up to its item_revenue.
select
    purchases.purchase_key,
    max(purchases.item_revenue) as item_revenue,
    sum(items.item_revenue) as revenue_of_items
from {{ ref('fct_ga4__purchases') }} as purchases
left join {{ ref('fct_ga4__purchase_items') }} as items on purchases.purchase_key = items.purchase_key
group by purchases.purchase_key
having abs(coalesce(max(purchases.item_revenue), 0) - coalesce(sum(items.item_revenue), 0)) > 0.005
