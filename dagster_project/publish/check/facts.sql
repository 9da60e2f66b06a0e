-- name: variables
select distinct variable_code, unit from easy.city_variable
union select distinct variable_code, unit from easy.county_variable

-- name: indicators
select indicator_code, any_value(unit) from mart.mart_indicator_value group by indicator_code
union all select 'coupling', 'index' from mart.mart_coupling having count(*) > 0

-- name: indexes
select s.index_code, max(s.basis), any_value(s.weight_scheme) from mart.mart_index_score as s
join mart.dim_index as i on s.spec_code = i.index_code and s.weight_scheme = i.weight_scheme
where s.basis like 'frozen%' and s.score is not null group by s.index_code

-- name: samples
select distinct count(distinct city_id) from mart.mart_index_score where score is not null group by index_code, spec_code
union select distinct count(distinct city_id) from mart.mart_coupling group by index_code, relations_code
union select distinct n_used from mart.mart_panel_fit where n_used is not null

-- name: values
select city_id, year, value, value_as_printed, value_origin from easy.city_variable
where variable_code = $1 and value is not null
union all select 'county:' || county_id, year, value, null, 'observed' from easy.county_variable
where variable_code = $1 and value is not null
-- form and scale of the headline: older releases mark others too
union all select city_id, year, d, null, 'observed' from mart.mart_coupling
where $1 = 'coupling' and is_headline and form = 'corrected' and scale = 'minmax01' and d is not null

-- name: raw
select city_id, year, any_value(value_raw order by index_code <> $2, basis not like 'frozen%', index_code),
    null, any_value(value_origin)
from mart.mart_indicator_value where indicator_code = $1 and value_raw is not null group by city_id, year

-- name: scores
select s.city_id, s.year, s.score_100, s.rank_year, u.rank_p05, u.rank_p95, s.share_imputed_weight, s.is_provisional
from mart.mart_index_score as s
left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
where s.index_code = $1 and s.basis = $2 and s.weight_scheme = $3 and s.score is not null
union all select 'county:' || county_id, year, 100 * score, rank_year, null, null, null, false
from mart.mart_county_index where $1 = $4 and score is not null

-- name: parts
-- what an indicator, a tier or the headline index gives to its score, and what that is made of
with own as (
    select k.city_id, k.year, k.indicator_code, i.tier, 100 * k.contribution as points, k.weight, k.z, 100 * k.z as scaled,
        points - first(points) over (partition by k.city_id, k.indicator_code order by k.year) as moved,
        count(*) over same - rank() over (same order by k.z) + 1 as place
    from mart.mart_index_contribution as k join mart.dim_indicator as i using (index_code, indicator_code)
    where k.index_code = $1 and k.basis = $2 and k.weight_scheme = $3 and k.contribution is not null
    window same as (partition by k.year, k.indicator_code)
)
select city_id, year, points, moved, weight, place, scaled, z from own where indicator_code = $4
union all select city_id, year, sum(points), sum(moved), sum(weight), null, null, null from own
where tier = $4 or $1 = $4 group by all

-- name: own_indicators
-- and the variables that they measure
select indicator_code, [split_part(one, ' ', 1) for one in raw_columns if one like '% (content)']
from mart.dim_indicator where index_code = $1

-- name: tables
select table_name from duckdb_tables() where schema_name = 'easy'

-- name: inequality
select year, {name} from easy.inequality
where scheme = coalesce(nullif('{scheme}', ''),
    (select coalesce(max(scheme) filter (where scheme = 'four_region'), min(scheme)) from easy.inequality))

-- name: counts
-- cities whose headline score is above or below so many points, and their share
select year, count(*) filter (where score_100 {sign} {points}) * if({is_share}, 100.0 / count(*), 1) from easy.ranking
group by year

-- name: weight
select distinct year, 100 * weight from mart.mart_index_contribution
where index_code = ? and basis = ? and weight_scheme = ? and indicator_code = ?

