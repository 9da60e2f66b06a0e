{{ config(materialized='view') }}
-- One row per variable in an identity between the columns of a file. A side is a sum of products: 'a * b', 'a + b',
-- '100'; a variable without a scope of its own takes those of the identity.
with identities as (
    select
        * exclude (scopes),
        unnest(string_split(coalesce(scopes, ''), ' ')) as own_scope
    from {{ ref('identity') }}
),

products as (
    select
        identity_code,
        own_scope,
        'left' as side,
        unnest(string_split(left_side, '+')) as product,
        generate_subscripts(string_split(left_side, '+'), 1) as term_no
    from identities
    union all
    select
        identity_code,
        own_scope,
        'right' as side,
        unnest(string_split(right_side, '+')) as product,
        generate_subscripts(string_split(right_side, '+'), 1) as term_no
    from identities
),

factors as (
    select
        * exclude (product),
        trim(unnest(string_split(product, '*'))) as factor
    from products
),

terms as (
    select
        identity_code,
        own_scope,
        side,
        term_no,
        coalesce(product(try_cast(factor as double)), 1) as constant,
        count(*) filter (where try_cast(factor as double) is null) as n_factors
    from factors
    group by all
),

wholes as (
    select
        identity_code,
        own_scope,
        coalesce(sum(constant) filter (where side = 'left' and n_factors = 0), 0) as left_constant,
        coalesce(sum(constant) filter (where side = 'right' and n_factors = 0), 0) as right_constant,
        -- a printed zero or a very small figure is rounded; a constant side has its slack in its bounds
        bool_or(side = 'right' and n_factors > 0)::integer as slack,
        count(*) filter (where n_factors > 0) as n_terms
    from terms
    group by all
),

needed as (
    select
        t.*,
        split_part(f.factor, '@', 1) as variable_code,
        coalesce(nullif(split_part(f.factor, '@', 2), ''), f.own_scope) as scope
    from factors as f
    inner join terms as t using (identity_code, own_scope, side, term_no)
    where try_cast(f.factor as double) is null
)

select
    n.identity_code,
    n.own_scope,
    n.side,
    n.term_no,
    n.constant,
    n.n_factors,
    n.variable_code,
    n.scope,
    w.left_constant,
    w.right_constant,
    w.slack,
    w.n_terms
from needed as n
inner join wholes as w using (identity_code, own_scope)
