-- Merged units are added up, transferred counties move with their landed figures, rates are rebuilt with weights.
with changes as (
    select event_id, event_type, from_city_id, to_city_id, county_city_id, effective_year
    from {{ ref('city_change') }}
    where event_type in ('merge', 'transfer')
),

figures as (
    select
        f.*,
        v.harmonise,
        v.weight_variable,
        v.transfer_share,
        s.boundary,
        f.city_id in (select unnest([from_city_id, to_city_id]) from changes) as is_changed
    from {{ ref('int_values_edited') }} as f
    inner join {{ ref('variable') }} as v on f.variable_code = v.variable_code
    inner join {{ ref('source') }} as s on f.source = s.source
    where f.level = 'city'
),

-- of cities that gave or received; all others stay as they are
candidates as (
    select * from figures
    where is_changed
),

-- weights of rates: of the same source where it prints them, else the largest other source
weights as (
    select
        edit_policy,
        source,
        city_id,
        year,
        variable_code,
        value
    from candidates
    where variable_code in ('gdp_nom', 'population_registered', 'population_resident')
),

weighted as (
    select c.*, coalesce(w.value, o.value) as weight
    from candidates as c
    left join weights as w
        on
            c.edit_policy = w.edit_policy and c.source = w.source and c.city_id = w.city_id and c.year = w.year
            and c.weight_variable = w.variable_code
    left join (
        select edit_policy, city_id, year, variable_code = 'gdp_nom' as is_gdp, max(value) as value
        from weights
        group by all
    ) as o
        on
            c.edit_policy = o.edit_policy and c.city_id = o.city_id and c.year = o.year
            and (c.weight_variable = 'gdp_nom') = o.is_gdp
),

-- share of the giving city that a transferred county is, from landed county figures
county_shares as (
    select
        c.edit_policy,
        e.event_id,
        c.year,
        max(c.value) filter (where c.variable_code = 'gdp_nom') as county_gdp,
        max(c.value) filter (where c.variable_code like 'population%') as county_population
    from changes as e
    inner join {{ ref('int_values_edited') }} as c on e.county_city_id = c.city_id and e.effective_year > c.year
    -- another figure of the county tells no share: it must not count as a part of unknown size
    where e.event_type = 'transfer' and (c.variable_code = 'gdp_nom' or c.variable_code like 'population%')
    group by all
),

-- the giving city's own figures on the old boundary: of the same source, or of the first source that prints them
donors as (
    select
        w.edit_policy,
        w.city_id,
        w.year,
        w.source,
        coalesce(
            max(d.value) filter (where d.variable_code = 'gdp_nom' and d.source = w.source),
            arg_min(d.value, (s.default_rank, d.source)) filter (where d.variable_code = 'gdp_nom')
        ) as city_gdp,
        coalesce(
            max(d.value) filter (where d.variable_code = 'population_resident' and d.source = w.source),
            arg_min(d.value, (s.default_rank, d.source)) filter (where d.variable_code = 'population_resident')
        ) as city_population
    from (select distinct edit_policy, city_id, year, source from candidates) as w
    inner join weights as d on w.edit_policy = d.edit_policy and w.city_id = d.city_id and w.year = d.year
    inner join {{ ref('source') }} as s on d.source = s.source and s.boundary = 'as_printed'
    group by all
),

moves as (
    -- whole units that were merged
    select
        w.edit_policy,
        w.source,
        w.year,
        w.variable_code,
        w.harmonise,
        e.from_city_id,
        e.to_city_id,
        e.event_type,
        w.value as value_moved,
        w.weight as weight_moved,
        w.source_cell_id as cell_moved
    from changes as e
    inner join weighted as w on e.from_city_id = w.city_id and e.effective_year > w.year
    where e.event_type = 'merge' and w.boundary = 'as_printed'
    union all
    -- counties that changed city: only where their figures are landed
    select
        w.edit_policy,
        w.source,
        w.year,
        w.variable_code,
        w.harmonise,
        e.from_city_id,
        e.to_city_id,
        e.event_type,
        case
            when w.harmonise = 'mean' then w.value
            when w.transfer_share = 'gdp' then w.value * k.county_gdp / d.city_gdp
            else w.value * k.county_population / d.city_population
        end as value_moved,
        case
            when w.weight_variable = 'gdp_nom' then k.county_gdp
            else k.county_population
        end as weight_moved,
        w.source_cell_id
    from changes as e
    inner join weighted as w on e.from_city_id = w.city_id and e.effective_year > w.year
    inner join county_shares as k on w.edit_policy = k.edit_policy and e.event_id = k.event_id and w.year = k.year
    left join
        donors as d
        on w.edit_policy = d.edit_policy and w.source = d.source and w.city_id = d.city_id and w.year = d.year
    where e.event_type = 'transfer' and w.boundary = 'as_printed'
),

