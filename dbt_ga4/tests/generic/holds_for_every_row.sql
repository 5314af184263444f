{# Fails for each row for which the condition is false or null. #}
{% test holds_for_every_row(model, condition) %}
select *
from {{ model }}
where not coalesce({{ condition }}, false)
{% endtest %}
