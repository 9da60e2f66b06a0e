-- One row per identity between the columns of a load and city that has all its figures: left side over right side.
-- A city of which a person has kept a figure is left out.
with
-- identities of which a load has all columns
askable as (
    select
        b.load_id,
        b.year,
        n.identity_code,
        n.own_scope
    from (
        select distinct identity_code, own_scope, variable_code, scope from {{ ref('edit_identity_part') }}
    ) as n
    inner join (select distinct load_id, year, variable_code, scope from {{ ref('edit_figure') }}) as b
        on n.variable_code = b.variable_code and n.scope = b.scope
    inner join {{ ref('identity') }} as d on n.identity_code = d.identity_code
    inner join {{ ref('edit_load') }} as l on b.load_id = l.load_id and coalesce(d.unit_level, l.level) = l.level
    group by all
    having
        count(*) = (
            select count(distinct a.variable_code || '@' || a.scope) from {{ ref('edit_identity_part') }} as a
            where a.identity_code = n.identity_code and a.own_scope = n.own_scope
        )
),

valued as (
    select
        f.load_id,
        f.year,
        f.city_id,
        n.identity_code,
        n.own_scope,
        n.side,
        n.term_no,
        any_value(n.constant) * product(f.value) as value,
        any_value(n.left_constant) as left_constant,
        any_value(n.right_constant) as right_constant,
        any_value(n.slack) as slack,
        any_value(n.n_terms) as n_terms,
        bool_or(f.is_kept) as is_kept
    from {{ ref('edit_identity_part') }} as n
    inner join askable as a using (identity_code, own_scope)
    inner join {{ ref('edit_figure') }} as f
        on
            a.load_id = f.load_id
            and a.year = f.year
            and n.variable_code = f.variable_code
            and n.scope = f.scope
    where f.print_no = 1 and f.value is not null
    group by all
    having count(*) = any_value(n.n_factors)
),

checked as (
    select
        v.load_id,
        v.year,
        v.city_id,
        v.identity_code,
        v.own_scope,
        any_value(v.slack) as slack,
        any_value(v.left_constant) + coalesce(sum(v.value) filter (where v.side = 'left'), 0) as left_value,
        any_value(v.right_constant) + coalesce(sum(v.value) filter (where v.side = 'right'), 0) as right_value
    from valued as v
    group by all
    having count(*) = any_value(v.n_terms) and not bool_or(v.is_kept)
)

select
    c.load_id,
    c.year,
    c.city_id,
    c.identity_code,
    c.own_scope,
    c.left_value / c.right_value as ratio,
    coalesce(c.left_value < i.low * c.right_value - c.slack, false)
    or coalesce(c.left_value > i.high * c.right_value + c.slack, false) as is_broken
from checked as c
inner join {{ ref('identity') }} as i using (identity_code)
where c.right_value > 0