-- people of an abolished unit whom a source does not print: its registered persons, times residents over registered
-- persons of the unit that it joined
people_moved as (
    select
        w.edit_policy,
        w.source,
        w.year,
        w.variable_code,
        w.harmonise,
        e.from_city_id,
        e.to_city_id,
        e.event_type,
        max(r.value) * w.value / nullif(max(o.value), 0) as value_moved,
        null::double as weight_moved,
        arg_max(r.source_cell_id, (r.value, r.source_cell_id)) as cell_moved
    from changes as e
    inner join weighted as w on e.to_city_id = w.city_id and e.effective_year > w.year
    inner join candidates as r
        on
            w.edit_policy = r.edit_policy and e.from_city_id = r.city_id and w.year = r.year
            and r.variable_code = 'population_registered'
    inner join candidates as o
        on
            w.edit_policy = o.edit_policy and w.city_id = o.city_id and w.year = o.year and r.source = o.source
            and o.variable_code = 'population_registered'
    where
        e.event_type = 'merge' and w.boundary = 'as_printed' and w.variable_code = 'population_resident'
        and not exists (
            select 1 from candidates as x
            where
                x.edit_policy = w.edit_policy and x.city_id = e.from_city_id and x.source = w.source and x.year = w.year
                and x.variable_code = 'population_resident'
        )
    group by
        w.edit_policy,
        w.source,
        w.year,
        w.variable_code,
        w.harmonise,
        e.from_city_id,
        e.to_city_id,
        e.event_type,
        w.value
),

known_moves as (
    select * from moves
    where
        event_type = 'merge'
        or (value_moved is not null and (harmonise = 'sum' or weight_moved is not null))
    union all
    select * from people_moved
),

received as (
    select
        edit_policy,
        source,
        year,
        variable_code,
        to_city_id as city_id,
        count(*) as n_parts,
        sum(value_moved order by cell_moved) as value_moved,
        sum(value_moved * weight_moved order by cell_moved) as product_moved,
        sum(weight_moved order by cell_moved) as weight_moved,
        list(cell_moved order by cell_moved) as cells_moved
    from known_moves
    group by all
),

given as (
    select
        edit_policy,
        source,
        year,
        variable_code,
        from_city_id as city_id,
        sum(value_moved order by to_city_id) as value_given
    from known_moves
    where event_type = 'transfer'
    group by all
),

-- a unit that was merged away and printed no figure leaves the sum unknown, not smaller
expected as (
    select
        w.edit_policy,
        e.to_city_id as city_id,
        w.source,
        w.year,
        w.variable_code,
        count(distinct e.event_id) as n_expected
    from changes as e
    inner join weighted as w on e.to_city_id = w.city_id and e.effective_year > w.year
    where
        e.event_type = 'merge' and w.boundary = 'as_printed'
        and exists (
            select 1 from weighted as x
            where
                x.edit_policy = w.edit_policy and x.city_id = e.from_city_id and x.source = w.source
                and x.year = w.year
        )
    group by all
)

select
    w.edit_policy,
    w.source,
    w.vintage,
    w.city_id,
    w.year,
    w.variable_code,
    w.unit,
    w.value_before_edit as value_as_printed,
    w.edited_origin,
    w.fill_rule,
    w.is_corrected,
    w.source_cell_id,
    list_sort(list_distinct(list_prepend(w.source_cell_id, coalesce(r.cells_moved, [])))) as source_cell_ids,
    r.n_parts is not null or g.value_given is not null as is_harmonised,
    case
        when coalesce(x.n_expected, 0) > 0 and r.n_parts is null then null
        when w.harmonise = 'sum' then w.value + coalesce(r.value_moved, 0) - coalesce(g.value_given, 0)
        when r.n_parts is null then w.value
        else (w.value * w.weight + r.product_moved) / (w.weight + r.weight_moved)
    end as value
from weighted as w
left join received as r using (edit_policy, source, year, variable_code, city_id)
left join given as g
    on
        w.edit_policy = g.edit_policy
        and w.source = g.source
        and w.year = g.year
        and w.variable_code = g.variable_code
        and w.city_id = g.city_id
        and w.harmonise = 'sum'
left join expected as x
    on
        w.edit_policy = x.edit_policy
        and w.source = x.source
        and w.year = x.year
        and w.variable_code = x.variable_code
        and w.city_id = x.city_id
where
    not exists (
        -- the abolished unit itself lives on in its successor only
        select 1 from changes as e
        where e.event_type = 'merge' and e.from_city_id = w.city_id and w.boundary = 'as_printed'
    )
union all
select
    edit_policy,
    source,
    vintage,
    city_id,
    year,
    variable_code,
    unit,
    value_before_edit,
    edited_origin,
    fill_rule,
    is_corrected,
    source_cell_id,
    [source_cell_id] as source_cell_ids,
    false as is_harmonised,
    value
from figures
where not is_changed
