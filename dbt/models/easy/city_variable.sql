-- "GDP of city X by year": one value a city, year and variable, as the indices use it: of the source that has
-- precedence, edited, spliced, on the base boundary. The indicators outside the headline index stand here too, with
-- their short gaps filled: the controls of the regressions are among them.
with used as (
    select v.* from {{ ref('int_values_completed') }} as v
    -- what is under question and of influence counts as missing
    anti join (
        select e.city_id, e.year, r.part_code as variable_code
        from {{ ref('int_edits_settled') }} as e
        inner join {{ reached_parts() }} as r on e.variable_code = r.variable_code
        where e.action = 'withheld'
    ) as w on v.city_id = w.city_id and v.year = w.year and v.variable_code = w.variable_code
    where v.edit_policy = 'edited'
),

as_printed as (
    select * from {{ ref('int_values_completed') }}
    where edit_policy = 'as_printed'
),

-- used as printed, and waiting for a person; so is an indicator if a figure behind it is
questions as (
    select e.city_id, e.year, r.part_code as variable_code
    from {{ ref('int_edits_settled') }} as e
    inner join {{ reached_parts() }} as r on e.variable_code = r.variable_code
    where e.action = 'pending' and e.is_selected
),

questions_of_all as (
    select * from questions
    union
    select q.city_id, q.year, i.indicator_code as variable_code
    from questions as q
    inner join {{ ref('indicator_part') }} as i on q.variable_code = i.variable_code
),

deflators as (
    select * from {{ ref('int_deflators_chained') }}
    where edit_policy = 'edited'
),

derived (variable_code, name_zh, name_en) as (
    values
    ('population', '常住人口（普查间年份插补）', 'resident population, years between counts completed'),
    ('fdi_nom', '实际使用外资（按年均汇率折算）', 'foreign investment in yuan, mean exchange rate of the year'),
    ('robot_density', '工业机器人密度', 'robots per 10k workers, allocated by industry')
),

names as (
    select variable_code, name_zh, name_en from {{ ref('variable') }}
    union all
    select * from derived
    anti join {{ ref('variable') }} using (variable_code)
),

printed as (
    select
        u.city_id,
        u.year,
        u.variable_code,
        n.name_zh as variable_zh,
        n.name_en as variable_en,
        u.unit,
        u.value,
        p.value as value_as_printed,
        u.value_origin,
        q.city_id is not null as is_in_question,
        false as is_indicator,
        u.source_cell_id,
        u.source_cell_ids
    from used as u
    left join questions_of_all as q
        on u.city_id = q.city_id and u.year = q.year and u.variable_code = q.variable_code
    inner join names as n on u.variable_code = n.variable_code
    left join as_printed as p
        on u.city_id = p.city_id and u.year = p.year and u.variable_code = p.variable_code
),

real as (
    select
        p.* replace (
            'gdp_real' as variable_code,
            '地区生产总值（不变价）' as variable_zh,
            'gross domestic product, prices of the base year' as variable_en,
            p.value / d.deflator as value,
            p.value_as_printed / q.deflator as value_as_printed,
            list_concat(p.source_cell_ids, d.source_cell_ids) as source_cell_ids
        )
    from printed as p
    inner join deflators as d on p.city_id = d.city_id and p.year = d.year
    left join {{ ref('int_deflators_chained') }} as q
        on p.city_id = q.city_id and p.year = q.year and q.edit_policy = 'as_printed'
    where p.variable_code = 'gdp_nom'
),

indicators as (
    select
        v.city_id,
        v.year,
        v.indicator_code as variable_code,
        i.name_zh as variable_zh,
        i.name_en as variable_en,
        i.unit,
        v.value,
        p.value as value_as_printed,
        v.value_origin,
        q.city_id is not null as is_in_question,
        true as is_indicator,
        v.source_cell_id,
        v.source_cell_ids
    from {{ ref('int_values_imputed') }} as v
    left join questions_of_all as q
        on v.city_id = q.city_id and v.year = q.year and v.indicator_code = q.variable_code
    inner join {{ ref('indicator') }} as i on v.indicator_code = i.indicator_code
    left join {{ ref('int_indicators_constructed') }} as p
        on
            v.city_id = p.city_id and v.year = p.year and v.indicator_code = p.indicator_code
            and p.edit_policy = 'as_printed'
    anti join (
        select d.indicator_code from {{ ref('dim_indicator') }} as d
        inner join {{ ref('dim_index') }} as x on d.index_code = x.index_code and x.is_headline
    ) as headline on v.indicator_code = headline.indicator_code
    where v.edit_policy = 'edited'
)

select
    v.city_id,
    c.name_zh,
    c.name_en,
    c.province_name,
    c.province_en,
    v.year::integer as year,
    v.variable_code,
    v.variable_zh,
    v.variable_en,
    v.unit,
    v.value,
    v.value_as_printed,
    v.value_origin,
    v.is_in_question,
    v.is_indicator,
    {{ cell_part('v.source_cell_id', 'source') }} as source,
    {{ cell_part('v.source_cell_id', 'file') }} as file,
    {{ cell_part('v.source_cell_id', 'sheet') }} as sheet,
    {{ cell_part('v.source_cell_id', 'cell') }} as cell,
    len(v.source_cell_ids)::integer as n_cell
from (
    select * from printed
    union all by name
    select * from real
    union all by name
    select * from indicators
) as v
inner join {{ ref('dim_city') }} as c on v.city_id = c.city_id
where v.value is not null
order by v.city_id, v.variable_code, v.year
