-- One row per total of a province that a waiting load prints: the sum of its cities over it. Where nearly all totals of
-- a column are the sums of their cities, one that is not speaks of a wrong figure; a sum above the total always does.
with printed as (
    select
        l.load_id,
        c.province_code as province_id,
        c.name_zh as province_name,
        v.year,
        v.variable_code,
        v.scope,
        v.value as total,
        v.text,
        v.unit,
        v.file,
        v.sheet,
        v.cell
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('edit_load') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage
    inner join {{ ref('city') }} as c on v.city_id = c.city_id
    inner join {{ ref('variable') }} as b on v.variable_code = b.variable_code
    where
        l.is_waiting and v.level = 'province' and v.value > 0 and b.kind in ('stock', 'flow')
),

sums as (
    select
        load_id,
        province_id,
        year,
        variable_code,
        scope,
        sum(value) as of_cities,
        count(value) as n_cities
    from {{ ref('gate_figure') }}
    where print_no = 1 and value is not null
    group by all
),

cities as (
    select
        load_id,
        province_id,
        year,
        count(distinct city_id) as n_cities_all
    from {{ ref('gate_figure') }}
    where value is not null
    group by all
)

select
    p.*,
    s.n_cities,
    s.of_cities / p.total as ratio,
    -- a sum without all its cities may be less
    ratio < 1 and s.n_cities < c.n_cities_all as is_part,
    -- a total off by a power of ten is itself the slip, for other rules know the unit of the cities
    round(log10(ratio)) <> 0
    and abs(ratio / power(10, round(log10(ratio))) - 1) <= {{ gate_parameter('exact_total') }} as is_ten,
    avg((abs(ratio - 1) <= {{ gate_parameter('exact_total') }})::integer) over (
        partition by p.load_id, p.variable_code, p.scope, p.year
    ) as share_exact
from printed as p
inner join sums as s using (load_id, province_id, year, variable_code, scope)
inner join cities as c using (load_id, province_id, year)
