{# The sum of a column within each group equals a number. #}
{% test sums_to(model, column_name, group_by, total, tolerance=1e-12) %}
select {{ group_by | join(', ') }}, sum({{ column_name }}) as observed
from {{ model }}
where {{ column_name }} is not null
group by all
having abs(sum({{ column_name }}) - {{ total }}) > {{ tolerance }}
{% endtest %}
