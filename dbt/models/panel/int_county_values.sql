-- Figures of counties on the base boundary, of the first source that has one: units that became one are added up where
-- all of them are printed, units that only changed name, code, kind or city keep their figure.
with figures as (
    select
        f.*,
        h.base_county_id,
        h.is_exact,
        v.harmonise,
        s.default_rank,
        coalesce(b.is_broken, false) as is_held
    from {{ ref('int_county_figures') }} as f
    inner join {{ ref('int_county_chains') }} as h on f.city_id = h.county_id
    inner join {{ ref('variable') }} as v on f.variable_code = v.variable_code
    inner join {{ ref('source') }} as s on f.source = s.source
    left join {{ ref('int_county_cities') }} as c
        on f.city_id = c.county_id and f.year between c.year_from and c.year_to
    left join {{ ref('int_county_sums') }} as b
        on f.source = b.source and c.city_id = b.city_id and f.year = b.year and f.variable_code = b.variable_code
    where h.base_county_id is not null
),

parts as (
    select h.base_county_id, y.year, count(*) as n_part
    from (select distinct year from figures) as y
    inner join {{ ref('county') }} as c on y.year between coalesce(c.valid_from, 0) and coalesce(c.valid_to, 9999)
    inner join {{ ref('int_county_chains') }} as h on c.county_id = h.county_id
    group by all
),

chosen as (
    select
        f.base_county_id as county_id,
        f.year,
        f.variable_code,
        f.unit,
        f.source,
        f.vintage,
        sum(f.value order by f.source_cell_id) as value,
        count(*)::integer as n_part,
        bool_and(f.is_exact) as is_exact,
        bool_or(f.is_held) as is_held,
        bool_or(f.is_corrected) as is_corrected,
        min(f.file) as file,
        min(f.sheet) as sheet,
        min(f.cell) as cell,
        min(f.text) as text,
        min(f.printed_unit) as unit_printed,
        min(f.source_cell_id) as source_cell_id,
        list(f.source_cell_id order by f.source_cell_id) as source_cell_ids
    from figures as f
    inner join parts as p on f.base_county_id = p.base_county_id and f.year = p.year
    group by
        f.base_county_id, f.year, f.variable_code, f.unit, f.source, f.vintage, f.default_rank, f.harmonise, p.n_part
    -- a rate of several units would need a weight, and a sum all its parts
    having count(*) = p.n_part and (p.n_part = 1 or f.harmonise = 'sum')
    qualify row_number() over (
        partition by f.base_county_id, f.year, f.variable_code order by f.default_rank, f.source
    ) = 1
)

select
    c.* exclude (before, after, n_beside, is_between),
    -- the rules of editing are about cities: what is off the years on both sides, or on the only side, is a question
    coalesce(
        (is_between or n_beside >= 3) and least(value, before, after) > 0 and (
            value > {{ edit_parameter('E3', 'counties') }} * greatest(before, after)
            or value * {{ edit_parameter('E3', 'counties') }} < least(before, after)
        ), false
    ) as is_in_question
from (
    select
        *,
        coalesce(median(value) over (near rows between 3 preceding and 1 preceding), lead(value) over near) as before,
        coalesce(median(value) over (near rows between 1 following and 3 following), lag(value) over near) as after,
        lag(value) over near is not null and lead(value) over near is not null as is_between,
        count(*) over (near rows between 3 preceding and 3 following) - 1 as n_beside
    from chosen
    window near as (partition by county_id, variable_code, is_held order by year)
) as c
