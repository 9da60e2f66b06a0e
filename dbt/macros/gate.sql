{# A number that the rules of the gate measure with. #}
{% macro gate_parameter(parameter) -%}
    (select value from {{ ref('gate_parameter') }} where parameter = '{{ parameter }}')
{%- endmacro %}

{# The limit of a rule of the gate. #}
{% macro gate_limit(rule_id) -%}
    (select limit_at from {{ ref('gate_rule') }} where rule_id = '{{ rule_id }}')
{%- endmacro %}

{# The lower end of a range in a year: ranges are of the years since `first_year`, before them cities had less. #}
{% macro usual_low(low, year) -%}
    {{ low }}
    * if({{ low }} < 0, 1, exp(-{{ gate_parameter('less_a_year') }} * greatest({{ gate_parameter('first_year') }} - {{ year }}, 0)))
{%- endmacro %}

{# A log ratio of two years (`years` apart, negative where the first is earlier) less the growth that they may have. #}
{% macro beyond_drift(log_ratio, years, drift) -%}
    case
        when ({{ years }}) * ({{ log_ratio }}) > 0
            then sign({{ log_ratio }}) * greatest(abs({{ log_ratio }}) - {{ drift }} * abs({{ years }}), 0)
        else {{ log_ratio }}
    end
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

{#
  CTE `sums`: what the counties of a city print together beside the figure of the city, by year and variable that adds
  up. `figures` (keys, city_id, year, variable_code, value) are of counties, `wholes` (city_id, year, variable_code,
  value) of cities. A sum is broken if it is more than the city has, or if all its counties are there and it is less.
#}
{% macro county_sums(figures, wholes, keys='') %}
    printed as (
        select
            {{ keys }}
            c.city_id,
            f.year,
            f.variable_code,
            count(*) as n_printed,
            sum(f.value order by f.city_id) as of_counties
        from {{ figures }} as f
        inner join {{ ref('int_county_cities') }} as c
            on f.city_id = c.county_id and f.year between c.year_from and c.year_to
        inner join {{ ref('variable') }} as v on f.variable_code = v.variable_code and v.harmonise = 'sum'
        group by all
    ),

    listed as (
        select c.city_id, y.year, count(*) as n_listed
        from (select distinct year from printed) as y
        inner join {{ ref('int_county_cities') }} as c on y.year between c.year_from and c.year_to
        group by all
    ),

    sums as (
        select
            p.*,
            l.n_listed,
            w.value as of_city,
            p.of_counties / w.value as ratio,
            ratio > 1 + {{ gate_parameter('county_slack') }}
            or (p.n_printed = l.n_listed and ratio < 1 - {{ gate_parameter('county_slack') }}) as is_broken
        from printed as p
        inner join listed as l on p.city_id = l.city_id and p.year = l.year
        inner join {{ wholes }} as w
            on p.city_id = w.city_id and p.year = w.year and p.variable_code = w.variable_code and w.value > 0
    )
{%- endmacro %}
