-- name: columns
select column_name, lower(data_type), comment, comment_zh from {} where schema_name || '.' || table_name = ?
order by column_index

-- name: computed
select distinct index_code from mart.mart_index_score order by 1

-- name: places
select schema_name, table_name from duckdb_columns() where column_name = ? and data_type = 'VARCHAR'
order by schema_name <> 'easy', schema_name