-- name: results
-- kind, subject, which of its results, model ("" the headline), names of the subject, figures by column
select 'effect', e.variable, e.effect, if(m.is_headline, '', e.model_id),
    (select list(distinct name) from (select unnest([name_en, name_zh]) as name from mart.dim_label
        where code = e.variable and kind in ('term', 'index'))),
    map(['value', 'se', 'lo', 'hi', 'p', 'standardised'], [e.point, e.se_delta, e.lo, e.hi, e.p, e.standardised])
from mart.mart_panel_effect as e join mart.dim_model_spec as m using (model_id)
where e.horizon = 'static' and e.basis in (select basis from mart.dim_index where is_headline)
union all
select 'convergence', group_code, split_part(model_id, '_', 1), '',
    if(group_code = 'all', ['convergence', 'converge', 'converges', '收敛', 'half-life', '半衰期', 'Nickell'], null),
    map(['value', 'se', 'p', 'speed', 'half_life'], [beta, se, p, speed, half_life_years])
from mart.mart_beta_convergence where is_headline and is_reported
qualify row_number() over (partition by group_code, model_id order by scheme <> 'four_region', scheme) = 1
union all
select 'threshold', kind, which, '', ['threshold', '门槛'],
    map(['value', 'se'], if(which = 'slope_low', [slope_low, slope_se_low], [slope_high, slope_se_high]))
from mart.mart_threshold_result, (values ('slope_low'), ('slope_high')) as t (which)
where is_headline and kind = 'hansen' and n_threshold = 1
union all
select 'trend', measure, 'slope', '', case measure when 'cv' then ['变异系数', 'coefficient of variation'] end,
    map(['value', 'se', 'p', 'lo', 'hi'], [slope, se_nw, p, boot_lo, boot_hi])
from mart.mart_sigma_trend where is_headline and group_code = 'all' and measure = 'cv'
union all
-- parameters of the headline regression
select 'fit', name, 'fit', '', case name when 'rho'
        then ['spatial autoregressive parameter', 'spatial autoregressive coefficient', 'spatial parameter', 'rho', 'ρ',
            '空间自回归系数', '空间自回归参数', '空间自相关系数']
        else ['within R²', 'within R2', 'within R-squared', '组内R²', '组内R2'] end, map(['value'], [value])
from (unpivot (select rho, r2_within from mart.mart_panel_fit where is_headline) on columns (*))
union all
-- of the newest year
select 'centre', 'score', 'move', '', ['centre of gravity', 'center of gravity', '重心'], map(['km'], [move_km])
from mart.mart_center_ellipse where is_headline and weight_kind = 'score' and move_km is not null
qualify row_number() over (order by year desc) = 1

-- name: transitions
-- of the headline, by the class of the neighbours
select neighbours, state_from, state_to, map(['n', 'n_row', 'percent'], [n, n_row, percent]) from easy.markov
where percent is not null

-- name: gaps
select group_high || '_of_' || scheme, group_low || '_of_' || scheme, year, gap_100, ratio from easy.gap
where gap_100 is not null

-- name: moran
select year, {name} from easy.moran

-- name: sums
-- of provinces all of whose cities have a figure
select v.province_name, v.year, sum(v.value), count(*)
from easy.city_variable as v join mart.dim_variable as d using (variable_code)
where v.variable_code = ? and d.harmonisation = 'sum' and v.value is not null
group by v.province_name, v.year
having count(*) > 1 and count(*) = (select count(distinct c.city_id) from mart.dim_city as c
    where c.province_name = v.province_name and c.boundary_vintage = (select max(boundary_vintage) from mart.dim_city))

-- name: places
with place as (
    select distinct city_id, province_name as place from mart.dim_city
    union all select city_id, group_code || '_of_' || scheme from mart.dim_group_membership where valid_to is null
    union all select distinct city_id, '' from mart.dim_city
)
select p.place, r.year, count(*) as n_city, avg(r.score_100) as mean_100, median(r.score_100) as median_100,
    any_value(g.g_jj) as gini, any_value(c.mean_d) as mean_d, 100 * any_value(c.share_pr_lagging) as pr_lagging_percent,
    100 * any_value(c.share_nqpf_lagging) as nqpf_lagging_percent
