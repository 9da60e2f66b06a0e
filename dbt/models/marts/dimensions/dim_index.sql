-- breaks of the series that its indicators are made of, inside its window
with breaks as (
    select s.index_code, count(distinct concat_ws(' ', b.variable_code, b.area_code, b.break_year)) as n_break
    from {{ source('ops', 'index_spec') }} as s
    inner join {{ ref('indicator_part') }} as p on s.indicator_code = p.indicator_code
    inner join {{ ref('int_breaks') }} as b
        on p.variable_code = b.variable_code and s.window_start < b.break_year and s.window_end >= b.break_year
    where b.treatment <> 'keep'
    group by all
)

select
    s.index_code,
    any_value(s.title_zh) as title_zh,
    any_value(s.title_en) as title_en,
    nullif(any_value(s.variant_of), '') as variant_of,
    any_value(s.relations_code) as relations_code,
    any_value(j.is_headline) as is_headline,
    any_value(s.basis) as basis,
    count(*)::integer as n_indicator,
    any_value(s.window_start)::integer as window_start,
    any_value(s.window_end)::integer as window_end,
    any_value(s.edit_policy) as edit_policy,
    coalesce(any_value(b.n_break), 0)::integer as n_break,
    case
        when any_value(s.edit_policy) in ('edited', 'registered') then 0 else coalesce(any_value(b.n_break), 0)
    end::integer
        as breaks_crossed,
    any_value(s.weight_scheme) as weight_scheme,
    string_agg(distinct s.dimension, ' ' order by s.dimension) as dimensions,
    any_value(j.n_city_in_sample)::integer as n_city_in_sample,
    any_value(j.is_computed) as is_computed,
    any_value(j.skip_reason) as skip_reason
from {{ source('ops', 'index_spec') }} as s
inner join {{ ref('int_indexes_judged') }} as j on s.index_code = j.index_code
left join breaks as b on s.index_code = b.index_code
group by all
