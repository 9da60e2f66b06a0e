-- One value per city, variable and year. Precedence picks a whole series (first print, then compilations of it) that
-- observes enough of the years of the base window that have landed: one edition alone displaces no series. A gap
-- of it takes a second series only where concept and unit agree and the years that both have differ by at most 1 %;
-- a census counts, so it needs no such years.
with series as (
    select * from {{ ref('int_values_harmonised_to_base_boundary') }}
    where value is not null
),

level_ratios as (
    select
        e.edit_policy,
        s.variable_code,
        e.city_id,
        c.province_code,
        s.early_source,
        s.late_source,
        s.overlap_to,
        avg(ln(e.value / l.value) order by e.year) as log_ratio,
        var_samp(ln(e.value / l.value)) as within_city,
        count(*) as n_year
    from {{ ref('splice') }} as s
    inner join series as e
        on
            s.variable_code = e.variable_code and s.early_source = e.source
            and e.year between s.overlap_from and s.overlap_to
    inner join series as l
        on
            e.edit_policy = l.edit_policy and e.city_id = l.city_id and e.year = l.year
            and s.variable_code = l.variable_code and s.late_source = l.source
    inner join {{ ref('city') }} as c on e.city_id = c.city_id
    where e.value > 0 and l.value > 0
    group by all
),

-- few years say little about a city: its ratio is drawn to the median of its province (of the nation where it has few
-- cities) by what they vary (empirical Bayes), and lies at most three spreads from it
apart as (
    select
        *,
        case
            when count(*) over province >= {{ edit_parameter('E9', 'min_cities') }} then median(log_ratio) over province
            else median(log_ratio) over (partition by edit_policy, variable_code)
        end as of_province
    from level_ratios
    window province as (partition by edit_policy, variable_code, province_code)
),

spreads as (
    select
        edit_policy,
        variable_code,
        1.4826 * median(abs(log_ratio - of_province)) as spread,
        coalesce(avg(within_city), 0) as within_city
    from apart
    group by all
),

ratios as (
    select
        o.edit_policy,
        o.city_id,
        o.variable_code,
        o.early_source,
        o.late_source,
        o.overlap_to,
        exp(
            o.of_province
            + greatest(least(o.log_ratio - o.of_province, 3 * u.spread), -3 * u.spread)
            * coalesce(pow(u.spread, 2) / nullif(pow(u.spread, 2) + u.within_city / o.n_year, 0), 0)
        ) as ratio
    from apart as o
    inner join spreads as u on o.edit_policy = u.edit_policy and o.variable_code = u.variable_code
),

-- further candidates: a late series brought to the level of an early one; as it is printed without edits
spliced as (
    select
        v.edit_policy,
        'spliced' as source,
        v.vintage,
        v.city_id,
        v.year,
        v.variable_code,
        v.unit,
        v.value as value_as_printed,
        case
            when v.edit_policy = 'edited' and v.source = r.late_source then 'spliced' else v.edited_origin
        end as edited_origin,
        v.fill_rule,
        v.is_corrected,
        v.source_cell_id,
        v.source_cell_ids,
        v.is_harmonised,
        case when v.edit_policy = 'edited' and v.source = r.late_source then v.value * r.ratio else v.value end as value
    from ratios as r
    inner join series as v
        on
            r.edit_policy = v.edit_policy and r.city_id = v.city_id and r.variable_code = v.variable_code
            and (
                (r.early_source = v.source and r.overlap_to >= v.year)
                or (r.late_source = v.source and r.overlap_to < v.year)
            )
),

figures as (
    select * from {{ ref('int_values_harmonised_to_base_boundary') }}
    union all by name
    select * from spliced
),

-- the copies of one print (its two layouts, then compilations of it) are one series, in the order of default_rank
candidates as (
    select
        h.edit_policy,
        h.source,
        h.city_id,
        h.year,
        h.variable_code,
        h.value,
        h.fill_rule,
        coalesce(s.origin || ' ' || s.concept, 'spliced') as series,
        coalesce(s.concept, 'spliced') as concept,
        coalesce(s.kind = 'count', false) as is_count,
        coalesce(s.default_rank, 0) as copy_rank,
        coalesce(p.rank, s.default_rank * 100) as rank
    from figures as h
    left join {{ ref('source') }} as s on h.source = s.source
    left join {{ ref('precedence') }} as p on h.variable_code = p.variable_code and h.source = p.source
    -- years before the window are neighbours of its first gaps and anchors of its population
    where h.value is not null and h.year >= {{ base_year() }} - {{ var('history_years') }}
    qualify row_number() over (
        partition by h.edit_policy, h.city_id, h.variable_code, h.year, series
        order by h.fill_rule <> '', copy_rank, h.source
    ) = 1
),

landed as (
    select count(distinct year) as n_year from candidates
    where year between {{ base_year() }} and {{ base_window_end() }}
),

chosen as (
    select edit_policy, city_id, variable_code, series, any_value(concept) as concept
    from candidates
    cross join landed
    group by edit_policy, city_id, variable_code, series
    qualify row_number() over (
        partition by edit_policy, city_id, variable_code
        order by
            count(*) filter (where year between {{ base_year() }} and {{ base_window_end() }})
            < {{ var('min_observed_share') }} * any_value(landed.n_year),
            min(rank), count(*) desc, series
    ) = 1
),

agreement as (
    select
        a.edit_policy,
        a.city_id,
        a.variable_code,
        b.series,
        count(*) as n_overlap,
        max(abs(b.value / nullif(a.value, 0) - 1)) as worst
    from candidates as a
    inner join chosen as c using (edit_policy, city_id, variable_code, series)
    inner join candidates as b
        on
            a.edit_policy = b.edit_policy and a.city_id = b.city_id and a.variable_code = b.variable_code
            and a.year = b.year and a.series <> b.series and c.concept = b.concept
    where a.fill_rule = '' and b.fill_rule = ''
    group by all
),

picked as (
    select
        k.edit_policy,
        k.source,
        k.city_id,
        k.year,
        k.variable_code
    from candidates as k
    left join chosen as c using (edit_policy, city_id, variable_code, series)
    left join agreement as g using (edit_policy, city_id, variable_code, series)
    where
        c.series is not null
        or k.is_count
        or (
            g.n_overlap >= {{ var('min_overlap_years') }} and g.worst <= {{ var('agree_tolerance') }}
            and k.fill_rule = ''
        )
    qualify row_number() over (
        partition by k.edit_policy, k.city_id, k.variable_code, k.year
        order by k.fill_rule <> '', c.series is null, k.rank, k.source
    ) = 1
)

select
    f.edit_policy,
    f.city_id,
    f.variable_code,
    f.year,
    f.value,
    f.value_as_printed,
    f.unit,
    f.source,
    f.vintage,
    f.fill_rule,
    f.is_corrected,
    f.source_cell_id,
    f.source_cell_ids,
    case
        when f.fill_rule <> '' then 'suspected_fill'
        when f.edited_origin = 'donor_growth' then f.edited_origin
        when f.is_harmonised then 'merged_boundary'
        when f.edited_origin is not null then f.edited_origin
        else 'observed'
    end as value_origin
from figures as f
semi join picked using (edit_policy, source, city_id, year, variable_code)
