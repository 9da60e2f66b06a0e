-- How far do spillovers reach, and how much does a provincial border hold back?
-- 溢出效应能传多远？省界阻隔了多少？
-- Columns: model_id, question, variant, estimate, unit, lo, hi, p, reason
-- Note: lo and hi of a barrier are the limits after Fieller, p that of equal spillovers between cities of one
--   level; mart_distance_decay has the rings behind a boundary.
select
    model_id,
    'boundary' as question,
    method || ', ' || step_km || ' km, synergy ' || synergy_class as variant,
    boundary_km as estimate,
    'km' as unit,
    null::double as lo,
    null::double as hi,
    null::double as p,
    case when boundary_km is null then 'no run of rings whose effect is above zero' end as reason
from mart.mart_regional_boundary
where basis in (select basis from mart.dim_index)
union all
select
    model_id,
    'barrier' as question,
    barrier_code || ', ring ' || ring_id as variant,
    barrier_index as estimate,
    '1' as unit,
    lo,
    hi,
    p_level_adjusted as p,
    case when barrier_index is null then 'the spillover inside provinces is not above zero' end as reason
from mart.mart_border_barrier
where basis in (select basis from mart.dim_index)
order by model_id, question desc, variant
