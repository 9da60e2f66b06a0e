-- Do centres give more to the periphery than they receive from it?
-- 中心对外围的溢出是否大于外围对中心的溢出？
-- Columns: model_id, scheme, emitter, receiver, theta_block, se, e_per_emitter, e_lo, e_hi, p_asymmetry,
--   p_level_adjusted, asymmetry_index, asymmetry_lo, asymmetry_hi, n_centre
select
    model_id,
    scheme,
    emitter,
    receiver,
    theta_block,
    se,
    e_per_emitter,
    e_lo,
    e_hi,
    p_asymmetry,
    p_level_adjusted,
    asymmetry_index,
    asymmetry_lo,
    asymmetry_hi,
    n_centre
from mart.mart_block_spillover
where basis in (select basis from mart.dim_index)
order by model_id, scheme, emitter, receiver
