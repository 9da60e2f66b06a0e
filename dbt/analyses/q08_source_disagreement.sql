-- Where do two sources print different figures for the same thing, and how far apart are they?
-- 同一数字，哪些来源互不一致？相差多少？
-- Columns: variable_code, source_a, source_b, concept_a, concept_b, n_cell, median_difference, largest_difference
select
    variable_code,
    source_a,
    source_b,
    concept_a,
    concept_b,
    count(*) as n_cell,
    median(relative_difference) as median_difference,
    max(abs(relative_difference)) as largest_difference
from mart.mart_source_disagreement
group by variable_code, source_a, source_b, concept_a, concept_b
order by n_cell desc, variable_code, source_a, source_b
