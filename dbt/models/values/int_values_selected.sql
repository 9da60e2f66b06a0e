-- One value per city, variable and year. Precedence picks a whole series; a gap (or a suspected fill) of it takes a
-- second source only where concept and unit agree and the years that both have differ by at most 1 %.
with candidates as (
    select h.*, coalesce(p.rank, s.default_rank * 100) as rank, coalesce(s.concept, 'spliced') as concept
    from (
        select * from {{ ref('int_values_harmonised_to_base_boundary') }}
        union all by name
        select * from {{ ref('int_values_spliced') }}
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
