-- Which city enters the balanced sample of which index, and if not: every rule it breaks, with indicator and year.
-- An indicator of small weight expels no city as long as the city has a figure of it in some year.
with spec as (
    select * from {{ source('ops', 'index_spec') }}
    where not coalesce(is_left_out, false)
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
    -- a city that ended without one successor is on no later boundary
    inner join {{ ref('city') }} as c on v.city_id = c.city_id and c.valid_to is null
),

cells as (
    select
        s.index_code,
        r.city_id,
        s.indicator_code,
        y.year,
        v.value,
        v.value_origin,
        v.value_observed,
        v.value_donor
    from roster as r
    inner join spec as s on r.index_code = s.index_code
    inner join window_years as y on r.index_code = y.index_code
    left join {{ ref('int_values_imputed') }} as v
        on
            s.indicator_code = v.indicator_code
            and r.city_id = v.city_id
            and y.year = v.year
            and s.edit_policy = v.edit_policy
),

by_indicator as (
    select
        c.index_code,
        c.city_id,
        c.indicator_code,
        -- an edge is a year without a figure beyond which there is none either: inside a longer series it is a gap
        count(c.value_observed) as n_observed,
        count(c.value) as n_value,
        count(coalesce(c.value, c.value_donor)) as n_filled,
        min(c.year) filter (where c.value is null) as first_missing,
        coalesce(min(c.year) filter (where c.value is not null) > min(c.year), true) as starts_late,
        coalesce(max(c.year) filter (where c.value is not null) < max(c.year), true) as ends_early,
        count(*) filter (where {{ is_imputed('c.value_origin') }}) as n_imputed,
        max(n.n_year) as n_year
    from cells as c
    inner join size as n on c.index_code = n.index_code
    group by all
),

faults as (
    select
        b.*,
        w.is_minor,
        case
            when b.n_observed = 0 then 'no figure in any year'
            when b.starts_late and b.ends_early then 'series starts late and ends early'
            when b.starts_late then 'series starts late'
            when b.ends_early then 'series ends early'
            when b.n_observed < {{ var('min_observed_share') }} * b.n_year then 'too few observed years'
            when b.n_value < b.n_year then 'gap longer than three years'
        end as fault
    from by_indicator as b
    inner join {{ ref('int_indicator_weights') }} as w
        on b.index_code = w.index_code and b.indicator_code = w.indicator_code
),

by_city as (
    select
        index_code,
        city_id,
        sum(n_imputed + n_filled - n_value) / sum(n_year) as share_imputed_cells,
        -- what an indicator of small weight lacks is carried along, and does not count against the city
        coalesce(sum(n_imputed) filter (where not is_minor) / nullif(sum(n_year) filter (where not is_minor), 0), 0)
            as share_imputed_major,
        count(fault) filter (where not is_minor or n_filled < n_year) as n_faults,
        count(fault) filter (where is_minor and n_filled = n_year) as n_carried,
        string_agg(
            indicator_code || ': ' || fault || coalesce(' (first missing ' || first_missing::varchar || ')', ''),
            '; ' order by n_value - n_year, indicator_code
        ) filter (where fault is not null and (not is_minor or n_filled < n_year)) as all_faults,
        string_agg(indicator_code, ' ' order by indicator_code)
        filter (where fault is not null and (not is_minor or n_filled < n_year)) as faulty_indicators,
        string_agg(indicator_code || ' ' || n_imputed::varchar, ', ' order by n_imputed desc, indicator_code)
        filter (where not is_minor and n_imputed > 0) as imputed_years,
        string_agg(indicator_code, ' ' order by indicator_code)
        filter (where is_minor and n_filled = n_year and n_value < n_year) as carried_indicators
    from faults
    group by all
)

select
    index_code,
    city_id,
    share_imputed_cells,
    n_carried,
    carried_indicators,
    faulty_indicators,
    n_faults = 0 and share_imputed_major <= {{ var('max_imputed_share') }} as in_sample,
    nullif(concat_ws(
        '; ',
        all_faults,
        case
            when share_imputed_major > {{ var('max_imputed_share') }}
                then
                    'imputed cells ' || round(100 * share_imputed_major)::integer::varchar || ' %, more than '
                    || (100 * {{ var('max_imputed_share') }})::integer::varchar || ' % (years: ' || imputed_years || ')'
        end
    ), '') as drop_reason
from by_city
