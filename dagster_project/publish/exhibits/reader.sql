-- name: run
select release, data_vintage, method_version, is_synthetic, started_at from mart.mart_run_manifest
order by started_at desc limit 1

-- name: bases
select index_code, max(basis), any_value(weight_scheme) from mart.mart_index_score
where (index_code, weight_scheme) in (select index_code, weight_scheme from mart.dim_index)
    and basis like 'frozen%' and score is not null
group by 1

-- name: model
select min(model_id), min(x_codes[1]), min(w_code) from mart.dim_model_spec where is_headline and y_code = ?

-- name: years
select year, count(score) from mart.mart_index_score where index_code = ? and basis = ? and weight_scheme = ?
group by year order by year

-- name: sample
select (select min(window_start) from mart.mart_index_bounds where index_code = $index and basis = $basis),
    (select max(window_end) from mart.mart_index_bounds where index_code = $index and basis = $basis),
    (select any_value(cut_date) from mart.dim_vintage where data_vintage = $vintage),
    (select max(n_files) from mart.dim_vintage where data_vintage = $vintage),
    (select max(boundary_vintage) from mart.dim_city),
    (select count(*) from mart.mart_sample_city where index_code = $index and in_sample)

-- name: explained
select distinct i.index_code, i.n_indicator
from mart.dim_index as i join mart.dim_model_spec as s on s.is_headline and s.y_code = i.index_code
order by 2 desc, 1

-- name: whole
select index_code from mart.dim_index where variant_of is null order by n_indicator desc, 1

-- name: county_columns
select column_name from information_schema.columns where table_schema = 'mart' and table_name = 'dim_county'

-- name: county_zh
create or replace temp table county as
select county_id, name_zh as name, parent_city_id, centroid_lon, centroid_lat from mart.dim_county

-- name: county_en
create or replace temp table county as
select county_id, coalesce(name_pinyin || case kind when 'county' then ' County' when 'district' then ' District' else '' end, name_zh)
    as name, parent_city_id, centroid_lon, centroid_lat
from mart.dim_county

-- name: macro_name
create or replace temp macro name(of_kind, of_code) as coalesce(
    (select l.name from temp.label as l where l.kind = of_kind and l.code = of_code), of_code::varchar
)

-- name: macro_place
create or replace temp macro place(of_kind, of_code) as coalesce(
    (select l.sort_no from temp.label as l where l.kind = of_kind and l.code = of_code), 9999
)

-- name: macro_term
create or replace temp macro term(of_term) as case
    when starts_with(of_term, 'W:') then 'W × ' || name('term', of_term[3:]) else name('term', of_term)
end

-- name: macro_change
create or replace temp macro change(of_change) as
    name('axis', split_part(of_change, ': ', 1)) || ': '
    || name('change', substr(of_change, strpos(of_change, ': ') + 2))

-- name: macro_lo_95
create or replace temp macro lo_95(est, se) as est - $half * se

-- name: macro_hi_95
create or replace temp macro hi_95(est, se) as est + $half * se

-- name: macro_measured
create or replace temp macro measured(v, unit) as replace(case
    when unit = 'share' then format('{:.0f} %', 100 * v) when unit = 'percent' then format('{:.0f} %', v)
    when unit = 'km' then format('{:.0f} km', v) when v <> 0 and abs(v) < 0.01 then format('{:.3f}', v)
    else format('{:.2f}', v) end, '-', '−'
)

-- name: macro_rests_on
create or replace temp macro rests_on(monitor) as case  -- the finding without which a monitor says nothing
    when monitor = 'barrier_index' then 'border' when monitor = 'share_synergy' then 'threshold'
    when monitor in ('effect_centre_to_periphery', 'effect_on_periphery', 'boundary', 'half_distance')
        or starts_with(monitor, 'link_ratio') then 'spillover'
end

-- name: macro_item
create or replace temp macro item(of_item) as coalesce(
    (
        select any_value(l.name) from temp.label as l
        where (l.kind in ('indicator', 'part', 'factor', 'audit_item', 'external') and l.code = of_item)
            or (l.kind = 'tier' and l.code = upper(of_item))
    ),
    (select c.name from temp.city as c where c.city_id = of_item),
    of_item
)
