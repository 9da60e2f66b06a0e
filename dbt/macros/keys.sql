{# First key columns of every mart that a run produced; `index_code` and `basis` are the model's own. #}
{% macro context_keys(context) -%}
    {{ context }}.data_vintage, {{ context }}.method_version, {{ context }}.boundary_vintage
{%- endmacro %}

{# Rank of an origin: the value of an indicator is only as good as its worst part. #}
{% macro origin_rank(origin) -%}
    case {{ origin }}
    when 'observed' then 0 when 'structural_zero' then 1 when 'merged_boundary' then 2
    when 'suspected_fill' then 3 when 'interpolated_linear' then 4 when 'interpolated_loglinear' then 4
    when 'donor_growth' then 5 when 'carried_forward' then 6
end
{%- endmacro %}

{# Origins that count as imputed (a sum over merged units and a true zero are observations). #}
{% macro is_imputed(origin) -%}
    {{ origin }} in ('suspected_fill', 'interpolated_linear', 'interpolated_loglinear', 'donor_growth', 'carried_forward')
{%- endmacro %}
