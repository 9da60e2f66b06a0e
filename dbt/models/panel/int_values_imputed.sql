-- Interior gaps of at most three years only; edges stay empty. `fill_policy = without_fills` first takes suspected
-- fills out (never at the edge of a series), so that a variant of the index can be computed without them.
with policies as (
    select unnest(['with_fills', 'without_fills']) as fill_policy
),

years as (
    select distinct year from {{ ref('int_indicators_constructed') }}
),

pairs as (
    select distinct indicator_code, city_id from {{ ref('int_indicators_constructed') }}
),

edges as (
    select indicator_code, city_id, min(year) as first_year, max(year) as last_year
    from {{ ref('int_indicators_constructed') }}
    where value is not null
    group by all
),

grid as (
    select
        p.fill_policy,
        k.indicator_code,
        k.city_id,
        y.year,
        c.value_origin,
        c.source_cell_id,
        c.source_cell_ids,
        c.deflator_level,
        c.population_basis,
        case
            when
                p.fill_policy = 'without_fills' and c.value_origin = 'suspected_fill'
                and y.year > e.first_year and y.year < e.last_year
                then null
            else c.value
        end as value
    from pairs as k
    cross join years as y
    cross join policies as p
    left join edges as e on k.indicator_code = e.indicator_code and k.city_id = e.city_id
    left join {{ ref('int_indicators_constructed') }} as c
        on k.indicator_code = c.indicator_code and k.city_id = c.city_id and y.year = c.year
),

anchored as (
    select
        *,
        last_value(case when value is not null then year end ignore nulls) over before_it as anchor_year_left,
        last_value(value ignore nulls) over before_it as anchor_value_left,
        last_value(source_cell_ids ignore nulls) over before_it as anchor_cells_left,
        first_value(case when value is not null then year end ignore nulls) over after_it as anchor_year_right,
        first_value(value ignore nulls) over after_it as anchor_value_right,
        first_value(source_cell_ids ignore nulls) over after_it as anchor_cells_right
    from grid
    window
        before_it as (
            partition by fill_policy, indicator_code, city_id order by year
            rows between unbounded preceding and 1 preceding
        ),
        after_it as (
            partition by fill_policy, indicator_code, city_id order by year
            rows between 1 following and unbounded following
        )
),

measured as (
    select
        a.*,
        i.interp_method,
        anchor_year_right - anchor_year_left - 1 as n_gap,
        (a.year - anchor_year_left) / (anchor_year_right - anchor_year_left) as position,
        a.value is null and anchor_year_right - anchor_year_left - 1 <= {{ var('max_gap_years') }} as is_imputable,
        i.interp_method = 'loglinear' and anchor_value_left > 0 and anchor_value_right > 0 as is_log
    from anchored as a
    inner join {{ ref('indicator') }} as i on a.indicator_code = i.indicator_code
)

select
    fill_policy,
    indicator_code,
    city_id,
    year,
    value as value_observed,
    case
        when value is not null then value
        when is_imputable and is_log
            then exp(ln(anchor_value_left) + (ln(anchor_value_right) - ln(anchor_value_left)) * position)
        when is_imputable then anchor_value_left + (anchor_value_right - anchor_value_left) * position
    end as value,
    case
        when value is not null then value_origin
        when is_imputable and is_log then 'interpolated_loglinear'
        when is_imputable then 'interpolated_linear'
    end as value_origin,
    case when value is not null then source_cell_id end as source_cell_id,
    case
        when value is not null then source_cell_ids
        when is_imputable then list_sort(list_distinct(list_concat(anchor_cells_left, anchor_cells_right)))
    end as source_cell_ids,
    deflator_level,
    population_basis,
    case when value is null and is_imputable then n_gap end as n_gap,
    case when value is null and is_imputable then anchor_year_left end as anchor_year_left,
    case when value is null and is_imputable then anchor_year_right end as anchor_year_right,
    case when value is null and is_imputable then anchor_value_left end as anchor_value_left,
    case when value is null and is_imputable then anchor_value_right end as anchor_value_right
from measured
