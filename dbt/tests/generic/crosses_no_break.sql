{# A table about changes reads no index whose changes cross a break. #}
{% test crosses_no_break(model) %}
select distinct m.index_code, i.breaks_crossed
from {{ model }} as m
inner join {{ ref('dim_index') }} as i on m.index_code = i.index_code
where i.breaks_crossed > 0
{% endtest %}
