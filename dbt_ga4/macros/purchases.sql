{# What purchases and their items are worth. #}

{# Is the event a purchase? #}
{% macro is_purchase_event(event_name) -%}
    {{ event_name }} in ({{ quoted_list(var('purchase_events')) }})
{%- endmacro %}

{# Revenue of an item: what the export says, else price by quantity. #}
{% macro item_revenue_of(items) -%}
    coalesce({{ items }}.item_revenue, {{ items }}.price * coalesce({{ items }}.quantity, 1))
{%- endmacro %}
