-- Which published figures were revised, by a newer file or another source, and by how much?
-- 哪些已公布的数字被新文件或其他来源修订？幅度多大？
-- Columns: kind, variable_code, year, n_cell, median_pct_change, largest_pct_change, reasons
select
    kind,
    variable_code,
    year,
    count(*) as n_cell,
    median(pct_change) as median_pct_change,
    max(abs(pct_change)) as largest_pct_change,
    string_agg(distinct reason, '; ' order by reason) as reasons
from mart.mart_revision_log
group by kind, variable_code, year
order by n_cell desc, kind, variable_code, year
