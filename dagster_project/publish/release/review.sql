-- name: coverage
select
    i.index_code, i.title_en, i.skip_reason, count(s.city_id) as n_score, count(distinct s.city_id) as n_city,
    min(s.year) as first_year, max(s.year) as last_year
from new.mart.dim_index as i
left join new.mart.mart_index_score as s
    on i.index_code = s.index_code and i.basis = s.basis and i.weight_scheme = s.weight_scheme
    and s.score is not null
where i.variant_of is null
group by i.index_code, i.title_en, i.skip_reason, i.is_headline
order by i.is_headline desc, i.index_code

-- name: lost_indexes
-- indexes that had scores and have none, with the reason of the build
with scored as (select distinct index_code from new.mart.mart_index_score where score is not null)
select distinct s.index_code, i.skip_reason
from old.mart.mart_index_score as s
left join new.mart.dim_index as i using (index_code)
where s.score is not null and s.index_code not in (from scored)
order by s.index_code

-- name: checks
-- checks that do not pass and did before, or were not made; a city that is left out is a line of its own
select n.severity, n.check_id, n.message
from new.mart.mart_check_result as n
left join old.mart.mart_check_result as o using (check_id)
where not n.passed and coalesce(o.passed, true) and n.severity in ('error', 'warn') and n.check_id not like 'core_city/%'
order by n.severity, n.check_id

-- name: ranks
-- one row a city whose rank left its range: its last year if that did, else the year that moved most
with moved as (
    select
        n.city_id, n.year, n.name_zh, n.name_en, o.rank_year as rank_old, n.rank_year as rank_new, o.rank_p05,
        o.rank_p95, o.score_100 as score_old, n.score_100 as score_new, abs(n.rank_year - o.rank_year) as places,
        max(n.year) over () as last_year
    from new.easy.ranking as n
    join old.easy.ranking as o using (city_id, year)
),
worst as (
    select *, count(*) over (partition by city_id) as n_year
    from moved
    where coalesce(rank_new not between rank_p05 and rank_p95 and rank_old between rank_p05 and rank_p95, false)
        or (places > 10 and coalesce(rank_new not between rank_p05 and rank_p95, true))
    qualify row_number() over (partition by city_id order by year = last_year desc, places desc, year desc) = 1
),
vintages as (
    select
        (select data_vintage from old.ops.run_context) as vintage_old,
        (select data_vintage from new.ops.run_context) as vintage_new
),
-- the indicator whose points moved most
driver as (
    select
        n.city_id, n.year, n.indicator_code, n.indicator_en, n.unit, o.value_raw as value_old, n.value_raw as value_new,
        n.value_origin as origin, n.source, n.file, n.cell, 100 * (n.contribution - o.contribution) as points
    from new.mart.why_this_number as n
    join new.mart.dim_index as x on n.index_code = x.index_code and n.basis = x.basis and x.is_headline
    join old.mart.why_this_number as o
        on n.index_code = o.index_code and n.basis = o.basis and n.city_id = o.city_id and n.year = o.year
        and n.indicator_code = o.indicator_code
    semi join worst on n.city_id = worst.city_id and n.year = worst.year
    qualify row_number() over (partition by n.city_id, n.year order by abs(points) desc, n.indicator_code) = 1
),
-- the printed figure behind it that differs most from the one before
printed as (
    select d.city_id, d.year, s.variable_code, s.source, s.text, s.edit_rule, s.edit_action, s.edit_evidence
    from driver as d
    join new.mart.dim_index as x on x.is_headline
    join new.mart.mart_indicator_source as s
        on x.index_code = s.index_code and d.city_id = s.city_id and d.year = s.year
        and d.indicator_code = s.indicator_code
    left join old.mart.mart_indicator_source as o
        on s.index_code = o.index_code and s.city_id = o.city_id and s.year = o.year
        and s.indicator_code = o.indicator_code and s.variable_code = o.variable_code
    qualify row_number() over (
        partition by d.city_id, d.year
        order by abs(coalesce(s.used_value, s.value) / nullif(coalesce(o.used_value, o.value), 0) - 1) desc nulls first,
            s.variable_code
    ) = 1
)
select
    w.*, d.* exclude (city_id, year), p.variable_code, p.source as source_printed, p.text as printed, p.edit_rule,
    p.edit_action, p.edit_evidence,
    100 * b.part_revision as revision, 100 * b.part_bounds as bounds, 100 * b.part_weights as weights,
    100 * b.part_method as method
