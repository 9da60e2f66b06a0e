"""Engines of the production relations: their raw columns, their tables."""

import importlib.metadata

import pandas as pd

from dagster_project.study.tables.production import build_production_tables

INPUTS = {
    "values": """
        select city_id, year, variable_code, value, value_origin from int.int_values_completed
        where edit_policy = 'edited' and year >= (select min(window_start) from ops.index_spec) and (
            variable_code in ('gdp_nom', 'emp_total', 'ip_cases_closed', 'gdp_court_nom')
            or variable_code like 'emp_sector_%' or variable_code like 'cpi_%'
        )
        union all by name -- the yearbook's two sectors that have names of their own
        select v.city_id, v.year, s.variable_code, v.value, v.value_origin from int.int_values_completed as v
        join (values ('emp_it_services', 'emp_sector_information'), ('emp_sci_tech', 'emp_sector_research'))
            as s (printed_code, variable_code) on v.variable_code = s.printed_code
        where v.edit_policy = 'edited' and v.year >= (select min(window_start) from ops.index_spec)
            and s.variable_code not in (select variable_code from int.int_values_completed)
        order by variable_code, city_id, year
    """,
    "investment": """
        select a.city_id, a.year, a.variable_code, a.value from int.int_values_accepted as a
        where a.level = 'city' and a.variable_code in ('fai_nom', 'price_investment')
        order by a.variable_code, a.city_id, a.year
    """,
    "nation": """
        select year, variable_code, max(value) as value from int.int_values_accepted
        where level = 'nation' group by all order by 2, 1
    """,
    "deflator": """
        select city_id, year, deflator from int.int_deflators_chained where edit_policy = 'edited' order by 1, 2
    """,
    "texts": """
        select city_id, year, text from int.int_texts_accepted
        where variable_code = 'work_report_text' order by city_id, year
    """,
    "keyword": "select dict_version, group_name, term, is_active from seed.keyword order by 1, 2, 3",
    "city": "select city_id, province_code from seed.city order by 1",
    "region": "select city_id, group_code from seed.city_group where scheme = 'four_region' order by 1",
    "neighbour": "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2",
}
TABLES = {
    "misallocation": "Relative distortion of capital and labour, by city and year (Chen and Hu 2011).",
    "market_segmentation": "Relative-price segmentation of a city against its neighbours, by year.",
    "market_segmentation_pair": "Variance of relative prices of two neighbouring cities, by year.",
    "ip_protection": "Location quotient of closed cases of intellectual property, by city and year.",
    "gov_digital_attention": "Dictionary terms in the government work report, by city, year and dictionary.",
    "specialisation": "Krugman index and functional specialisation, by city and year.",
    "engine_indicator": "What the engines hand to the index, by indicator, city and year.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Nothing here is drawn: the seed is not used."""
    return build_production_tables(frames, tokenizer_version=f"jieba {importlib.metadata.version('jieba')}")
