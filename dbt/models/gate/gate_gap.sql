-- One row per province of a load that waits of which whole columns are empty that held figures in the last accepted
-- year, or that nearly all other cities of an edition have (`is_certain`: printed editions leave no such hole).
with figures as (
    select * from {{ ref('gate_figure') }}
    where print_no = 1
),

provinces as (
    select
        load_id,
        year,
        province_id,
        count(distinct city_id) as n_cities
    from figures
    where data_year > 0
    group by all
    having count(distinct city_id) >= {{ gate_parameter('min_hole') }}
),

sizes as (
    select load_id, year, count(distinct city_id) as n_all from figures
    group by all
),

columns as (
    select
        load_id,
        year,
        variable_code,
        scope,
        count(value) / any_value(n_all) as coverage
    from figures
    inner join sizes using (load_id, year)
    group by all
),

filled as (
    select distinct
        load_id,
        year,
        province_id,
        variable_code,
        scope
    from figures
    where value is not null
),

holes as (
    select *
    from provinces
    inner join columns using (load_id, year)
    anti join filled using (load_id, year, province_id, variable_code, scope)
    where coverage >= {{ gate_parameter('full_column') }}
),

empty as (
    select
        load_id,
        year,
        province_id,
        variable_code,
        scope,
        p.year_last,
        -- what was empty in the last year too is no news
        h.n_cities is not null and (p.year_last is null or p.n_last > 0) as is_hole,
        coalesce(p.is_empty, false) as is_lost,
        coalesce(nullif(p.n_last, 0), h.n_cities) as n_figures
    from (
        select * from {{ ref('gate_province') }}
        where n_column > 0
    ) as p
    full join holes as h using (load_id, year, province_id, variable_code, scope)
)

select
    e.province_id || '/' || e.year || case when coalesce(w.weight, 0) = 0 then '/other' else '' end as subject,
    e.load_id,
    coalesce(w.weight, 0) > 0 as weighs,
    e.year,
    e.province_id,
    any_value(c.name_zh) as province_name,
    bool_or(e.is_hole) as is_certain,
    sum(e.n_figures) as n_figures,
    'that '
    || coalesce('it had in ' || max(e.year_last) filter (where e.is_lost), 'nearly all other cities have') as whose,
    string_agg(e.variable_code || ' (' || e.scope || ')', ', ' order by e.variable_code, e.scope) as empty_columns
from empty as e
inner join {{ ref('edit_load') }} as l using (load_id)
left join {{ ref('gate_weight') }} as w
    on l.level = w.unit_level and e.variable_code = w.variable_code and e.scope <> 'district'
left join {{ ref('city') }} as c on e.province_id = c.province_code and c.level = 'province'
where e.is_hole or e.is_lost
group by all
