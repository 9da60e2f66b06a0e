{# Every row satisfies the expression; a null result counts as a failure unless the expression handles it. #}
{% test expression_is_true(model, expression, where="true") %}
select *
from {{ model }}
where ({{ where }}) and not coalesce(({{ expression }}), false)
{% endtest %}
