{# First year of the base windows of specs/index.yml: earlier figures are not used, and it is the price base. #}
{% macro base_year() -%}
    (select min(window_start) from {{ source('ops', 'index_spec') }})
{%- endmacro %}

{# Last year of the base windows. #}
{% macro base_window_end() -%}
    (select max(window_end) from {{ source('ops', 'index_spec') }})
{%- endmacro %}

{# The weight scheme of the headline scores. #}
{% macro headline_weights() -%}
    (select weight_scheme from {{ ref('weight_scheme') }} where is_headline)
{%- endmacro %}
