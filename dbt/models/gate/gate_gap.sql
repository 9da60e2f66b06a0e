-- One row per province of a load that waits of which whole columns are empty that held figures in the last accepted
-- year.
select
    p.province_id || '/' || p.year as subject,
    p.load_id,
    p.year,
    p.province_id,
    any_value(c.name_zh) as province_name,
    max(p.year_last) as year_last,
    count(*) as n_columns,
    count(*) filter (where p.is_empty) as n_empty,
    sum(p.n_last) filter (where p.is_empty) as n_figures,
    string_agg(p.variable_code || ' (' || p.scope || ')', ', ' order by p.variable_code, p.scope)
    filter (where p.is_empty) as empty_columns
from {{ ref('gate_province') }} as p
left join {{ ref('city') }} as c on p.province_id = c.province_code and c.level = 'province'
where p.n_last >= {{ gate_parameter('min_empty') }} and p.n_column > 0
group by all
having
    count(*) filter (where p.is_empty) > 0
