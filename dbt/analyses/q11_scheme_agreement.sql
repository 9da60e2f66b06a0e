-- How far does the ranking agree with that of each other weighting scheme?
-- 换用其他赋权方法，排名与原排名有多一致？
-- Columns: index_code, scheme_b, title_zh, n_year, mean_spearman, lowest_spearman, largest_rank_shift
select
    a.index_code,
    a.scheme_b,
    w.title_zh,
    count(*) as n_year,
    avg(a.spearman) as mean_spearman,
    min(a.spearman) as lowest_spearman,
    max(a.max_abs_rank_shift) as largest_rank_shift
from mart.mart_index_rank_agreement as a
inner join mart.dim_weight_scheme as w on a.scheme_b = w.weight_scheme
inner join mart.dim_index as i
    on a.index_code = i.index_code and a.basis = i.basis and a.scheme_a = i.weight_scheme and i.is_headline
where a.year > 0
group by a.index_code, a.scheme_b, w.title_zh
order by a.index_code, round(mean_spearman, 12), a.scheme_b
