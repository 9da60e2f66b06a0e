-- name: scores
select s.city_id, s.year, s.score_100 as score, s.rank_year as rank, u.rank_p05 as lo, u.rank_p95 as hi
from mart.mart_index_score as s
left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme and s.score is not null
    and s.year between $first and $last order by s.city_id, s.year

-- name: listed
with own as (
    select s.city_id, s.year, s.score_100 as score, s.rank_year as rank, u.rank_p05 as lo, u.rank_p95 as hi
    from mart.mart_index_score as s
    left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
    where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme and s.score is not null
        and s.year between $first and $last
), part as (
    select city_id, max(score_100) filter (where index_code[length($index) + 2:] = 'new') as new,
        max(score_100) filter (where index_code[length($index) + 2:] = 'quality') as quality
    from mart.mart_index_score
    where spec_code = $index and basis = $basis and weight_scheme = $scheme and year = $last group by city_id
)
select own.city_id, any_value(city.name) as name, any_value(city.province) as province,
    max(score) filter (where year = $last) as score, max(rank) filter (where year = $last) as rank,
    max(lo) filter (where year = $last) as lo, max(hi) filter (where year = $last) as hi, any_value(new) as new,
    any_value(quality) as quality, max(rank) filter (where year = $first) - max(rank) filter (where year = $last) as move,
    list(score order by year) as scores
from own join city using (city_id) left join part using (city_id)
group by own.city_id having count(*) filter (where year = $last) > 0 order by 5, 1

