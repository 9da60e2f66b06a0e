-- What does the headline regression say, term by term, and does it fit?
-- 主回归各项系数如何？拟合情况怎样？
-- Columns: model_id, title, status, term, role, coef, se, se_boot, p, lo, hi, rho, r2_within, n_used, t_used,
--   converged
-- Note: A regression that this warehouse has no data for stands as one row with the status skipped.
select
    s.model_id,
    s.title,
    f.status,
    k.term,
    k.role,
    k.coef,
    k.se,
    k.se_boot,
    k.p,
    k.lo,
    k.hi,
    f.rho,
    f.r2_within,
    f.n_used,
    f.t_used,
    f.converged
from mart.dim_model_spec as s
inner join mart.mart_panel_fit as f on s.model_id = f.model_id
left join mart.mart_panel_coef as k on s.model_id = k.model_id
where s.is_headline
order by s.model_id, k.role, k.term
