-- name: run
select release, data_vintage, method_version, is_synthetic, started_at from mart.mart_run_manifest
order by started_at desc limit 1

-- name: sources
-- terms as the sidecars state them ("none stated" where a source says nothing), a row for each printed work
select distinct concat_ws(', ', producer, title, nullif(data_year, 0)) as title, licence
from mart.mart_source_load where {loads} order by all

-- name: columns
select if(c.schema_name = 'mart', '', c.schema_name || '.') || c.table_name as name, t.comment, c.column_name,
    c.data_type, c.is_nullable, c.comment
from duckdb_columns() as c join {tables} as t using (database_name, schema_name, table_name)
where c.schema_name in ('easy', 'mart') order by 1, c.column_index

-- name: sdmx
-- observation status after the code list of SDMX: A normal, E estimated, I imputed, P provisional
select 'dataflow' as STRUCTURE, 'NQPF:PANEL(1.0.0)' as STRUCTURE_ID, 'I' as ACTION, * from (
    select 'A' as FREQ, city_id as REF_AREA, 'score' as INDICATOR, year as TIME_PERIOD, score_100 as OBS_VALUE,
        if(is_provisional, 'P', 'A') as OBS_STATUS, 'points' as UNIT_MEASURE
    from easy.ranking
    union all
    select 'A', city_id, indicator_code, year, value_raw,
        case when value_origin = 'suspected_fill' then 'E'
            when value_origin in ('interpolated_linear', 'interpolated_loglinear', 'donor_growth', 'intercensal',
                'constant_carried') then 'I' else 'A' end,
        unit
    from easy.panel_long where value_raw is not null
) order by INDICATOR, REF_AREA, TIME_PERIOD
