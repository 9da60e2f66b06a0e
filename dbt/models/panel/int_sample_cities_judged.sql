-- Which city enters the balanced sample of which index, and if not: the first rule it breaks, indicator and year.
with spec as (
    select * from {{ source('ops', 'index_spec') }}
),

window_years as (
    select distinct s.index_code, y.year
    from spec as s
    inner join (select distinct year from {{ ref('int_values_imputed') }}) as y
        on y.year between s.window_start and s.window_end
),

size as (
    select index_code, count(*) as n_year from window_years
    group by all
),

roster as (
    select distinct s.index_code, v.city_id
    from spec as s
    inner join {{ ref('int_values_imputed') }} as v on s.indicator_code = v.indicator_code
),

cells as (
    select
        s.index_code,
        r.city_id,
        s.indicator_code,
        y.year,
        v.value,
        v.value_origin,
        v.value_observed
    from roster as r
    inner join spec as s on r.index_code = s.index_code
    inner join window_years as y on r.index_code = y.index_code
    left join {{ ref('int_values_imputed') }} as v
        on
            s.indicator_code = v.indicator_code
            and r.city_id = v.city_id
            and y.year = v.year
            and s.fill_policy = v.fill_policy
),

by_indicator as (
    select
        c.index_code,
        c.city_id,
        c.indicator_code,
        count(c.value_observed) as n_observed,
        count(c.value) as n_value,
        min(c.year) filter (where c.value is null) as first_missing,
        coalesce(min(c.year) filter (where c.value_observed is not null) > min(c.year), true) as starts_late,
        coalesce(max(c.year) filter (where c.value_observed is not null) < max(c.year), true) as ends_early,
        count(*) filter (where {{ is_imputed('c.value_origin') }}) as n_imputed,
        max(n.n_year) as n_year
    from cells as c
    inner join size as n on c.index_code = n.index_code
    group by all
),

faults as (
    select
        *,
        case
            when n_observed = 0 then 'no figure in any year'
            when starts_late and ends_early then 'series starts late and ends early'
            when starts_late then 'series starts late'
            when ends_early then 'series ends early'
            when n_observed < {{ var('min_observed_share') }} * n_year then 'too few observed years'
            when n_value < n_year then 'gap longer than three years'
        end as fault
    from by_indicator
),

by_city as (
    select
        index_code,
        city_id,
        sum(n_imputed) / sum(n_year) as share_imputed_cells,
        count(fault) as n_faults,
        arg_min(
            indicator_code || ': ' || fault || coalesce(' (first missing ' || first_missing::varchar || ')', ''),
            (-(n_year - n_value), indicator_code)
        ) filter (where fault is not null) as first_fault
    from faults
    group by all
)

select
    b.index_code,
    b.city_id,
    b.share_imputed_cells,
    b.n_faults = 0 and b.share_imputed_cells <= {{ var('max_imputed_share') }} as in_sample,
    case
        when b.n_faults > 1 then b.first_fault || ' and ' || (b.n_faults - 1)::varchar || ' more'
        when b.n_faults = 1 then b.first_fault
        when b.share_imputed_cells > {{ var('max_imputed_share') }}
            then 'imputed cells above ' || (100 * {{ var('max_imputed_share') }})::integer::varchar || ' %'
    end as drop_reason
from by_city as b
