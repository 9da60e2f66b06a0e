-- name: dictionary
select if(schema_name = 'mart', '', schema_name || '.') || table_name as table_name, column_name,
    data_type, comment as description, comment_zh
from {described} where schema_name in ('easy', 'mart') order by 1, column_index

-- name: tables
select schema_name || '.' || table_name, if(schema_name = 'mart', '', schema_name || '.') || table_name, is_view
from {tables} where schema_name in ('easy', 'mart') order by 2

-- name: load_numbers
select source, data_year, vintage, load_no from mart.mart_source_load
