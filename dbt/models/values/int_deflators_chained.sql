-- D = nominal growth since the base year over chained real growth, both of one source; 1 in the base year. Under the
-- policy `edited` its yearly steps are the repaired ones (E9).
with pairs as (
    select
        n.edit_policy,
        n.city_id,
        n.source,
        n.year,
        n.value as gdp_nom,
        i.value as gdp_index,
        list_concat(n.source_cell_ids, i.source_cell_ids) as source_cell_ids
    from {{ each_policy(ref('int_values_harmonised_to_base_boundary')) }} as n
    inner join {{ each_policy(ref('int_values_harmonised_to_base_boundary')) }} as i
        using (edit_policy, city_id, source, year)
    where
        n.variable_code = 'gdp_nom' and i.variable_code = 'gdp_real_index'
        and n.value > 0 and i.value > 0
        and n.year >= {{ base_year() }}
),

chained as (
    select
        *,
        gdp_nom / first_value(gdp_nom) over series as nominal_growth,
        exp(
            sum(case when year = {{ base_year() }} then 0 else ln(gdp_index / 100) end) over series
        ) as real_growth,
        min(year) over (partition by edit_policy, city_id, source) as first_year,
        count(*) over series as n_chained
    from pairs
    window series as (
        partition by edit_policy, city_id, source order by year rows between unbounded preceding and current row
    )
),

ranked as (
    select c.*, coalesce(p.rank, 100) as rank
    from chained as c
    left join {{ ref('precedence') }} as p on p.variable_code = 'gdp_deflator' and c.source = p.source
    -- an unbroken chain from the base year, or none
    where c.first_year = {{ base_year() }} and c.n_chained = c.year - {{ base_year() }} + 1
),

-- one source for the whole series of a city
best as (
    select edit_policy, city_id, source
    from ranked
    group by edit_policy, city_id, source, rank
    qualify row_number() over (partition by edit_policy, city_id order by rank, count(*) desc, source) = 1
),

-- the repaired path also reaches back before the base year
repaired as (
    select
        source,
        city_id,
        year,
        path,
        n_replaced,
        exp(path - max(case when year = {{ base_year() }} then path end) over (partition by source, city_id))
            as deflator
    from (
        select
            source,
            city_id,
            year,
            sum(step_used) over steps as path,
            sum((is_broken and year > {{ base_year() }})::integer) over steps as n_replaced
        from {{ ref('int_price_steps') }}
        window steps as (partition by source, city_id order by year)
    ) as summed
),

of_city as (
    select
        r.edit_policy,
        r.city_id,
        r.source,
        r.year,
        case
            when r.edit_policy = 'edited' then p.deflator else r.nominal_growth / r.real_growth
        end as deflator,
        r.gdp_nom,
        r.source_cell_ids,
        r.edit_policy = 'edited' and p.n_replaced > 0 as is_repaired
    from ranked as r
    inner join best using (edit_policy, city_id, source)
    left join repaired as p on r.source = p.source and r.city_id = p.city_id and r.year = p.year
    union all
    select
        b.edit_policy,
        p.city_id,
        p.source,
        p.year,
        p.deflator,
        null::double as gdp_nom,
        [] as source_cell_ids,
        false as is_repaired
    from repaired as p
    inner join best as b on p.source = b.source and p.city_id = b.city_id and b.edit_policy = 'edited'
    where p.year < {{ base_year() }} and p.deflator is not null
),

of_province as (
    select
        o.edit_policy,
        c.province_code,
        o.year,
        sum(o.deflator * o.gdp_nom order by o.city_id) / sum(o.gdp_nom order by o.city_id) as deflator
    from of_city as o
    inner join {{ ref('city') }} as c on o.city_id = c.city_id
    where o.gdp_nom is not null
    group by all
),

wanted as (
    select distinct v.edit_policy, v.city_id, v.year, c.province_code
    from {{ ref('int_values_completed') }} as v
    inner join {{ ref('city') }} as c on v.city_id = c.city_id
),

-- what a wage or an income buys moves with the prices of the province: the median of its cities with a price path of
-- their own, of the nation where they are few
of_persons as (
    select
        o.edit_policy,
        c.province_code,
        o.year,
        median(o.deflator) as deflator
    from of_city as o
    inner join {{ ref('city') }} as c on o.city_id = c.city_id
    where not o.is_repaired
    group by grouping sets ((o.edit_policy, c.province_code, o.year), (o.edit_policy, o.year))
    having c.province_code is null or count(*) >= {{ edit_parameter('E9', 'min_cities') }}
)

select
    w.edit_policy,
    w.city_id,
    w.year,
    coalesce(o.deflator, p.deflator) as deflator,
    coalesce(a.deflator, b.deflator, o.deflator, p.deflator) as deflator_of_persons,
    o.source,
    case
        when o.deflator is null then 'province'
        when o.is_repaired then 'province_step'
        else 'city'
    end as deflator_level,
    coalesce(o.source_cell_ids, []) as source_cell_ids
from wanted as w
left join of_city as o on w.edit_policy = o.edit_policy and w.city_id = o.city_id and w.year = o.year
left join of_province as p
    on w.edit_policy = p.edit_policy and w.province_code = p.province_code and w.year = p.year
left join of_persons as a
    on w.edit_policy = a.edit_policy and w.province_code = a.province_code and w.year = a.year
left join of_persons as b on w.edit_policy = b.edit_policy and b.province_code is null and w.year = b.year
where coalesce(o.deflator, p.deflator) is not null
