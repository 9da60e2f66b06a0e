{#
  A mart over a Python result is this one line. The YAML contract is the only definition of its columns:
  extra columns of the Python table are dropped, a missing one fails. Key columns that the Python side does
  not know (vintage, method version, boundary) come from the run context.
#}
{% macro publish_py(table) -%}
    {%- set context_columns = ['data_vintage', 'method_version', 'boundary_vintage'] -%}
    select
    {%- for c in model.columns.values() %}
        {{ 'context' if c.name in context_columns else 'result' }}.{{ c.name }}::{{ c.data_type }} as {{ c.name }}
        {{- "," if not loop.last }}
    {%- endfor %}
from {{ source('py', table) }} as result
cross join {{ source('ops', 'run_context') }} as context
{%- endmacro %}

{# dbt asks DuckDB twice for the columns of each model with a contract: not where they are the contract's own. #}
{% macro get_assert_columns_equivalent(sql) -%}
    {%- if 'publish_py(' not in model.raw_code -%}
        {{ return(assert_columns_equivalent(sql)) }}
    {%- endif -%}
{%- endmacro %}
