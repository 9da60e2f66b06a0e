-- name: headline
-- rows of several indices or models say which are the headline ones; what stands in the columns of such a row
select
    i.index_code, i.basis, i.weight_scheme, m.model_id, m.w_code, 'relative' as discretisation, '1' as lag,
    'quantiles' as lag_cuts, 'corrected' as form, 'minmax01' as scale, 'silverman' as bw_rule, 'false' as weighted
from build.mart.dim_index as i
left join build.mart.dim_model_spec as m on m.is_headline and m.y_code = i.index_code
where i.is_headline
order by m.model_id nulls last limit 1

-- name: columns
select schema_name || '.' || table_name, column_name, data_type, is_nullable, comment
from duckdb_columns() where database_name = 'build' order by column_index
