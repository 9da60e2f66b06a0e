-- One value per city, variable and year. Precedence picks a whole series; a gap (or a suspected fill) of it takes a
-- second source only where concept and unit agree and the years that both have differ by at most 1 %.
with series as (
    select * from {{ ref('int_values_harmonised_to_base_boundary') }}
    where value is not null
),

ratios as (
    select
        e.edit_policy,
        s.variable_code,
        e.city_id,
        s.early_source,
        s.late_source,
        s.overlap_to,
        avg(e.value order by e.year) / avg(l.value order by l.year) as ratio,
        count(*) as n_overlap
    from {{ ref('splice') }} as s
    inner join series as e
        on
            s.variable_code = e.variable_code and s.early_source = e.source
            and e.year between s.overlap_from and s.overlap_to
    inner join series as l
        on
            e.edit_policy = l.edit_policy and e.city_id = l.city_id and e.year = l.year
            and s.variable_code = l.variable_code and s.late_source = l.source
    group by all
),

-- further candidates: a late series brought to the level of an early one by the city's own ratio over the overlap
spliced as (
    select
        v.edit_policy,
        'spliced' as source,
        v.vintage,
        v.city_id,
        v.year,
        v.variable_code,
        v.unit,
        v.value as value_as_printed,
        v.edited_origin,
        v.fill_rule,
        v.is_corrected,
        v.source_cell_id,
        v.source_cell_ids,
        v.is_harmonised,
        case when v.source = r.late_source then v.value * r.ratio else v.value end as value
    from ratios as r
    inner join series as v
        on
            r.edit_policy = v.edit_policy and r.city_id = v.city_id and r.variable_code = v.variable_code
            and (
                (r.early_source = v.source and r.overlap_to >= v.year)
                or (r.late_source = v.source and r.overlap_to < v.year)
            )
),

candidates as (
    select h.*, coalesce(p.rank, s.default_rank * 100) as rank, coalesce(s.concept, 'spliced') as concept
    from (
        select * from {{ ref('int_values_harmonised_to_base_boundary') }}
        union all by name
        select * from spliced
    ) as h
    left join {{ ref('source') }} as s on h.source = s.source
    left join {{ ref('precedence') }} as p on h.variable_code = p.variable_code and h.source = p.source
    -- years before the window are neighbours of its first gaps and anchors of its population
    where h.value is not null and h.year >= {{ base_year() }} - {{ var('history_years') }}
),

coverage as (
    select
        edit_policy,
        city_id,
        variable_code,
        source,
        concept,
        rank,
        count(*) filter (where year between {{ base_year() }} and {{ base_window_end() }}) as n_years,
        max(year) - min(year) + 1 as span
    from candidates
    group by all
),

chosen as (
    select *
    from coverage
    qualify row_number() over (
        partition by edit_policy, city_id, variable_code
        order by
            n_years < {{ var('min_observed_share') }}
            * (
                select count(distinct year) from candidates
                where year between {{ base_year() }} and {{ base_window_end() }}
            ),
            rank, n_years desc, source
    ) = 1
),

agreement as (
    select
        a.edit_policy,
        a.city_id,
        a.variable_code,
        b.source,
        count(*) as n_overlap,
        max(abs(b.value / nullif(a.value, 0) - 1)) as worst
    from candidates as a
    inner join chosen as c using (edit_policy, city_id, variable_code, source)
    inner join candidates as b
        on
            a.edit_policy = b.edit_policy and a.city_id = b.city_id and a.variable_code = b.variable_code
            and a.year = b.year and a.source <> b.source and c.concept = b.concept
    where a.fill_rule = '' and b.fill_rule = ''
    group by all
),

eligible as (
    select k.*, c.source as chosen_source, k.source = c.source as is_chosen
    from candidates as k
    inner join chosen as c
        on k.edit_policy = c.edit_policy and k.city_id = c.city_id and k.variable_code = c.variable_code
    left join agreement as g
        on
            k.edit_policy = g.edit_policy and k.city_id = g.city_id and k.variable_code = g.variable_code
            and k.source = g.source
    where
        k.source = c.source
        or (
            g.n_overlap >= {{ var('min_overlap_years') }} and g.worst <= {{ var('agree_tolerance') }}
            and k.fill_rule = ''
        )
)

select
    edit_policy,
    city_id,
    variable_code,
    year,
    value,
    value_as_printed,
    unit,
    source,
    vintage,
    chosen_source,
    is_chosen,
    fill_rule,
    is_corrected,
    source_cell_id,
    source_cell_ids,
    case
        when fill_rule <> '' then 'suspected_fill'
        when edited_origin = 'donor_growth' then edited_origin
        when is_harmonised then 'merged_boundary'
        when edited_origin is not null then edited_origin
        else 'observed'
    end as value_origin
from eligible
qualify row_number() over (
    partition by edit_policy, city_id, variable_code, year
    order by fill_rule <> '', is_chosen desc, rank, source
) = 1
