-- name: contributions
select basis, index_code, indicator_code, weight, city_id, year, contribution from py.index_contribution
where index_code::varchar in (
    select index_code from ops.index_spec where index_code in {RELATIONS} or variant_of in {RELATIONS}
) and {OWN_WEIGHTS} order by 1, 2, 3, 5, 6
