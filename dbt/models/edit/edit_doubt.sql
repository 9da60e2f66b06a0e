-- One row per figure of a load that is judged which cannot be right by what E1 to E5 do not see: the sources beside
-- it, its own past and that of the other cities, the other figures of its city. A figure that a person has kept, or
-- that another source confirms, is not in question. `rule` is a row of gate_rule.csv whose verdict is to leave out the
-- figure.
with sound as (
    select * from {{ ref('edit_movement') }}
    where not is_kept
),

columns as (
    select
        f.load_id,
        any_value(f.source) as source,
        f.variable_code,
        f.scope,
        f.year,
        count(f.value) as n_cities,
        avg((f.value = 0)::integer) as share_zero
    from {{ ref('edit_figure') }} as f
    where f.print_no = 1
    group by all
),

-- the share of zeros in other years and sources
usual_zeros as (
    select
        c.load_id,
        c.variable_code,
        c.scope,
        c.year,
        max(u.share_zero) as usual_zero
    from columns as c
    left join {{ ref('source') }} as s on c.source = s.source
    inner join {{ ref('edit_usual') }} as u
        on
            coalesce(s.unit_level, 'city') = u.unit_level
            and c.variable_code = u.variable_code
            and c.scope = u.scope
            and (c.source <> u.source or c.year <> u.year)
    where u.size = 0 and u.q99 is not null
    group by all
),

others as (
    select
        load_id,
        cell_key,
        bool_or(not is_apart) as is_confirmed,
        min_by(other_source, abs(value_other - value)) as other_source,
        min_by(value_other, abs(value_other - value)) as value_other
    from {{ ref('edit_comparison') }}
    where is_comparable
    group by all
),

apart as (
    select
        f.load_id,
        f.cell_key,
        o.other_source,
        o.value_other
    from {{ ref('edit_figure') }} as f
    inner join others as o using (load_id, cell_key)
    left join sound as s using (load_id, cell_key)
    where
        not o.is_confirmed and not f.is_kept
        -- the other source may be the one that is wrong: then it stands farther from the past
        and coalesce(
            abs(s.deviation_last)
            > abs(
                s.deviation_last
                + ln(nullif(greatest(o.value_other / nullif(f.value, 0), 0), 0)) / sqrt(f.year - f.year_last)
            ),
            true
        )
),

far as (
    select
        s.*,
        s.deviation * sqrt(coalesce(s.year - s.year_last, s.year_next - s.year)) as log_ratio
    from sound as s
    left join others as o using (load_id, cell_key)
    where
        not coalesce(o.is_confirmed, false) and s.usual_q99 is not null
        -- with the next year alone nobody can tell which of the two is wrong
        and s.year_last is not null
        and abs(s.deviation) > {{ gate_parameter('far_mads') }} * s.usual_mad
        and (
            abs(s.deviation)
            > greatest(
                s.usual_q99 * case
                    when s.year_next is null then {{ gate_parameter('far') }}
                    else {{ gate_parameter('far_between') }}
                end,
                {{ gate_parameter('min_far') }} / sqrt(coalesce(s.year - s.year_last, s.year_next - s.year))
            )
            -- a digit too many or too few is the commonest slip: where columns are quiet, about ten times is no move
            or (
                abs(s.deviation) > {{ gate_parameter('far_ten') }} * s.usual_q95
                and abs(abs(log_ratio) - ln(10)) < {{ gate_parameter('near_ten') }}
            )
        )
),

-- a city whose figures of one table, or of one variable in both scopes, move together has truly moved; so has one whose
-- districts grow in several tables: their borders changed
alone as (
    select f.*
    from far as f
    left join sound as s
        on
            f.load_id = s.load_id
            and f.city_id = s.city_id
            and f.year = s.year
            and f.cell_key <> s.cell_key
            and s.deviation_last / f.deviation between 0.4 and 2.5
            and (
                f.table_key = s.table_key or f.variable_code = s.variable_code
                or (s.scope = 'district' and f.scope = 'district' and abs(s.deviation_last) > s.usual_q95)
            )
    group by all
    having
        -- a border that moved is no slip
        not {{ border_moved('f.city_id', 'f.year', edit_parameter('E5', 'boundary_years')) }}
        and count(s.cell_key) filter (where s.table_key = f.table_key or s.variable_code = f.variable_code) = 0
        and count(s.cell_key) < 2
),

zeros as (
    select
        f.load_id,
        f.cell_key
    from (
        select
            *,
            median(value_last) over (partition by load_id, variable_code, scope, year) as median_last
        from {{ ref('edit_figure') }}
    ) as f
    inner join columns as c using (load_id, variable_code, scope, year)
    left join usual_zeros as z using (load_id, variable_code, scope, year)
    left join others as o using (load_id, cell_key)
    where
        f.value = 0 and f.print_no = 1 and not f.is_kept
        and (
            (
                f.zero_rule = 'missing'
                -- where cities are few, one of them is a small share too
                and c.share_zero <= greatest({{ gate_parameter('max_zero') }}, 1.01 / c.n_cities)
                and coalesce(z.usual_zero, 0) <= {{ gate_parameter('max_zero') }}
            )
            -- what may be nothing, such as patents, does not fall to it from an ordinary figure; a count of some may
            or f.value_last
            > greatest({{ gate_parameter('min_fall') }} * f.median_last, {{ gate_parameter('min_count') }})
        )
        and not coalesce(o.is_confirmed, false)
),