from worst as w
left join driver as d using (city_id, year)
left join printed as p using (city_id, year)
cross join vintages as v
left join new.mart.mart_index_restatement as b
    on w.city_id = b.city_id and w.year = b.year
    and b.vintage_old = v.vintage_old and b.vintage_new = v.vintage_new and v.vintage_old <> v.vintage_new
    and b.index_code in (select index_code from new.mart.dim_index where is_headline)
    and b.basis_old = b.basis_new and abs(100 * b.score_new - w.score_new) < 1e-9
order by w.places desc, w.city_id

-- name: decisions
-- decisions of editing that are not those of the release before (all, where there is none); a decision often touches
-- several years: the one that it moves most stands for it
with fresh as (
    from new.mart.mart_edit as n
    where n.is_selected and n.action <> 'accept' and not exists (
        select 1 from old.mart.mart_edit as o
        where o.is_selected and o.city_id = n.city_id and o.year = n.year and o.variable_code = n.variable_code
            and o.source = n.source and o.rule = n.rule and o.action = n.action
            and coalesce(abs(o.used_value - n.used_value) <= 0.01 * abs(n.used_value), n.used_value is null)
    )
)
select
    city_id, name_zh, name_en, variable_code, source, rule, action, count(*) as n_year,
    arg_max(year, (influence, -year)) as year, arg_max(printed_value, (influence, -year)) as printed_value,
    arg_max(used_value, (influence, -year)) as used_value, arg_max(expected, (influence, -year)) as expected,
    any_value(unit) as unit, arg_max(printed_text, (influence, -year)) as printed,
    arg_max(evidence, (influence, -year)) as evidence, arg_max(rank_change, (influence, -year)) as rank_change,
    arg_max(score_change, (influence, -year)) as score_change, arg_max(cell, (influence, -year)) as cell,
    arg_max(index_code, (influence, -year)) as index_code, arg_max(is_headline, (influence, -year)) as is_headline,
    max(influence) as influence
from fresh
group by city_id, name_zh, name_en, variable_code, source, rule, action
order by influence desc, city_id, variable_code, rule

-- name: effects
select
    variable || ', ' || effect || ' effect' as subject, '' as span, 'points per unit' as unit,
    o.points_per_unit as est_old, o.lo as lo_old, o.hi as hi_old, n.points_per_unit as est_new, n.lo as lo_new,
    n.hi as hi_new
from new.easy.effects as n join old.easy.effects as o using (variable, effect)
where n.is_of_interest
order by variable, effect

-- name: gaps
select
    'gap ' || scheme || ', ' || n.group_high_en || ' less ' || n.group_low_en as subject, year::varchar as span,
    'points' as unit, o.gap_100 as est_old, o.gap_lo_100 as lo_old, o.gap_hi_100 as hi_old, n.gap_100 as est_new,
    n.gap_lo_100 as lo_new, n.gap_hi_100 as hi_new
from new.easy.gap as n join old.easy.gap as o using (scheme, year, group_high, group_low)
order by scheme, subject, year desc

-- name: inequality
select
    'Gini index, ' || scheme as subject, year::varchar as span, '' as unit, o.gini as est_old, o.gini_lo as lo_old,
    o.gini_hi as hi_old, n.gini as est_new, n.gini_lo as lo_new, n.gini_hi as hi_new
from new.easy.inequality as n join old.easy.inequality as o using (scheme, year)
order by scheme, year desc

-- name: transitions
select
    'chain, neighbours ' || neighbours || ', from class ' || state_from || ' to ' || state_to as subject, '' as span,
    'percent' as unit, o.percent as est_old, o.percent_lo as lo_old, o.percent_hi as hi_old, n.percent as est_new,
    n.percent_lo as lo_new, n.percent_hi as hi_new
from new.easy.markov as n join old.easy.markov as o using (neighbours, state_from, state_to)
where not n.thin
order by subject

-- name: tables
select schema_name || '.' || table_name as table_name, database_name
from duckdb_tables() where database_name in ('old', 'new') and schema_name in ('easy', 'mart') order by all

-- name: pictures
select
    n.city_id, n.name_en, n.name_zh, o.rank_year as rank_old, n.rank_year as rank_new, o.rank_p05 as lo_old,
    o.rank_p95 as hi_old, n.rank_p05 as lo_new, n.rank_p95 as hi_new, n.year, o.score_100 as score_old,
    n.score_100 as score_new
from new.easy.ranking as n join old.easy.ranking as o using (city_id, year)
where n.year = (select max(year) from old.easy.ranking)
order by abs(n.rank_year - o.rank_year) desc, n.rank_year
