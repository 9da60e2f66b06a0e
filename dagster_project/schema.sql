-- Tables that Python writes and dbt reads. Created empty, so that dbt can bind its views before the first load.
create schema if not exists raw;
create schema if not exists py;
create schema if not exists ops;

create table if not exists raw.cells (
    source varchar, data_year integer, vintage varchar, file varchar, sheet varchar,
    row_no integer, col_no integer, part varchar, text varchar
);
alter table raw.cells add column if not exists place varchar;  -- of a printed page: p12!x0,y0,x1,y1
create table if not exists raw.header (
    source varchar, data_year integer, vintage varchar, file varchar, sheet varchar,
    col_no integer, role varchar, path varchar
);
create table if not exists raw.load (
    source varchar, data_year integer, vintage varchar, load_no integer, is_accepted boolean,
    decided_at timestamp, files varchar, n_cells bigint, is_synthetic boolean, maturity varchar, producer varchar,
    title varchar, licence varchar, accessed varchar, supersedes varchar, accepted_by varchar, accepted_reason varchar
);
alter table raw.load drop column if exists gate_key;  -- of earlier versions, as the next one: see raw.state
alter table raw.load drop column if exists judged;
-- what of it the gate left out because no index uses it: a list of (rule, variable, scope, year, province, city)
alter table raw.load add column if not exists left_out varchar;
create table if not exists raw.series_cells as from raw.cells limit 0;
alter table raw.series_cells add column if not exists place varchar;
create table if not exists raw.series_header as from raw.header limit 0;
create table if not exists raw.series_load as from raw.load limit 0;
alter table raw.series_load drop column if exists gate_key;
alter table raw.series_load drop column if exists judged;
alter table raw.series_load add column if not exists left_out varchar;

-- One row per load that is accepted or that a sidecar describes now, in loading order; whether it waits for a verdict.
create table if not exists raw.landed (
    source varchar, data_year integer, vintage varchar, load_order integer, is_accepted boolean, is_waiting boolean
);

create table if not exists ops.validation_result (
    run_id varchar, checked_at timestamp, source varchar, data_year integer, vintage varchar, suite varchar,
    rule_id varchar, severity varchar, passed boolean, n_checked bigint, n_unexpected bigint, observed varchar,
    sentence varchar
);
create table if not exists ops.vintage (
    data_vintage varchar, set_hash varchar, created_at timestamp, cut_date varchar, n_files integer, notes varchar
);
create table if not exists ops.index_spec (
    index_code varchar, title_zh varchar, title_en varchar, dimension varchar, tier varchar, indicator_code varchar,
    variant_of varchar, headline_rank integer, relations_code varchar, basis varchar,
    window_start integer, window_end integer, min_city_share double, spec_hash varchar,
    edit_policy varchar, weight_scheme varchar
);
alter table ops.index_spec add column if not exists headline_rank integer;
alter table ops.index_spec add column if not exists relations_code varchar;
alter table ops.index_spec add column if not exists basis varchar;
alter table ops.index_spec add column if not exists is_left_out boolean;
-- Share of the terms of specs/county.yml that a variable goes into.
create table if not exists raw.county_weight (variable_code varchar, weight double);
create table if not exists ops.run_context (
    run_id varchar, release varchar, data_vintage varchar, method_version varchar, boundary_vintage integer,
    is_synthetic boolean, params_hash varchar, seed integer, started_at timestamp, git_commit varchar, python_version varchar,
    package_json varchar, blas varchar
);
create table if not exists ops.synthetic_truth (
    kind varchar, city_id varchar, year integer, name varchar, value double, note varchar
);
alter table ops.synthetic_truth add column if not exists printed double;
alter table ops.synthetic_truth add column if not exists source varchar;
alter table ops.synthetic_truth add column if not exists slip_class varchar;
alter table ops.synthetic_truth add column if not exists event_id varchar;
-- What each step, model, table and load was made of, by content: what is unchanged is not made again.
create table if not exists raw.state (name varchar, key varchar, content varchar, recorded_at timestamp);
-- How much was drawn; build files of earlier versions have no such columns.
alter table ops.run_context add column if not exists depth varchar;
alter table ops.run_context add column if not exists depth_json varchar;
-- One row per run that got as far as a data vintage.
create table if not exists ops.run_log as from ops.run_context limit 0;
alter table ops.run_log add column if not exists depth varchar;
alter table ops.run_log add column if not exists depth_json varchar;

-- Of earlier versions: the bridge to the vintage before starts from its published file.
drop table if exists py.index_history;
drop table if exists raw.reading;

comment on table ops.validation_result is 'One row per gate rule and load: what was observed, in a sentence.';
comment on table ops.vintage is 'One row per named set of accepted files.';
comment on table ops.index_spec is 'One row per index and indicator, from the index specs.';
comment on table ops.run_context is 'One row: the run that built the marts.';
comment on table ops.run_log is 'One row per run that got as far as a data vintage.';
comment on table ops.synthetic_truth is 'SYNTHETIC demo only: latents, parameters, indicators as sound files give them, planted faults and slips. Empty for real data.';
alter table ops.index_spec add column if not exists edit_policy varchar;
alter table ops.index_spec add column if not exists weight_scheme varchar;
