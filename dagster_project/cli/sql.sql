-- name: columns
select column_name, lower(data_type), comment, comment_zh from {} where schema_name || '.' || table_name = ?
order by column_index

-- name: computed
select distinct index_code from mart.mart_index_score order by 1

-- name: places
select schema_name, table_name from duckdb_columns() where column_name = ? and data_type = 'VARCHAR'
order by schema_name <> 'easy', schema_name

-- name: tables
select t.schema_name || '.' || t.table_name as "table", t.n_row as rows, t.comment as holds
from {tables} as t
where (
    $word is null
    or contains(lower(t.schema_name || '.' || t.table_name || ' ' || coalesce(t.comment, '')), lower($word))
    or exists (
        select 1 from {described} as c
        where c.schema_name = t.schema_name and c.table_name = t.table_name
            and contains(lower(concat_ws(' ', c.column_name, c.comment, c.comment_zh)), lower($word))
    )
)
order by t.schema_name <> 'easy', t.schema_name, t.table_name
