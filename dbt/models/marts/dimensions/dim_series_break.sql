-- Breaks that were declared or found: of definition (E8), of concept (E6), of source (splices), of counting (censuses).
select
    variable_code,
    area_code,
    break_year,
    kind,
    treatment,
    n_city,
    n_beyond,
    size_beyond,
    limit_at,
    p_holm,
    cause,
    decided_by,
    coalesce(
        printf('%d of %d cities change by more than the limit', n_beyond, n_city)
        || coalesce(printf(', %.0f %% in usual years', 100 * share_usual), '') || coalesce(': ' || provinces, ''),
        'no series of this variable'
    ) as note
from {{ ref('int_breaks') }}
union all by name
select
    variable_code,
    'all' as area_code,
    break_year::integer as break_year,
    'concept switch' as kind,
    'own definition computed, else left out' as treatment,
    'rule E6' as decided_by,
    string_agg(
        source
        || printf(
            ': %.0f %% of the cities satisfy another definition, %.0f %% beside it', 100 * share, 100 * share_usual
        ), '; ' order by source
    ) as note
from {{ ref('int_series_breaks') }}
group by variable_code, break_year
union all by name
select
    variable_code,
    'all' as area_code,
    max(about::integer) as break_year,
    'census' as kind,
    'relink' as treatment,
    count(distinct city_id)::integer as n_beyond,
    'rule E8' as decided_by,
    'cities whose estimates the census did not confirm' as note
from {{ ref('int_edits') }}
where rule = 'E8' and action = 'relink'
group by variable_code
union all by name
select
    s.variable_code,
    'all' as area_code,
    (s.overlap_to + 1)::integer as break_year,
    'source' as kind,
    'splice' as treatment,
    'splice.csv' as decided_by,
    'from ' || s.early_source || ' to ' || s.late_source || ': ' || s.note as note
from {{ ref('splice') }} as s
where
    exists (
        select 1 from {{ ref('int_values_selected') }} as v
        where v.variable_code = s.variable_code and v.source = 'spliced'
    )
union all by name
-- changes of concept that are declared and move no more cities than other years do
select
    c.variable_code,
    'all' as area_code,
    c.year::integer as break_year,
    'concept' as kind,
    'keep' as treatment,
    c.what_changed as cause,
    'rule E8' as decided_by,
    'no more cities than in other years change by more than the limit' as note
from {{ ref('concept_break') }} as c
inner join (select distinct variable_code, year from {{ ref('int_changes') }}) as k using (variable_code, year)
anti join {{ ref('int_breaks') }} as b on c.variable_code = b.variable_code and c.year = b.break_year
