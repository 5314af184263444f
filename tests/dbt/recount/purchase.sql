-- The purchases and refunds. A transaction id sent again by the same user counts once (12313109). Money is in the
-- currency of the event's parameter `currency`; where a property has several, in US dollars (7029846).
create or replace macro list_of_items(row) as
    coalesce(cast(row -> 'items' as json[]), []);

create or replace table money_event as
with

reported as (
    select
        *,
        upper(currency) as event_currency,
        coalesce(text_id, text(param(row, 'transaction_id'))) as sent_id
    from (select *, nullif(trim(row ->> '$.ecommerce.transaction_id'), '') as text_id from event)
    where name in ('purchase', 'in_app_purchase', 'ecommerce_purchase', 'refund')
),

reporting as (
    select case when count(distinct event_currency) > 1 then 'USD' else max(event_currency) end as reporting_currency
    from reported
)

select
    reported.* exclude (text_id, sent_id),
    case
        when not getvariable('placeholders_are_no_transaction_id') then sent_id
        when sent_id not in ('undefined', 'null', '0', '(not set)') then sent_id
    end as transaction_id,
    reporting_currency,
    coalesce(
        case when event_currency = reporting_currency then (row ->> '$.ecommerce.purchase_revenue')::double end,
        case when reporting_currency = 'USD' then (row ->> '$.ecommerce.purchase_revenue_in_usd')::double end
    ) as revenue,
    coalesce(
        case when event_currency = reporting_currency then (row ->> '$.ecommerce.refund_value')::double end,
        case when reporting_currency = 'USD' then (row ->> '$.ecommerce.refund_value_in_usd')::double end
    ) as refund,
    list_of_items(row) as items
from reported
cross join reporting;

create or replace table purchase as
with

ranked as (
    select
        *,
        row_number() over (
            partition by device, stream, transaction_id
            order by coalesce(revenue, 0) <> 0 desc, len(items) > 0 desc, ts, line
        ) as repeat
    from money_event
    where name <> 'refund'
)

select * exclude (repeat)
from ranked
where
    repeat = 1
    or transaction_id is null
    or platform <> 'WEB'
    or not getvariable('a_transaction_counts_once_a_user_and_web_stream');

-- What is given back of each transaction, when, and in which row (its purchase's, else its own): a refund sent again
-- within a day with the same value and items is one, and no more can be given back than was paid.
create or replace table refunded as
with

refund as (
    select *
    from (
        select
            *,
            ts - lag(ts) over (
                partition by device, transaction_id, refund, items::varchar
                order by ts
            ) < 24 * 60 * 60e6 as is_repeat
        from money_event
        where name = 'refund'
    )
    where is_repeat is not true or not getvariable('a_refund_stands_with_its_purchase')
)

select
    day,
    device,
    transaction_id,
    reporting_currency,
    refund,
    line
from refund
where not getvariable('a_refund_stands_with_its_purchase')

union all

select
    coalesce(any_value(purchase.day), min(refund.day)) as day,
    refund.device,
    refund.transaction_id,
    any_value(refund.reporting_currency) as reporting_currency,
    least(sum(refund.refund), coalesce(any_value(purchase.revenue), 'infinity'::double)) as refund,
    coalesce(any_value(purchase.line), arg_min(refund.line, refund.ts)) as line
from refund
left join purchase
    on refund.device = purchase.device and refund.transaction_id = purchase.transaction_id
where getvariable('a_refund_stands_with_its_purchase')
group by refund.device, refund.transaction_id;
