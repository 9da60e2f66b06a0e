-- name: scores
with pairs as ({PAIRS}),
windows as ({WINDOWS}),
headline as (
    select basis, index_code, weight_scheme, city_id, year, score from py.index_score
    where {OWN_WEIGHTS} and score is not null
)
select p.index_code, p.relations_code, a.basis, a.weight_scheme, a.city_id, a.year,
    a.score as u1, b.score as u2, a.year between w.window_start and w.window_end as in_base
from pairs as p
join headline as a on p.index_code = a.index_code
join headline as b
    on p.relations_code = b.index_code and a.basis = b.basis and a.city_id = b.city_id and a.year = b.year
join windows as w on p.index_code = w.index_code
order by 1, 3, 5, 6
