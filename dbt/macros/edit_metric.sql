{# The metric in which spikes, runs and ends are measured, free of the national path. See edit_rules.sql. #}
{% macro edit_metric() %}
-- the metric, and the national path taken out of it
edit_middle as (
    select series, median(abs(value)) as middle from edit_agreed
    group by all
),

edit_metric as materialized (
    select
        a.*,
        l.is_share,
        l.is_signed,
        m.middle,
        b.series is not null and not a.is_settled and not a.is_agreed as is_beyond,
        case
            when l.is_signed and m.middle > 0 then asinh(2 * a.value / m.middle)
            when l.is_share then ln(greatest(least(a.value, 100), 0.01) / (110 - greatest(least(a.value, 100), 0.01)))
            when a.value > 0 then ln(a.value)
            when a.value = 0 and m.middle > 0 then ln(0.001 * m.middle)
        end as y_printed
    from edit_agreed as a
    inner join edit_limit as l using (variable_code)
    inner join edit_middle as m using (series)
    left join edit_beyond as b using (series, year)
),

edit_path as materialized (
    select world, variable_code, year, sum(change) over (partition by world, variable_code order by year) as path
    from (
        select world, variable_code, year, case when count(*) >= 30 then median(change) else 0 end as change
        from (
            select world, variable_code, year, y_printed - lag(y_printed) over s as change
            from edit_metric
            where not is_beyond and not is_fill and y_printed is not null
            window s as (partition by series order by year)
            qualify lag(year) over s = year - 1
        )
        group by all
    )
),

-- the path of every year that is printed: of the last year before it where it has none of its own
edit_path_at as materialized (
    select m.world, m.variable_code, m.year, p.path
    from (select distinct world, variable_code, year from edit_metric) as m
    asof left join edit_path as p
        on m.world = p.world and m.variable_code = p.variable_code and m.year >= p.year
),

edit_line as materialized (
    select
        m.* exclude (origin),
        coalesce(p.path, 0) as path,
        m.y_printed - coalesce(p.path, 0) as y
    from edit_metric as m
    inner join edit_path_at as p using (world, variable_code, year)
    where m.y_printed is not null and not m.is_fill and not m.is_beyond
),

-- a source that does not print a year borrows the figure of another source of its concept as a neighbour
edit_borrowed as (
    select world, city_id, variable_code, concept, year, arg_min(y, (rank, source)) as y
    from edit_line
    semi join (
        select world, variable_code, concept from edit_line
        group by all
        having min(source) <> max(source)
    ) as several using (world, variable_code, concept)
    group by all
)
{% endmacro %}
