-- How likely does a city move from one class to another within a year, and do better neighbours help it up?
-- 一年之内城市在各等级之间转移的概率是多少？邻近城市水平高是否有助于向上跃迁？
-- Columns: index_code, state_from, n_row, to_1, to_2, to_3, to_4, any_thin, upward_help, upward_help_lo,
--   upward_help_hi, upward_help_p
-- Note: An empty upward_help means that no city of that class had such neighbours; nobody moves up from class 4.
with matrices as (
    select
        index_code,
        state_from,
        max(n_row) as n_row,
        max(p) filter (where state_to = 1) as to_1,
        max(p) filter (where state_to = 2) as to_2,
        max(p) filter (where state_to = 3) as to_3,
        max(p) filter (where state_to = 4) as to_4,
        bool_or(thin) as any_thin
    from mart.mart_markov_transition
    where basis in (select basis from mart.dim_index) and discretisation = 'relative' and scheme = 'all' and lag = 1
    group by index_code, state_from
)

select
    m.index_code,
    m.state_from,
    m.n_row,
    m.to_1,
    m.to_2,
    m.to_3,
    m.to_4,
    m.any_thin,
    case m.state_from when 1 then h.upward_help_1 when 2 then h.upward_help_2 when 3 then h.upward_help_3 end
        as upward_help,
    case m.state_from when 1 then h.upward_help_1_lo when 2 then h.upward_help_2_lo when 3 then h.upward_help_3_lo end
        as upward_help_lo,
    case m.state_from when 1 then h.upward_help_1_hi when 2 then h.upward_help_2_hi when 3 then h.upward_help_3_hi end
        as upward_help_hi,
    case m.state_from when 1 then h.upward_help_1_p when 2 then h.upward_help_2_p when 3 then h.upward_help_3_p end
        as upward_help_p
from matrices as m
left join mart.mart_markov_summary as h
    on
        m.index_code = h.index_code
        and h.basis in (select basis from mart.dim_index)
        and h.discretisation = 'relative'
        and h.lag = 1
        and h.w_code = 'queen_row'
        and h.lag_cuts = 'quantiles'
        and h.lag_state = 0
order by m.index_code, m.state_from
