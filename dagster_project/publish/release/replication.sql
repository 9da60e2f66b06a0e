-- name: sources
select distinct producer, title, data_year, licence, accessed from mart.mart_source_load where is_current order by all

-- name: run
select seed, python_version, package_json, depth, git_commit, ceil(date_diff('second', started_at, ended_at) / 60)::integer
from mart.mart_run_manifest order by started_at desc limit 1
