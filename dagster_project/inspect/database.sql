-- name: sources
-- small tables of cities have one source, the usual one of their layout: their few heads are those of every yearbook
    select distinct m.source from seed.header_map as m
    left join seed.source as s on m.source = s.source
    where $layout = 'long' or (s.kind = 'printed' and s.is_yearly and ($layout <> 'tables' or s.unit_level <> 'city'))
    order by 1

-- name: known
-- by rows of people alone: the dictionary knows the heads of every yearbook, and what is left out tells nothing
    select
        source,
        count(*) filter (where verdict = 'reviewed' and variable_code <> 'ignore')
        / greatest(count(*) filter (where variable_code is distinct from 'ignore'), 1) as share
    from reading.int_headers_mapped where vintage = ?
    group by source order by share desc, source

-- name: loads
-- all earlier ones: what their warnings were is usual
insert into raw.load by name
select source, data_year, vintage, load_no, is_accepted from past.raw.load
where source = ? and data_year < ? and is_accepted

-- name: past
-- every edition of the warehouse: what a head means and in which unit is told by the figures of all of them
create temporary table again as
    select l.source, l.data_year, l.vintage, l.source = $source and l.data_year < $data_year as is_earlier
    from past.raw.load as l
    inner join seed.source as s on l.source = s.source
    inner join seed.source as o on o.source = $source
    where
        l.is_accepted and not (l.source = $source and l.data_year = $data_year)
        and (l.source = $source or (s.has_dictionary and o.has_dictionary and s.unit_level = o.unit_level))
    qualify row_number() over (partition by l.source, l.data_year order by l.load_no desc) = 1

-- name: others
-- what the rules across sources hold a load against: the current figures of all other loads of the warehouse
    insert into reading.int_values_corrected by name
    select v.* from past.reading.int_values_corrected as v
    semi join (
        select source, data_year, vintage from (
            from past.raw.load union all by name from past.raw.series_load
        )
        where is_accepted and not (source = $source and data_year = $data_year)
        qualify row_number() over (partition by source, data_year order by load_no desc) = 1
    ) as l using (source, data_year, vintage)
    anti join (select distinct source, data_year, vintage from reading.int_values_corrected) as known
        using (source, data_year, vintage)

-- name: findings
-- how many findings accepted editions had: what stands beside the warnings
insert into ops.validation_result by name from past.ops.validation_result where source = ?

-- name: editions
    insert into raw.landed
    select distinct source, data_year, vintage, case when vintage = $vintage then 1 else 0 end, vintage <> $vintage,
        source = $source and data_year = $data_year and vintage = $vintage
    from raw.header

-- name: landed
    insert into raw.landed
    select distinct source, data_year, vintage, case when vintage = $vintage then 1 else 0 end, vintage <> $vintage,
        source = $source and data_year = $data_year and vintage = $vintage
    from reading.int_values_corrected
    qualify row_number() over (partition by source, data_year order by vintage = $vintage desc, vintage) = 1

-- name: models
-- of these folders, in the order in which they read each other
    select m.schema, m.name, m.query, v.view_name is not null as is_view
    from ops.gate_model as m
    left join duckdb_views() as v on m.schema = v.schema_name and m.name = v.view_name
    where m.folder in (select unnest(?)) order by m.position
