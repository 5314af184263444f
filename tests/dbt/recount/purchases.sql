-- Purchases, revenue and revenue less refunds a day (9143382: purchase revenue is the sum of revenue from purchases
-- minus refunded transaction revenue).
select
    day,
    reporting_currency as currency,
    count(*) filter (is_purchase) as purchases,
    sum(revenue) as revenue,
    sum(coalesce(revenue, 0) - coalesce(refund, 0)) as net_revenue
from (
    select day, reporting_currency, true as is_purchase, revenue, null as refund from purchase
    union all
    select day, reporting_currency, false, null, refund from refunded
)
group by all
