{# Amounts of purchases, refunds and their items, and their currency. #}

{# Is the event a purchase? #}
{% macro is_purchase_event(event_name) -%}
    {{ event_name }} in ({{ quoted_list(var('purchase_events')) }})
{%- endmacro %}

{# Amounts of an event, in its own currency and in USD. #}
{% macro money_columns() -%}
    {%- set columns = [] -%}
    {%- for amount in ['purchase_revenue', 'refund_value', 'tax_value', 'shipping_value'] -%}
        {%- do columns.extend([amount, amount ~ '_in_usd']) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# Amounts of an item, in the event's currency and in USD. #}
{% macro item_money_columns() -%}
    {{ return(['price', 'price_in_usd', 'item_revenue', 'item_revenue_in_usd', 'item_refund', 'item_refund_in_usd']) }}
{%- endmacro %}

{# The ISO 4217 code of a currency, or null if the text is not one. #}
{% macro currency_code(value) -%}
    upper({{ extract('trim(' ~ value ~ ')', '^([a-z]{3})$') }})
{%- endmacro %}

{#
    The currency of an event's amounts: the one it reports. If it reports none, it is USD if the export has the amount only in
    USD, or the same amount twice; else it is unknown.
#}
{% macro currency_of_event(reported_currency, amounts) -%}
    coalesce(
        {{ reported_currency }},
        case
        {%- for amount in amounts %}
            when {{ amount }}_in_usd <> 0 and coalesce({{ amount }}, {{ amount }}_in_usd) = {{ amount }}_in_usd then 'USD'
        {%- endfor %}
        end
    )
{%- endmacro %}

{#
    The currency in which a property's money is reported, according to the var reporting_currency; null if it is unknown, or,
    with `event`, if the event's own currency is unknown. `only_currency` is the single currency of all purchases of the property.
#}
{% macro reporting_currency(event_currency, only_currency, currencies) -%}
    {%- set chosen = var('reporting_currency') -%}
    {%- if chosen == 'auto' -%} case when {{ currencies }} > 1 then 'USD' else {{ only_currency }} end
    {%- elif chosen == 'event' -%} {{ event_currency }}
    {%- elif chosen == 'usd' -%} 'USD'
    {%- else -%}
    {{ exceptions.raise_compiler_error("var reporting_currency is '" ~ chosen ~ "': give auto, event or usd") }}
    {%- endif -%}
{%- endmacro %}

{# An amount in the currency of the column `currency`; null if it cannot be expressed in it. #}
{% macro in_currency(currency, event_currency, amount, amount_in_usd) -%}
    case
        when {{ currency }} is null then {{ amount }}
        when {{ currency }} = 'USD' and {{ event_currency }} = 'USD' then coalesce({{ amount }}, {{ amount_in_usd }})
        when {{ currency }} = {{ event_currency }} then {{ amount }}
        when {{ currency }} = 'USD' then {{ amount_in_usd }}
    end
{%- endmacro %}

{# Are a purchase's revenue and refund, if any, expressed in the reporting currency? #}
{% macro is_money_expressed() -%}
    ((revenue is not null or event_revenue is null and revenue_in_usd is null) and (refund is not null or refund_events = 0))
{%- endmacro %}

{#
    Aggregate: a sum of money, 0 if there is none; null if the amounts are in several currencies, or one of them is unknown
    (Boolean SQL `is_known`).
#}
{% macro sum_of_money(amount, currency, is_known) -%}
    case
        when {{ have_one_currency(amount ~ ' <> 0', currency) }}
            and {{ count_where('not ' ~ is_known) }} = 0
        then coalesce(sum({{ amount }}), 0)
    end
{%- endmacro %}

{# Aggregate: the currency of the amounts that are not 0; null if it is unknown, or if there are several. #}
{% macro currency_of_sum(amounts, currency) -%}
    {%- set has_amount -%}
        ({% for amount in amounts %}coalesce({{ amount }}, 0) <> 0{{ ' or ' if not loop.last }}{% endfor %})
    {%- endset -%}
    case
        when {{ have_one_currency(has_amount, currency) }}
        then min(case when {{ has_amount }} then {{ currency }} end)
    end
{%- endmacro %}

{# Aggregate: do the rows of a condition have at most one currency? A count of distinct texts takes more memory. #}
{% macro have_one_currency(condition, currency) -%}
    {%- set known = "case when " ~ condition ~ " then coalesce(" ~ currency ~ ", '') end" -%}
    coalesce(min({{ known }}) = max({{ known }}), true)
{%- endmacro %}

{# Pieces of an item of a purchase or refund: GA4's default is 1. #}
{% macro quantity_of(items) -%}
    coalesce({{ items }}.quantity, 1)
{%- endmacro %}

{# Revenue of an item, in its own currency or (`_in_usd`) in USD: as exported, else price times quantity. #}
{% macro item_revenue_of(items, suffix='') -%}
    coalesce({{ items }}.item_revenue{{ suffix }}, {{ items }}.price{{ suffix }} * {{ quantity_of(items) }})
{%- endmacro %}
