-- Figures that a newer vintage of the same source changed, added or withdrew; and first prints that a revised source
-- replaces (kind `source`).
with accepted as (
    select v.*, l.load_no, l.maturity
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('stg_landing__loads') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage
    where v.scope in ('city', 'built_up') and v.level = 'city' and v.year >= {{ base_year() }}
),

pairs as (
    select
        source,
        data_year,
        vintage as vintage_old,
        lead(vintage) over (partition by source, data_year order by load_no) as vintage_new
    from {{ ref('stg_landing__loads') }}
    qualify vintage_new is not null
),

before as (
    select p.*, a.* exclude (source, data_year)
    from pairs as p
    inner join accepted as a on p.source = a.source and p.data_year = a.data_year and p.vintage_old = a.vintage
),

after as (
    select p.*, a.* exclude (source, data_year)
    from pairs as p
    inner join accepted as a on p.source = a.source and p.data_year = a.data_year and p.vintage_new = a.vintage
),

file_revisions as (
    select
        'file' as kind,
        source as source_old,
        source as source_new,
        vintage_old,
        vintage_new,
        city_id,
        variable_code,
        year,
        coalesce(b.unit, a.unit) as unit,
        b.value as value_old,
        a.value as value_new
    from before as b
    full join after as a
        using (source, data_year, vintage_old, vintage_new, city_id, variable_code, year, scope)
),

source_revisions as (
    select
        'source' as kind,
        f.source as source_old,
        r.source as source_new,
        f.vintage as vintage_old,
        r.vintage as vintage_new,
        f.city_id,
        f.variable_code,
        f.year,
        f.unit,
        f.value as value_old,
        r.value as value_new
    from {{ ref('int_values_harmonised_to_base_boundary') }} as f
    inner join {{ ref('int_values_selected') }} as r
        on
            f.edit_policy = r.edit_policy and f.city_id = r.city_id and f.variable_code = r.variable_code
            and f.year = r.year and f.source <> r.source
    inner join {{ ref('source') }} as s on f.source = s.source and s.concept = 'first_print'
    inner join {{ ref('source') }} as t on r.source = t.source and t.concept = 'revised'
    -- revisions are told apart from edits: both sides as printed
    where f.value is not null and f.edit_policy <> 'edited' and r.year >= {{ base_year() }}
)

select
    {{ context_keys('k') }},
    x.kind,
    x.source_old,
    x.source_new,
    x.vintage_old,
    x.vintage_new,
    x.city_id,
    x.variable_code,
    x.year::integer as year,
    x.unit,
    x.value_old,
    x.value_new,
    100 * (x.value_new / nullif(x.value_old, 0) - 1) as pct_change,
    case
        when x.kind = 'source' then 'a revised source takes the place of the first print'
        when x.value_old is null then 'added by a newer vintage of the file'
        when x.value_new is null then 'withdrawn by a newer vintage of the file'
        else 'changed by a newer vintage of the file'
    end as reason
from (
    select * from file_revisions
    union all
    select * from source_revisions
) as x
cross join {{ source('ops', 'run_context') }} as k
where x.value_old is distinct from x.value_new
