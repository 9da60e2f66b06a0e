{# A threshold of the gate: `value` of the parameter in seed gate_rule, the one home of such numbers. #}
{% macro gate_parameter(parameter) -%}
    (select value from {{ ref('gate_rule') }} where parameter = '{{ parameter }}')
{%- endmacro %}

{# Third of the cities of a column by an earlier figure, 1 to 3; all are 1 where there are too few to part. #}
{% macro size_of_city(move, figure, keys) -%}
    case
        when {{ move }} is null then null
        when count({{ move }}) over (partition by {{ keys }}) < 90 then 1
        else ntile(3) over (partition by {{ keys }}, {{ move }} is null order by {{ figure }})
    end
{%- endmacro %}

{# Half of the range that holds 95 of 100 figures. #}
{% macro half_range(figure) -%}
    ((quantile_cont({{ figure }}, 0.975) - quantile_cont({{ figure }}, 0.025)) / 2)
{%- endmacro %}

{# Logarithm of Student's density of two degrees of freedom at a figure in usual moves, but for a constant. #}
{% macro log_density(moves) -%}
    -1.5 * ln(1 + power({{ moves }}, 2) / 2)
{%- endmacro %}
