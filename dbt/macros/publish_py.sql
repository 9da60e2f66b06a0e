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
