{# Fails for each value that the other table lacks. Of a table that is written by days only the days near those of the run are read. #}
{% test relationships(model, column_name, to, field) %}
select tested.tested_key
from (select {{ column_name }} as tested_key from {{ model }}) as tested
left join (select {{ field }} as there from {{ to }} where {{ ga4_near_window(to) }}) as others on tested.tested_key = others.there
where tested.tested_key is not null
    and others.there is null
{% endtest %}
