-- Interior gaps of at most three years only; edges stay empty. `value_donor` is what a city would have if it had moved
-- like the median city of its province (of the nation where the province has fewer than three) since its nearest
-- observed year: only an indicator of small weight may use it, lest it expel a city.
-- A value made of a figure that is withheld is missing, but expels no city: at an edge its donor stands in.
with policies as (
    select distinct edit_policy from {{ source('ops', 'index_spec') }}
    where not coalesce(is_left_out, false)
    union
    select 'edited' as edit_policy
),

years as (
    select distinct year from {{ ref('int_indicators_constructed') }}
),

pairs as (
    select distinct edit_policy, indicator_code, city_id from {{ ref('int_indicators_constructed') }}
    where edit_policy in (select edit_policy from policies)
),

withheld as (
    select distinct city_id, year, unnest(indicator_codes) as indicator_code
    from {{ ref('int_edits_settled') }}
    where action = 'withheld'
),

grid as (
    select
        k.edit_policy,
        k.indicator_code,
        k.city_id,
        y.year,
        c.value_origin,
        c.source_cell_id,
        c.source_cell_ids,
        c.deflator_level,
        c.population_basis,
        w.city_id is not null as is_withheld,
        case when w.city_id is null then c.value end as value
    from pairs as k
    cross join years as y
    left join {{ ref('int_indicators_constructed') }} as c
        on
            k.edit_policy = c.edit_policy and k.indicator_code = c.indicator_code and k.city_id = c.city_id
            and y.year = c.year
    left join withheld as w
        on
            k.indicator_code = w.indicator_code and k.city_id = w.city_id and y.year = w.year
            and k.edit_policy <> 'as_printed'
),

gapped as (
    select distinct edit_policy, indicator_code, city_id from grid
    where value is null
),

-- only a series with a gap has a use for what stands beside it
anchored as (
    select
        *,
        last_value(case when value is not null then year end ignore nulls) over before_it as anchor_year_left,
        last_value(value ignore nulls) over before_it as anchor_value_left,
        last_value(source_cell_ids ignore nulls) over before_it as anchor_cells_left,
        first_value(case when value is not null then year end ignore nulls) over after_it as anchor_year_right,
        first_value(value ignore nulls) over after_it as anchor_value_right,
        first_value(source_cell_ids ignore nulls) over after_it as anchor_cells_right
    from grid
    semi join gapped using (edit_policy, indicator_code, city_id)
    window
        before_it as (
            partition by edit_policy, indicator_code, city_id order by year
            rows between unbounded preceding and 1 preceding
        ),
        after_it as (
            partition by edit_policy, indicator_code, city_id order by year
            rows between 1 following and unbounded following
        )
    union all by name
    select * from grid
    anti join gapped using (edit_policy, indicator_code, city_id)
),

measured as (
    select
        a.*,
        i.interp_method,
        i.valid_low,
        i.valid_high,
        anchor_year_right - anchor_year_left - 1 as n_gap,
        (a.year - anchor_year_left) / (anchor_year_right - anchor_year_left) as position,
        a.value is null and anchor_year_right - anchor_year_left - 1 <= {{ var('max_gap_years') }} as is_imputable,
        i.interp_method = 'loglinear' and anchor_value_left > 0 and anchor_value_right > 0 as is_log,
        case
            when is_imputable and is_log
                then exp(ln(anchor_value_left) + (ln(anchor_value_right) - ln(anchor_value_left)) * position)
            when is_imputable then anchor_value_left + (anchor_value_right - anchor_value_left) * position
        end as value_between
    from anchored as a
    inner join {{ ref('indicator') }} as i on a.indicator_code = i.indicator_code
),

-- levels of the median city, to carry a value along; of a year that nobody prints, of the cities that are interpolated
medians as (
    select
        edit_policy,
        indicator_code,
        province_code,
        year,
        coalesce(median(value), median(value_between)) as middle,
        case when count(value) > 0 then count(value) else count(value_between) end as n_city
    from (
        select m.*, c.province_code from measured as m
        inner join {{ ref('city') }} as c on m.city_id = c.city_id
        union all
        select *, 'nation' as province_code from measured
    )
    group by all
    having n_city > 0
),

-- the nearer anchor, the left one of two
nearest as (
    select
        m.*,
        c.province_code,
        case
            when m.value is not null then null
            when m.anchor_year_right is null or m.year - m.anchor_year_left <= m.anchor_year_right - m.year
                then m.anchor_year_left
            else m.anchor_year_right
        end as donor_year
    from measured as m
    inner join {{ ref('city') }} as c on m.city_id = c.city_id
),

donated as (
    select
        n.edit_policy,
        n.indicator_code,
        n.city_id,
        n.year,
        case n.donor_year when n.anchor_year_left then n.anchor_value_left else n.anchor_value_right end as anchor,
        case n.donor_year when n.anchor_year_left then n.anchor_cells_left else n.anchor_cells_right end
            as donor_cell_ids,
        case
            when n.interp_method = 'loglinear' and now_.middle > 0 and then_.middle > 0
                then anchor * now_.middle / then_.middle
            else anchor + now_.middle - then_.middle
        end as grown,
        greatest(least(grown, coalesce(n.valid_high, grown)), coalesce(n.valid_low, grown)) as value_donor
    from nearest as n
    inner join medians as now_
        on
            n.edit_policy = now_.edit_policy and n.indicator_code = now_.indicator_code and n.year = now_.year
            and now_.province_code in (n.province_code, 'nation')
    inner join medians as then_
        on
            now_.edit_policy = then_.edit_policy and now_.indicator_code = then_.indicator_code
            and n.donor_year = then_.year and now_.province_code = then_.province_code
    where n.value is null
    qualify row_number() over (
        partition by n.edit_policy, n.indicator_code, n.city_id, n.year
        order by least(now_.n_city, then_.n_city) < 3, now_.province_code = 'nation'
    ) = 1
),

filled as (
    select *, null::double as value_donor, null::varchar[] as donor_cell_ids from measured
    where value is not null
    union all by name
    select m.*, d.value_donor, d.donor_cell_ids
    from measured as m
    left join donated as d using (edit_policy, indicator_code, city_id, year)
    where m.value is null
)

select
    edit_policy,
    indicator_code,
    city_id,
    year,
    value_donor,
    donor_cell_ids,
    value as value_observed,
    case
        when value is not null then value
        when is_imputable then value_between
        when is_withheld then value_donor
    end as value,
    case
        when value is not null then value_origin
        when is_imputable and is_log then 'interpolated_loglinear'
        when is_imputable then 'interpolated_linear'
        when is_withheld then 'donor_growth'
    end as value_origin,
    case when value is not null then source_cell_id end as source_cell_id,
    case
        when value is not null then source_cell_ids
        when is_imputable then list_sort(list_distinct(list_concat(anchor_cells_left, anchor_cells_right)))
        when is_withheld then donor_cell_ids
    end as source_cell_ids,
    deflator_level,
    population_basis,
    case when value is null and is_imputable then n_gap end as n_gap,
    case when value is null and is_imputable then anchor_year_left end as anchor_year_left,
    case when value is null and is_imputable then anchor_year_right end as anchor_year_right,
    case when value is null and is_imputable then anchor_value_left end as anchor_value_left,
    case when value is null and is_imputable then anchor_value_right end as anchor_value_right
from filled
-- earlier years were neighbours only
where year >= {{ base_year() }}
