with days as (

    select
        property_id,
        min(event_date) as first_day,
        max(event_date) as last_day
    from {{ ref('ga4_quality__daily') }}
    group by property_id

),

purchases as (

    select
        property_id,
        {{ count_where('not is_refund_without_purchase') }} as purchases,
        {{ count_where('not ' ~ is_money_expressed()) }} as purchases_not_expressed,
        case when count(distinct coalesce(currency, '')) = 1 then min(currency) end as reporting_currency
    from {{ ref('int_ga4__purchases') }}
    group by property_id

),

currencies as (

    select property_id, {{ ordered_array('event_currency', 'event_currency') }} as currencies
    from (
        select distinct property_id, event_currency
        from {{ ref('int_ga4__purchases') }}
        where event_currency is not null
            and not is_refund_without_purchase
    ) as distinct_currencies
    group by property_id

)

select
    days.property_id,
    {% call(zone) by_timezone_of('days.property_id') %}'{{ zone }}'{% endcall %} as timezone,
    days.first_day,
    days.last_day,
    purchases.reporting_currency,
    coalesce(currencies.currencies, {{ empty_text_array() }}) as currencies,
    coalesce(purchases.purchases, 0) as purchases,
    coalesce(purchases.purchases_not_expressed, 0) as purchases_not_expressed
from days
left join purchases on days.property_id = purchases.property_id
left join currencies on days.property_id = currencies.property_id