-- name: medians
with own as (
    select city_id, year, score_100 as score from mart.mart_index_score
    where @slice and score is not null and year between $first and $last
), grouped as (
    select '' as scheme, '' as group_code, year, score from own
    union all
    select scheme, group_code, year, score from own join mart.dim_group_membership using (city_id)
    where valid_from <= $last and coalesce(valid_to, 9999) >= $last
)
select scheme, group_code, year, list_sort(list(score))[count(*) // 2 + 1] as score from grouped
group by scheme, group_code, year order by scheme, group_code, year

-- name: judged
select s.city_id, city.name, city.full_name, city.province, name('admin_tier', city.admin_tier) as tier, s.in_sample,
    s.drop_reason
from mart.mart_sample_city as s join city using (city_id) where s.index_code = $index order by s.city_id

-- name: groups
select city_id, scheme, group_code from mart.dim_group_membership
where valid_from <= $last and coalesce(valid_to, 9999) >= $last order by city_id, place('scheme', scheme)

-- name: values
with own as (
    select k.city_id, k.year, k.indicator_code as code, k.contribution * 100 as points, v.value_raw as value,
        v.value_origin as origin, rank() over (same order by k.z) as place, count(*) over same as n,
        100 * (k.contribution - lag(k.contribution) over (partition by k.city_id, k.indicator_code order by k.year)) as change
    from mart.mart_index_contribution as k
    left join mart.mart_indicator_value as v using (basis, index_code, city_id, year, indicator_code)
    where k.index_code = $index and k.basis = $basis and k.weight_scheme = $scheme and k.year in ($first, $last)
    window same as (partition by k.year, k.indicator_code)
)
select own.*, i.tier, i.unit
from own join mart.dim_indicator as i on i.index_code = $index and own.code = i.indicator_code
where own.year = $last order by own.city_id, i.tier, own.code

-- name: moved
select k.city_id, i.tier, 100 * (coalesce(sum(k.contribution) filter (where k.year = $last), 0)
    - coalesce(sum(k.contribution) filter (where k.year = $first), 0)) as points
from mart.mart_index_contribution as k join mart.dim_indicator as i using (index_code, indicator_code)
where k.index_code = $index and k.basis = $basis and k.weight_scheme = $scheme and k.year in ($first, $last)
group by all order by k.city_id, i.tier

-- name: indicators
select indicator_code as code, tier, unit from mart.dim_indicator where index_code = $index
order by tier, indicator_code

-- name: neighbours
select city_id_receiver as city_id, city_id_emitter as other, distance_km from mart.mart_spatial_weight_edge
where w_code = $w order by 1, distance_km, 2

-- name: benchmark
select city_id, path, p_path, benchmark_city_id as other from mart.mart_city_path where @slice and year = $last

-- name: effects
select city_id, variable, own, own_se, received, received_se, emitted, emitted_se from mart.mart_panel_effect_city
where @model order by city_id, variable

-- name: strengths
with wealth as (
    select city_id, ln(median(coalesce(used_value, value))) as log_gdp from mart.mart_source_value
    where variable_code = 'gdp_per_capita_nom' and year = $last and is_selected and coalesce(used_value, value) > 0
    group by city_id
), own as (
    select city_id, indicator_code, 100 * contribution as points, log_gdp
    from mart.mart_index_contribution join wealth using (city_id)
    where index_code = $index and basis = $basis and weight_scheme = $scheme and year = $last
), scored as (
    select distinct city_id, log_gdp from own
), peer as (
    select a.city_id, b.city_id as other from scored as a join scored as b on a.city_id <> b.city_id
    qualify row_number() over (partition by a.city_id order by abs(a.log_gdp - b.log_gdp), b.city_id) <= 20
), of_peers as (
    select peer.city_id, own.indicator_code, avg(own.points) as points
    from peer join own on peer.other = own.city_id group by all
), against as (
    select city_id, indicator_code, own.points - of_peers.points as points
    from own join of_peers using (city_id, indicator_code)
)
select a.city_id, a.indicator_code, a.points, e.rank_year as equal_rank,
    row_number() over (partition by a.city_id order by a.points desc, a.indicator_code) as from_top,
    row_number() over (partition by a.city_id order by a.points, a.indicator_code) as from_bottom
from against as a
left join mart.mart_index_score as e
    on a.city_id = e.city_id and e.index_code = $index and e.basis = $basis and e.weight_scheme = 'equal' and e.year = $last
qualify from_top <= 3 or from_bottom <= 3 order by a.city_id, a.points desc, a.indicator_code

-- name: revisions
select *, count(*) over (partition by city_id) as n
from (select distinct city_id, variable_code, year, value_old, value_new, unit, source_new, pct_change from mart.mart_revision_log)
qualify row_number() over (partition by city_id order by abs(pct_change) desc nulls last, year, variable_code) <= 10
order by city_id, abs(pct_change) desc nulls last, year, variable_code

-- name: edits
select city_id, variable_code, rule, action, any_value(unit) as unit, count(*) as n, min(year) as y0, max(year) as y1,
    arg_max(printed_value, (influence, -year)) as printed, arg_max(used_value, (influence, -year)) as used
from mart.mart_edit where is_selected and action in ('quarantine', 'replace', 'relink', 'pending', 'withheld')
group by city_id, variable_code, rule, action order by city_id, max(influence) desc, variable_code, rule, action

-- name: columns
select column_name from information_schema.columns where table_name = 'mart_indicator_source'

-- name: trail
select city_id, year, variable_code, text, {printed} as unit_printed, value, unit, {rule} as rule, {action} as action,
    {used} as used, value_origin as origin, source, file, sheet, cell, source_cell_id
from mart.mart_indicator_source
where index_code = $index and year between $first and $last
qualify row_number() over (partition by city_id, year, variable_code, file, sheet, cell order by value_origin) = 1
order by city_id, year, variable_code, file, sheet, cell

-- name: ranked
select s.city_id, city.name, s.score_100 as score, s.rank_year as rank, u.rank_p05 as lo, u.rank_p95 as hi,
    count(*) over () as n
from mart.mart_index_score as s join city using (city_id)
left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme and s.year = $last
    and s.score is not null
order by s.rank_year, s.city_id limit 20

-- name: county_figures
select county.parent_city_id as city_id, county.county_id, county.name_zh as county, county.name_pinyin as pinyin, v.year,
    v.variable_code, v.value, v.unit, v.file, v.sheet, v.cell, i.rank_year as rank, 100 * i.score as score
from easy.county_variable as v join mart.dim_county as county using (county_id)
left join mart.mart_county_index as i on v.county_id = i.county_id and v.year = i.year
qualify v.year = max(v.year) over (partition by v.county_id) order by v.county_id, place('variable', v.variable_code)

-- name: counties
select county.county_id, county.name_zh as county, county.name_pinyin as pinyin, city.city_id, city.name as city, city.province, i.rank_year as rank, 100 * i.score as score,
    i.year, b.rank_year as before, b.year as year_before
from mart.mart_county_index as i join mart.dim_county as county using (county_id)
left join city on county.parent_city_id = city.city_id
left join mart.mart_county_index as b on i.county_id = b.county_id
    and b.year = (select max(year) from mart.mart_county_index where year < i.year)
where i.rank_year is not null and i.year = (select max(year) from mart.mart_county_index) order by i.rank_year, i.county_id
