-- Items purchased a day and item (9143382): rows, pieces, revenue (item_revenue, else price by quantity).
select
    day,
    item ->> 'item_id' as item_id,
    count(*) as items,
    sum(coalesce((item ->> 'quantity')::bigint, 1)) as quantity,
    sum(coalesce(
        case
            when event_currency = reporting_currency
                then coalesce(
                    (item ->> 'item_revenue')::double,
                    (item ->> 'price')::double * coalesce((item ->> 'quantity')::bigint, 1)
                )
        end,
        case
            when reporting_currency = 'USD'
                then coalesce(
                    (item ->> 'item_revenue_in_usd')::double,
                    (item ->> 'price_in_usd')::double * coalesce((item ->> 'quantity')::bigint, 1)
                )
        end
    )) as item_revenue
from (select *, unnest(items) as item from purchase)
group by all
