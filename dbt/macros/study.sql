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

{# Quick limits and entropies of indicators over a relation of cells (index_code, indicator_code, capped, direction,
   is_winsorised): `limits`, `scaled` and `entropies`; the home of the formula is python_models.measurement. #}
{% macro quick_entropies(cells) -%}
limits as (
    select
        index_code,
        indicator_code,
        case when any_value(is_winsorised) then quantile_cont(capped, 0.01) else min(capped) end as low,
        case when any_value(is_winsorised) then quantile_cont(capped, 0.99) else max(capped) end as high
    from {{ cells }}
    group by all
),

scaled as (
    select
        c.index_code,
        c.indicator_code,
        case
            when c.direction > 0 then greatest(least(c.capped, l.high), l.low) - l.low
            else l.high - greatest(least(c.capped, l.high), l.low)
        end as z
    from {{ cells }} as c
    inner join limits as l using (index_code, indicator_code)
    where l.high > l.low
),

entropies as (
    select
        index_code,
        indicator_code,
        1 + sum(case when z > 0 then z / total * ln(z / total) else 0 end) / ln(count(*)) as redundancy
    from (select *, sum(z) over (partition by index_code, indicator_code) as total from scaled) as shares
    group by all
)
{%- endmacro %}

{# What int_values_derived and int_deflators_chained make of printed variables. is_weighed: figures of the printed one
   count for the gate as those of the part; is_edited: an edit of it moves the part. #}
{% macro derived_parts() -%}
    (
        values
        ('population', 'population_resident', true, true), ('population', 'population_registered', true, false),
        ('va_secondary_nom', 'va_secondary_nom', true, false), ('va_secondary_nom', 'secondary_share', true, true),
        ('va_secondary_nom', 'gdp_nom', false, true), ('va_tertiary_nom', 'va_tertiary_nom', true, false),
        ('va_tertiary_nom', 'tertiary_share', true, true), ('va_tertiary_nom', 'gdp_nom', false, true),
        ('emp_total', 'emp_total', true, false), ('emp_total', 'emp_urban_units', true, true),
        ('fdi_nom', 'fdi_usd', true, true), ('robot_density', 'robots_', true, false),
        ('robot_density', 'emp_base_', true, false), ('deflator', 'gdp_real_index', true, false),
        ('deflator', 'gdp_nom', true, false), ('deflator', 'gdp_deflator', false, true)
    ) as derived_parts (part_code, printed_code, is_weighed, is_edited)
{%- endmacro %}

{# Which variable of indicator_part.csv a printed variable reaches: itself, and what is derived from it. #}
{% macro reached_parts() -%}
    (
        select variable_code, variable_code as part_code from {{ ref('variable') }}
        union all
        select printed_code, part_code from {{ derived_parts() }}
        where
            is_edited and (
                printed_code <> 'emp_urban_units'
                or not exists (
                    select 1 from {{ ref('int_values_selected') }} as v where v.variable_code = 'emp_total'
                )
            )
    )
{%- endmacro %}

{# Rows of both policies, each of its own: what is `both` in a table stands in each. #}
{% macro each_policy(table) -%}
    (
        select * replace ('edited' as edit_policy) from {{ table }}
        where edit_policy <> 'as_printed'
        union all
        select * replace ('as_printed' as edit_policy) from {{ table }}
        where edit_policy <> 'edited'
    )
{%- endmacro %}
