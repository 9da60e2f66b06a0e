-- In which cities are capital and labour furthest from their efficient shares in the last year?
-- 最近一年哪些城市的资本和劳动错配最严重？
-- Columns: year, name_zh, province_name, tau_k, abs_tau_k, capital, tau_l, abs_tau_l, labour, capital_basis
select
    m.year,
    c.name_zh,
    c.province_name,
    m.tau_k,
    m.abs_tau_k,
    case when m.tau_k > 0 then 'too little' when m.tau_k <= 0 then 'too much' end as capital,
    m.tau_l,
    m.abs_tau_l,
    case when m.tau_l > 0 then 'too little' when m.tau_l <= 0 then 'too much' end as labour,
    m.capital_basis
from mart.mart_misallocation as m
inner join mart.dim_city as c on m.city_id = c.city_id
where m.year = (select max(year) from mart.mart_misallocation)
order by coalesce(m.abs_tau_k, m.abs_tau_l) desc nulls last, m.city_id
