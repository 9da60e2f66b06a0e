{# First year of the base windows of specs/index.yml: earlier figures are not used, and it is the price base. #}
{% macro base_year() -%}
    (select min(window_start) from {{ source('ops', 'index_spec') }})
{%- endmacro %}

{# Last year of the base windows. #}
{% macro base_window_end() -%}
    (select max(window_end) from {{ source('ops', 'index_spec') }})
{%- endmacro %}

{# The row is of the headline index, on its frozen basis, with its own weights. #}
{% macro at_headline(row) -%}
    exists (
        select 1 from {{ ref('dim_index') }} as own
        where
            own.is_headline and own.index_code = {{ row }}.index_code and own.basis = {{ row }}.basis
            and own.weight_scheme = {{ row }}.weight_scheme
    )
{%- endmacro %}

{# The neighbours of everything that is published at headline scope: those of the headline regression. #}
{% macro headline_w() -%}
    (
        select min(spec.w_code) from {{ ref('dim_model_spec') }} as spec
        inner join {{ ref('dim_index') }} as own on spec.y_code = own.index_code and own.is_headline
        where spec.is_headline
    )
{%- endmacro %}

{# What the groups of each scheme are called. #}
{% macro group_names() -%}
    (
        select scheme, group_code, any_value(group_name_zh) as group_name_zh, any_value(group_name_en) as group_name_en
        from {{ ref('dim_group_membership') }}
        group by all
    )
{%- endmacro %}
