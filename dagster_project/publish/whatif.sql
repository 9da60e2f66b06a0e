-- name: z
select city_id, indicator_code, z from mart.mart_indicator_value
where index_code = $index and basis = $basis and year = $year and z is not null

-- name: published
select city_id, score_100, rank_year from mart.mart_index_score where @slice and year = $year and score is not null

-- name: presets
-- A scheme whose weights another one has already (entropy-TOPSIS) is no preset of its own.
select weight_scheme as scheme, name('weight_scheme', weight_scheme) as name,
    map(list(indicator_code), list(weight)) as weights
from (select * from mart.mart_index_weight where index_code = $index and basis = $basis and year is null
    order by weight_scheme, indicator_code)
group by weight_scheme
qualify row_number() over (partition by list(weight) order by place('weight_scheme', weight_scheme)) = 1
order by place('weight_scheme', weight_scheme)