-- a decimal point in a column of whole numbers
fractions as (
    select load_id, cell_key
    from (
        select
            f.load_id,
            f.cell_key,
            f.is_whole,
            f.is_kept,
            c.n_cities,
            count(*) filter (where not f.is_whole) over (partition by f.load_id, f.variable_code, f.scope, f.year)
                as n_fractions
        from {{ ref('edit_figure') }} as f
        inner join columns as c using (load_id, variable_code, scope, year)
        where f.print_no = 1 and f.value is not null and f.data_year > 0
    ) as f
    where
        not is_whole and not is_kept
        and n_fractions <= {{ gate_parameter('max_fractions') }} * n_cities
),

-- of the figures of a broken identity the one that has moved, where all others have not or are confirmed; where a part
-- is more than its whole, also the one that has no past
broken as (
    select
        i.load_id,
        i.year,
        i.city_id,
        i.identity_code,
        i.ratio,
        f.cell_key,
        not coalesce(o.is_confirmed, false) and coalesce(abs(s.deviation) > s.usual_q95, false) as is_suspect,
        not coalesce(o.is_confirmed, false) and s.deviation is null and not f.is_kept
        and d.high <= 1.01 and i.ratio > d.high as is_new
    from {{ ref('edit_identity') }} as i
    inner join {{ ref('identity') }} as d using (identity_code)
    inner join (
        select distinct identity_code, own_scope, variable_code, scope from {{ ref('edit_identity_part') }}
    ) as p using (identity_code, own_scope)
    inner join {{ ref('edit_figure') }} as f
        on
            i.load_id = f.load_id
            and i.city_id = f.city_id
            and i.year = f.year
            and p.variable_code = f.variable_code
            and p.scope = f.scope
            and f.print_no = 1
    left join sound as s on f.load_id = s.load_id and f.cell_key = s.cell_key
    left join others as o on f.load_id = o.load_id and f.cell_key = o.cell_key
    where i.is_broken
),

blamed as (
    select
        load_id,
        coalesce(max(cell_key) filter (where is_suspect), max(cell_key) filter (where is_new)) as cell_key,
        any_value(identity_code) as identity_code
    from broken
    group by load_id, year, city_id, identity_code
    having
        count(*) filter (where is_suspect) = 1
        or (count(*) filter (where is_suspect) = 0 and count(*) filter (where is_new) = 1)
),

doubts as (
    select
        load_id,
        'figure_agrees_with_other_sources' as rule_id,
        cell_key,
        printf('%s prints %s', other_source, {{ figure('value_other') }}) as evidence
    from apart
    union all
    select
        load_id,
        'figure_follows_its_past' as rule_id,
        cell_key,
        printf(
            'its past and the other cities lead to %s, and nothing else of the city has moved',
            {{ figure('(value * exp(-log_ratio))') }}
        ) as evidence
    from alone
    union all
    select
        load_id,
        'zero_is_a_figure' as rule_id,
        cell_key,
        '0 where neither the column nor the city has been there' as evidence
    from zeros
    union all
    select
        load_id,
        'figure_is_whole' as rule_id,
        cell_key,
        'a decimal point in a column of whole numbers' as evidence
    from fractions
    union all
    select
        load_id,
        'count_is_not_below_zero' as rule_id,
        cell_key,
        'what is counted is not below zero' as evidence
    from {{ ref('edit_figure') }}
    where is_impossible and not is_kept
    union all
    select
        load_id,
        'figure_meets_identities' as rule_id,
        cell_key,
        'the one figure that breaks identity ' || min(identity_code) as evidence
    from blamed
    group by all
)

select
    d.load_id,
    v.city_id,
    v.year,
    v.variable_code,
    v.scope,
    d.rule_id as rule,
    v.value as printed_value,
    d.evidence,
    v.source_cell_id
from doubts as d
inner join {{ ref('edit_load') }} as l using (load_id)
inner join {{ ref('int_values_corrected') }} as v
    on
        l.source = v.source
        and l.data_year = v.data_year
        and l.vintage = v.vintage
        and d.cell_key = hash(v.source_cell_id)
-- of which E1 to E5 do not speak
anti join (
    from {{ ref('int_edits_proposed') }}
    where action in ('quarantine', 'replace')
) as p
    on v.source_cell_id = p.source_cell_id
qualify row_number() over (partition by d.load_id, v.source_cell_id order by d.rule_id) = 1
