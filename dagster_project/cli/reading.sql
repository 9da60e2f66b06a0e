-- name: value
select v.index_code, i.name_zh, i.name_en, i.unit, i.formula_sql, v.value_raw, v.value_final, v.z, v.value_origin,
    v.is_winsorised, v.is_capped, c.weight, c.contribution
from mart.mart_indicator_value as v
join mart.dim_index as x on v.index_code = x.index_code and v.basis = x.basis
join mart.dim_indicator as i on v.index_code = i.index_code and v.indicator_code = i.indicator_code
left join mart.mart_index_contribution as c
    on v.index_code = c.index_code and v.basis = c.basis and v.city_id = c.city_id and v.year = c.year
    and v.indicator_code = c.indicator_code
where v.city_id = ? and v.year = ? and v.indicator_code = ? and v.index_code = coalesce(?, v.index_code)
order by not x.is_headline, x.variant_of is not null, v.index_code limit 1

-- name: trail
select s.variable_code, s.value, s.unit, s.text as printed, s.source, s.file, s.sheet, s.cell, s.source_cell_id,
    coalesce(v.vintage, regexp_extract(s.source_cell_id, '@([0-9a-f]+):', 1)) as vintage,
    coalesce(v.is_corrected, false) as is_corrected, v.correction_reason, v.fill_rule, s.used_value, s.edit_rule,
    s.edit_action, s.edit_evidence
from mart.mart_indicator_source as s
left join mart.mart_source_value as v using (source_cell_id)  -- texts are no figures and have no row there
where s.index_code = ? and s.city_id = ? and s.year = ? and s.indicator_code = ?
order by coalesce(v.year, s.year) = s.year desc, s.variable_code, v.year, s.source

-- name: edited
-- edits of the year whose cell is not among the printed cells behind the value: left out, replaced, or no cell at all
with parts as (
    select unnest(list_transform(raw_columns, lambda c: split_part(c, ' ', 1))) as variable_code, formula_sql
    from mart.dim_indicator where index_code = ? and indicator_code = ?
)
select e.variable_code, e.printed_value as value, e.unit, e.printed_text as printed, e.file, e.sheet, e.cell, e.source_cell_id,
    e.source,
    e.used_value, e.rule as edit_rule, e.action as edit_action, e.evidence as edit_evidence
from mart.mart_edit as e
where e.city_id = ? and e.year = ? and e.is_selected and e.action in ('quarantine', 'replace', 'relink', 'withheld')
    and (
        e.variable_code in (select variable_code from parts)
        or (e.variable_code = 'population_resident' and 'population' in (select variable_code from parts))
        or (e.variable_code = 'gdp_deflator' and exists (select 1 from parts where contains(formula_sql, '/ deflator')))
        or (
            replace(e.variable_code, '_share', '') in ('secondary', 'tertiary')
            and 'va_' || replace(e.variable_code, '_share', '_nom') in (select variable_code from parts)
        )
    )
    and not exists (
        select 1 from mart.mart_indicator_source as s
        where s.index_code = ? and s.city_id = ? and s.year = ? and s.indicator_code = ?
            and s.source_cell_id = e.source_cell_id
    )
order by e.influence desc

-- name: release
select release from mart.mart_run_manifest order by started_at desc limit 1

-- name: why_not
select index_code, drop_reason from mart.mart_sample_city where city_id = ? and not in_sample order by index_code

-- name: loads
select source, data_year, vintage, is_current, n_cells, maturity from mart.mart_source_load order by 1, 2, load_no

-- name: checks
select severity, count(*) filter (where passed) as passed, count(*) filter (where not passed) as not_passed
from mart.mart_check_result group by 1 order by 1
