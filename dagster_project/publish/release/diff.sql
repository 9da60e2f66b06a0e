-- name: run
select 'old' as side, release, data_vintage, method_version, is_synthetic, git_commit, started_at
from old.ops.run_context
union all
select 'new', release, data_vintage, method_version, is_synthetic, git_commit, started_at from new.ops.run_context

-- name: sources
select 'added' as what, source, data_year, vintage, maturity, files, licence from new.mart.mart_source_load as new
anti join old.mart.mart_source_load as old using (source, data_year, vintage)
union all
select 'removed' as what, source, data_year, vintage, maturity, files, licence from old.mart.mart_source_load as old
anti join new.mart.mart_source_load as new using (source, data_year, vintage)
union all
select 'superseded' as what, new.source, new.data_year, new.vintage, new.maturity, new.files, new.licence
from new.mart.mart_source_load as new
join old.mart.mart_source_load as old using (source, data_year, vintage)
where old.is_current and not new.is_current
order by what, source, data_year, vintage

-- name: cells
with new as (from new.mart.mart_indicator_value where basis like 'frozen%'),
old as (from old.mart.mart_indicator_value where basis like 'frozen%')
select
    index_code, indicator_code, city_id, year, old.value_raw as value_old, new.value_raw as value_new,
    old.value_origin as origin_old, new.value_origin as origin_new,
    case when old.value_raw is null then 'added' when new.value_raw is null then 'removed' else 'revised' end as what
from new full join old using (index_code, city_id, year, indicator_code)
where old.value_raw is distinct from new.value_raw
    and coalesce(abs(new.value_raw - old.value_raw) > 1e-12 * abs(old.value_raw), true)
order by abs(new.value_raw / nullif(old.value_raw, 0) - 1) desc nulls last, index_code, indicator_code, city_id, year

-- name: members
-- cities that joined the sample of the headline index or left it, with the reason
with headline as (select index_code from new.mart.dim_index where is_headline)
select
    coalesce(new.city_id, old.city_id) as city_id, c.name_zh, c.name_en,
    case when new.in_sample then 'joined' else 'left' end as what, coalesce(new.drop_reason, old.drop_reason) as reason
from (from new.mart.mart_sample_city where index_code in (from headline)) as new
full join (from old.mart.mart_sample_city where index_code in (from headline)) as old using (city_id)
left join new.mart.dim_city as c on coalesce(new.city_id, old.city_id) = c.city_id
where coalesce(new.in_sample, false) <> coalesce(old.in_sample, false)
order by what, city_id

-- name: scores
-- of the weights that an index is published with; a score that differs by less than 1e-6 has not moved: sums in another
-- order give as much
with vintages as (
    select (select data_vintage from old.ops.run_context) as vintage_old,
        (select data_vintage from new.ops.run_context) as vintage_new
)
select
    new.index_code, new.basis, new.city_id, c.name_zh, c.name_en, new.year,
    old.score as score_old, new.score as score_new, new.score - old.score as change,
    old.rank_year as rank_old, new.rank_year as rank_new,
    new.index_code in (select index_code from new.mart.dim_index where is_headline) as is_headline, {bridge}
from new.mart.mart_index_score as new
join old.mart.mart_index_score as old using (index_code, basis, weight_scheme, city_id, year)
join new.mart.dim_city as c on new.city_id = c.city_id
{join}
where (new.spec_code, new.weight_scheme) in (select index_code, weight_scheme from new.mart.dim_index)
    and new.basis like 'frozen%'
    and (abs(new.score - old.score) > 1e-6 or new.rank_year <> old.rank_year)
order by new.index_code not in (select index_code from new.mart.dim_index where is_headline),
    abs(new.rank_year - old.rank_year) desc, abs(new.score - old.score) desc, new.index_code, new.basis, new.city_id, new.year

-- name: bridge
-- it belongs to a pair of vintages: it is shown where it explains just this pair of scores
cross join vintages as v
left join new.mart.mart_index_restatement as b
    on b.index_code = new.index_code and b.city_id = new.city_id and b.year = new.year
    and b.basis_old = new.basis and b.basis_new = new.basis
    and b.vintage_old = v.vintage_old and b.vintage_new = v.vintage_new and v.vintage_old <> v.vintage_new
    and abs(b.score_old - old.score) <= 1e-12 and abs(b.score_new - new.score) <= 1e-12

-- name: weights
select index_code, basis, indicator_code, old.weight as weight_old, new.weight as weight_new
from new.mart.mart_index_weight as new
join old.mart.mart_index_weight as old using (index_code, basis, weight_scheme, indicator_code)
where (new.index_code, new.weight_scheme) in (select index_code, weight_scheme from new.mart.dim_index)
    and abs(new.weight - old.weight) > 1e-12
order by abs(new.weight - old.weight) desc, index_code, basis, indicator_code

-- name: coefficients
with headline as (
    select model_id from new.mart.dim_model_spec where is_headline
    union select model_id from old.mart.dim_model_spec where is_headline
),
old as (
    select model_id, basis, term, 'coefficient' as kind, coef as estimate, lo, hi
    from old.mart.mart_panel_coef where model_id in (from headline)
    union all
    select model_id, basis, variable, effect || ' effect, ' || horizon, point, lo, hi
    from old.mart.mart_panel_effect where model_id in (from headline)
),
new as (
    select model_id, basis, term, 'coefficient' as kind, coef as estimate, lo, hi
    from new.mart.mart_panel_coef where model_id in (from headline)
    union all
    select model_id, basis, variable, effect || ' effect, ' || horizon, point, lo, hi
    from new.mart.mart_panel_effect where model_id in (from headline)
)
select
    model_id, basis, kind, term, old.estimate as estimate_old, old.lo as lo_old, old.hi as hi_old,
    new.estimate as estimate_new, new.lo as lo_new, new.hi as hi_new, new.estimate - old.estimate as change,
    coalesce(new.lo > old.hi or new.hi < old.lo, false) as intervals_apart
from new full join old using (model_id, basis, kind, term)
order by model_id, basis, kind, term

-- name: tables
with new as (
    select table_name, column_name, data_type from duckdb_columns()
    where database_name = 'new' and schema_name = 'mart'
),
old as (
    select table_name, column_name, data_type from duckdb_columns()
    where database_name = 'old' and schema_name = 'mart'
)
select
    table_name, column_name,
    case when old.data_type is null then 'added' when new.data_type is null then 'removed' else 'other type' end as what
from new full join old using (table_name, column_name)
where old.data_type is distinct from new.data_type
order by table_name, column_name
