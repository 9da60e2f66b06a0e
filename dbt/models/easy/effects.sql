-- What moves the score, in the city itself and in the others? Effects of the headline regression.
select
    e.variable,
    list_contains(m.x_codes, e.variable) as is_of_interest,
    e.effect,
    u.unit as regressor_unit,
    e.point as points_per_unit,
    e.se_delta as se,
    e.lo,
    e.hi,
    e.p,
    e.standardised,
    f.n_used as n_city,
    f.t_used as n_years,
    f.first_year,
    f.last_year
from {{ ref('mart_panel_effect') }} as e
inner join {{ ref('dim_model_spec') }} as m on e.model_id = m.model_id and m.is_headline
inner join {{ ref('mart_panel_fit') }} as f on e.model_id = f.model_id and e.basis = f.basis
left join (
    select model_id, basis, term, any_value(unit) as unit from {{ source('py', 'model_data') }}
    group by all
) as u on e.model_id = u.model_id and e.basis = u.basis and e.variable = u.term
where e.horizon = 'static' and {{ at_headline('e') }}
order by is_of_interest desc, e.variable, e.effect