from easy.ranking as r join place as p using (city_id)
left join mart.mart_dagum_within as g
    on g.is_headline and g.year = r.year and g.group_code || '_of_' || g.scheme = p.place
left join mart.mart_coupling_summary as c
    on c.is_headline and c.form = 'corrected' and c.year = r.year
    and if(c.scheme = 'all', '', c.group_code || '_of_' || c.scheme) = p.place
group by p.place, r.year having count(*) > 1

-- name: roster
select city_id, name_zh, name_en, province_name, province_en from mart.dim_city
where boundary_vintage = (select max(boundary_vintage) from mart.dim_city) order by city_id

-- name: names
select variable_code, name_zh, name_en from mart.dim_variable
union all select indicator_code, any_value(name_zh), any_value(name_en) from mart.dim_indicator group by 1
union all select code, name_zh, name_en from mart.dim_label where kind in ('variable', 'indicator')
union all select 'coupling', '耦合协调度', 'coupling coordination degree'

-- name: groups
select distinct group_code || '_of_' || scheme, group_code, group_name_zh, group_name_en from mart.dim_group_membership
where group_code not in ('other', 'outside', 'no_cluster') order by 1

-- name: counties
select c.name_zh, c.name_pinyin, c.kind, c.parent_city_id,
    any_value('county:' || c.county_id) filter (where v.county_id is not null)
from mart.dim_county as c left join (select distinct county_id from easy.county_variable) as v using (county_id)
where c.name_zh is not null group by all

-- name: index_names
select code, name_zh, name_en from mart.dim_label where kind = 'index' order by code

-- name: bridge
select part_revision, part_bounds, part_weights, part_method from mart.mart_index_restatement
where index_code = ? and city_id = ? and year = ? and vintage_old = ? and vintage_new = ?
    and basis_old = basis_new limit 1

-- name: source
select source, file, value_origin from easy.city_variable where variable_code = ? and city_id = ? and year = ?

-- name: result_tables
-- the columns that say which figure it is, those that hold figures, and how their rows are read
with result_column as (
    select column_index, data_type, column_name, schema_name || '.' || table_name as result_table,
        data_type in ('VARCHAR', 'BOOLEAN') or column_name in (select unnest($whole_keys)) as is_key
    from duckdb_columns()
    where schema_name = 'mart' and table_name like 'mart_%' and table_name not in (select unnest($left_out))
),

outline as (
    select result_table, list(column_name order by column_index) filter (where is_key) as keys,
        list(column_name order by column_index) filter (where is_measure) as measures,
        string_agg(case when is_measure then 'coalesce(' || column_name || '::double, ''nan'')'
            else 'coalesce(' || column_name || case data_type when 'VARCHAR' then ', '''')' when 'BOOLEAN' then ', false)'
                else ', -1)' end
        end || ' as ' || column_name, ', ') as expressions
    from (select *, not is_key and data_type in ('DOUBLE', 'INTEGER', 'BIGINT')
        and column_name not in (select unnest($no_figures))
            as is_measure from result_column)
    where is_measure or (is_key and column_name not in (select unnest($no_keys)))
    group by result_table having not bool_or(column_name in ('city_id', 'county_id'))
)

select result_table, keys, measures, 'select ' || expressions || ' from ' || result_table
from outline where measures is not null order by result_table

-- name: names_of_columns
select table_name || '.' || column_name, replace(concat_ws(' ', split_part(table_name, '.', 2), column_name,
    regexp_extract(comment, '^[^.;:,（；：，]*'), comment_zh), '_', ' ')
from mart.dim_column

-- name: names_of_values
-- by the kind of label, and whatever the kind
select kind, code, concat_ws(' ', name_en, name_zh) from mart.dim_label
union all select '', code, string_agg(concat_ws(' ', name_en, name_zh), ' ') from mart.dim_label group by code
