-- First years as a pilot of accepted loads: one row per policy and city that a source lists, empty for never. A date is
-- no figure: no boundary, edit or gap changes it. A file repeats it every year; two different ones are two rows, which
-- the test of the key refuses.
select distinct
    h.variable_code as policy_code,
    r.city_id,
    nullif(c.number * h.factor + h.shift, 0)::integer as start_year
{{ current_cells_of_kind('start_year') }}
where c.number is not null
