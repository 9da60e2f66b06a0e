-- name: list
select i.indicator_code as code, name('indicator', i.indicator_code) as name, name('tier', i.tier) as tier,
    name('unit', i.unit) as unit, i.dimension, i.direction, i.formula_sql as formula, 100 * w.weight as weight,
    100 * w.weight_p05 as lo, 100 * w.weight_p95 as hi
from mart.dim_indicator as i
left join mart.mart_index_weight as w on w.index_code = i.index_code and w.indicator_code = i.indicator_code
    and w.basis = $basis and w.weight_scheme = $scheme and w.year is null
where i.index_code = $index order by i.tier, i.indicator_code

-- name: values
select v.indicator_code as code, v.city_id, city.name, v.value_raw as y
from mart.mart_indicator_value as v join city using (city_id)
where v.index_code = $index and v.basis = $basis and v.year = $last and v.value_raw is not null
order by code, v.city_id

-- name: sources
select
    indicator_code as code,
    array_to_string(list_sort(list(distinct name('source', source))), '; ') as sources,
    array_to_string(list_sort(list(distinct name('variable', variable_code))), '; ') as variables
from mart.mart_indicator_source where index_code = $index group by all

-- name: coverage
select indicator_code as code, year, n_observed, n_imputed, n_suspected_fill as n_fill, n_missing, n_city
from mart.mart_indicator_coverage where index_code = $index and year between $first and $last order by code, year

-- name: weights
select indicator_code as code, name('weight_scheme', weight_scheme) as label, 100 * weight as x, 100 * weight_p05 as lo,
    100 * weight_p95 as hi
from mart.mart_index_weight where index_code = $index and basis = $basis and year is null
order by code, place('weight_scheme', weight_scheme)

-- name: edits
select code, count(*) as n
from (select unnest(string_split(indicators, ' ')) as code from mart.mart_edit
    where index_code = $index and is_selected and action in ('quarantine', 'replace', 'relink'))
group by code
