-- Every step from a printed figure to the one that is used, with what it moves. One row a cell and decision.
-- Influence: score and rank of that city and year in a headline index, less what they would be had this edit alone not
-- been made; bounds, weights and all other values stay as they are, and of several indexes the one moved most is named.
-- For a figure under question (pending, withheld) the other way round: what treating it as missing does or would do.
with printed as (
    select f.*, s.concept
    from {{ ref('int_values_accepted') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
),

of_rules as (
    select
        e.source,
        e.city_id,
        e.year,
        e.variable_code,
        e.rule,
        e.action,
        f.value as printed_value,
        e.used_value,
        e.expected,
        f.unit,
        f.text as printed_text,
        f.printed_unit,
        f.file,
        f.sheet,
        f.cell,
        f.source_cell_id,
        e.used_cell_id,
        e.evidence,
        case when f.correction_action is not null then 'correction.csv' end as reviewed_by,
        e.is_selected,
        e.index_code,
        e.indicator_codes,
        e.score_change,
        e.rank_change
    from {{ ref('int_edits_settled') }} as e
    inner join printed as f using (source_cell_id)
),

-- the price path itself: years after a replaced step differ too, although their nominal GDP is used as printed
of_prices as (
    select
        d.source,
        d.city_id,
        d.year,
        'gdp_deflator' as variable_code,
        'E9' as rule,
        'relink' as action,
        p.deflator as printed_value,
        d.deflator as used_value,
        'index' as unit,
        'implicit price of GDP, base year 1: the steps outside the band or far from the province are replaced'
            as evidence,
        true as is_selected
    from {{ ref('int_deflators_chained') }} as d
    inner join {{ ref('int_deflators_chained') }} as p
        on d.city_id = p.city_id and d.year = p.year and p.edit_policy = 'as_printed' and d.source = p.source
    where d.edit_policy = 'edited' and d.source is not null and abs(d.deflator / p.deflator - 1) > 1e-9
),

-- values on the other side of a break, brought to the level that holds
of_breaks as (
    select
        source,
        city_id,
        year,
        variable_code,
        'E8' as rule,
        case when used_value is null then 'quarantine' else 'relink' end as action,
        printed_value,
        used_value,
        unit,
        case
            when used_value is null
                then 'no common level: a break of dim_series_break moves the city by ' || {{ figure('exp(abs(link))') }}
            else 'brought over the breaks of dim_series_break: the change there is that of the cities without one'
        end as evidence,
        source_cell_id,
        true as is_selected
    from {{ ref('int_edits_of_breaks') }}
),

-- a late series on the level of an early one (splice.csv)
of_splices as (
    select
        {{ cell_part('v.source_cell_id', 'source') }} as source,
        v.city_id,
        v.year,
        v.variable_code,
        'splice' as rule,
        'relink' as action,
        p.value as printed_value,
        v.value as used_value,
        v.unit,
        printf('times %.3f: brought to the level of the source before it', v.value / p.value) as evidence,
        v.source_cell_id,
        true as is_selected
    from {{ ref('int_values_selected') }} as v
    inner join {{ ref('int_values_selected') }} as p using (city_id, year, variable_code, source)
    where v.edit_policy = 'edited' and p.edit_policy = 'as_printed' and v.value_origin = 'spliced'
),

of_persons as (
    select
        v.source,
        v.city_id,
        v.year,
        v.variable_code,
        'reviewed' as rule,
        case v.correction_action when 'drop' then 'quarantine' when 'keep' then 'keep' else 'replace' end as action,
        v.value_printed as printed_value,
        v.value as used_value,
        v.unit,
        v.text as printed_text,
        v.printed_unit,
        v.file,
        v.sheet,
        v.cell,
        v.source_cell_id,
        v.correction_reason as evidence,
        'correction.csv' as reviewed_by,
        true as is_selected
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('stg_landing__loads') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage and l.is_current
    where
        v.is_corrected and v.scope in ('city', 'built_up') and v.level = 'city'
        and v.year >= {{ base_year() }} - {{ var('history_years') }}
),

edits as (
    select
        *,
        row_number() over (order by city_id, year, variable_code, source, rule) as edit_no
    from (
        select * from of_rules
        union all by name
        select * from of_prices
        union all by name
        select * from of_breaks
        union all by name
        select * from of_splices
        union all by name
        select * from of_persons
        anti join of_rules using (source, city_id, year, variable_code)
    ) as decisions
),

-- which parts of indicators a printed variable reaches
reaches as (
    select e.edit_no, e.city_id, e.year, r.part_code
    from edits as e
    inner join {{ reached_parts() }} as r on e.variable_code = r.variable_code
    where e.is_selected and e.action in ('quarantine', 'replace', 'relink')
),

headline as (
    select distinct index_code, indicator_code, weight_scheme
    from {{ source('ops', 'index_spec') }}
    where variant_of = ''
),

touched as (
    select distinct r.edit_no, r.city_id, r.year, h.index_code, h.weight_scheme, h.indicator_code
    from reaches as r
    inner join {{ ref('indicator_part') }} as p
        on p.part <> 'engine' and (r.part_code = p.variable_code or (r.part_code = 'deflator' and p.is_deflated))
    inner join headline as h on p.indicator_code = h.indicator_code
),

parts as (
    select
        t.edit_no,
        t.index_code,
        t.indicator_code,
        p.part,
        case
            -- another part that is taken out leaves the indicator imputed with and without this edit
            when r.edit_no is null then d.value
            else u.value
        end / case
            when not p.is_deflated then 1
            when k.kind = 'rate' then de.deflator_of_persons
            when x.edit_no is not null then dp.deflator
            else de.deflator
        end as value
    from touched as t
    inner join {{ ref('indicator_part') }} as p on t.indicator_code = p.indicator_code and p.part <> 'engine'
    left join {{ ref('variable') }} as k on p.variable_code = k.variable_code
    left join reaches as r on t.edit_no = r.edit_no and p.variable_code = r.part_code
    left join reaches as x on t.edit_no = x.edit_no and x.part_code = 'deflator'
    left join {{ ref('int_values_completed') }} as d
        on
            t.city_id = d.city_id and t.year = d.year and p.variable_code = d.variable_code
            and d.edit_policy = 'edited'
    left join {{ ref('int_values_completed') }} as u
        on
            t.city_id = u.city_id and t.year = u.year and p.variable_code = u.variable_code
            and u.edit_policy = 'as_printed'
    left join {{ ref('int_deflators_chained') }} as de
        on t.city_id = de.city_id and t.year = de.year and de.edit_policy = 'edited'
    left join {{ ref('int_deflators_chained') }} as dp
        on t.city_id = dp.city_id and t.year = dp.year and dp.edit_policy = 'as_printed'
),

alternatives as (
    select
        edit_no,
        index_code,
        indicator_code,
        sum(value order by value) filter (where part = 'numerator')
        / case
            when count(*) filter (where part = 'denominator') = 0 then 1
            else nullif(sum(value order by value) filter (where part = 'denominator'), 0)
        end as ratio
    from parts
    group by all
    having count(*) = count(value)
),

scaled as (
    select
        t.*,
        b.basis,
        greatest(
            least(
                i.multiplier * a.ratio, coalesce(i.cap_high, 1e300), coalesce(b.winsor_high_value, 1e300)
            ), coalesce(b.winsor_low_value, -1e300)
        ) as limited,
        case when i.direction > 0 then limited - b.min_value else b.max_value - limited end
        / (b.max_value - b.min_value) as z_without
    from touched as t
    inner join alternatives as a using (edit_no, index_code, indicator_code)
    inner join {{ ref('indicator') }} as i on t.indicator_code = i.indicator_code
    inner join {{ source('py', 'index_bounds') }} as b
        on t.index_code = b.index_code and t.indicator_code = b.indicator_code and b.basis like 'frozen%'
    where b.max_value > b.min_value
),

moved as (
    select
        t.edit_no,
        t.index_code,
        t.city_id,
        t.year,
        t.weight_scheme,
        t.basis,
        sum(w.weight * (v.z - t.z_without) order by t.indicator_code) as score_change,
        list(t.indicator_code order by t.indicator_code) as indicators
    from scaled as t
    inner join {{ source('py', 'index_weight') }} as w
        on
            t.index_code = w.index_code and t.indicator_code = w.indicator_code and t.basis = w.basis
            and t.weight_scheme = w.weight_scheme and w.year is null
    inner join {{ source('py', 'index_value') }} as v
        on
            t.index_code = v.index_code and t.indicator_code = v.indicator_code and t.basis = v.basis
            and t.city_id = v.city_id and t.year = v.year
    group by t.edit_no, t.index_code, t.city_id, t.year, t.weight_scheme, t.basis
),

ranked as (
    select
        m.edit_no,
        m.index_code,
        m.indicators,
        m.score_change,
        s.rank_year,
        1 + (
            select count(*) from {{ source('py', 'index_score') }} as o
            where
                o.index_code = m.index_code and o.basis = m.basis and o.weight_scheme = m.weight_scheme
                and o.year = m.year and o.city_id <> m.city_id and o.score > s.score - m.score_change
        ) as rank_without
    from moved as m
    inner join {{ source('py', 'index_score') }} as s
        on
            m.index_code = s.index_code and m.basis = s.basis and m.weight_scheme = s.weight_scheme
            and m.city_id = s.city_id and m.year = s.year
    where s.score is not null and m.score_change is not null
    qualify row_number() over (partition by m.edit_no order by abs(m.score_change) desc, m.index_code) = 1
)

select
    {{ context_keys('k') }},
    e.city_id,
    c.name_zh,
    c.name_en,
    e.year::integer as year,
    e.variable_code,
    e.source,
    e.rule,
    e.action,
    e.printed_text,
    e.printed_unit,
    e.printed_value,
    e.used_value,
    e.unit,
    e.evidence,
    e.expected,
    e.file,
    e.sheet,
    e.cell,
    e.source_cell_id,
    e.used_cell_id as used_source_cell_id,
    e.reviewed_by,
    e.is_selected,
    coalesce(r.index_code, e.index_code) as index_code,
    array_to_string(coalesce(r.indicators, e.indicator_codes), ' ') as indicators,
    100 * coalesce(r.score_change, e.score_change) as score_change,
    -- places won by the edit, or by treating as missing what is under question
    coalesce(r.rank_without - r.rank_year, e.rank_change)::integer as rank_change,
    coalesce(abs(100 * coalesce(r.score_change, e.score_change)), 0) as influence
from edits as e
inner join {{ ref('city') }} as c on e.city_id = c.city_id
left join ranked as r on e.edit_no = r.edit_no
cross join {{ source('ops', 'run_context') }} as k
