-- Texts of accepted loads (work reports): one row per city, year and text variable. Texts are no figures and are
-- counted elsewhere.
select
    c.source,
    c.vintage,
    c.file,
    c.sheet,
    c.cell,
    r.city_id,
    r.year,
    h.variable_code,
    c.text,
    c.source_cell_id
{{ current_cells_of_kind('text') }}
where not c.is_blank
qualify
    row_number() over (
        partition by r.city_id, r.year, h.variable_code order by l.load_no desc, c.source_cell_id
    ) = 1
