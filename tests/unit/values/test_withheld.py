"""Figures under question: one of influence is treated as missing until a person answers, the others stay."""

import numpy as np
import pandas as pd
import pytest
from dbt_models import rendered
from editing import STABLE_CITIES, put_frame, with_seeds
from text_table import words

YEARS = np.arange(2010, 2022)
SPEC = """
create table index_spec as select 'x' as index_code, 'd' as dimension, i as indicator_code, '' as variant_of,
    'edited' as edit_policy, 'entropy_flat' as weight_scheme, 2012 as window_start,
    2021 as window_end, 0.7 as min_city_share, false as is_left_out
from (select unnest(['n2_broadband', 'n2_mobile']) as i)
"""
# (variable, place of the city, year, factor, rule): what stands out in the printed figures
FIGURES = [
    ("broadband_subscribers", 3, 2016, 3.0, "E3"),
    ("broadband_subscribers", 5, 2016, 1.02, "E3"),
    ("mobile_subscribers", 7, 2021, 3.0, "E4"),
    ("mobile_subscribers", 9, 2016, 3.0, "E4"),
]


@pytest.fixture(scope="module")
def settled():
    """Connection with int_edits_settled and int_values_imputed over 60 cities and two indicators."""
    con = with_seeds(*words("variable city city_change indicator indicator_part edit_rule"))
    con.execute(SPEC)
    cities = [row[0] for row in con.execute(f"{STABLE_CITIES} order by city_id limit 60").fetchall()]
    rng, frames = np.random.default_rng(4), []
    for indicator in ("n2_broadband", "n2_mobile"):
        level = np.exp(rng.normal(3, 0.4, (60, 1)) + 0.05 * (YEARS - 2010) + rng.normal(0, 0.01, (60, len(YEARS))))
        frames.append(
            pd.DataFrame(
                {
                    "city_id": np.repeat(cities, len(YEARS)),
                    "year": np.tile(YEARS, 60),
                    "indicator_code": indicator,
                    "value": level.ravel(),
                }
            )
        )
    cells, edits = pd.concat(frames), []
    for variable, place, year, factor, rule in FIGURES:
        hit = (cells["city_id"] == cities[place]) & (cells["year"] == year)
        hit &= cells["indicator_code"] == ("n2_broadband" if variable.startswith("broad") else "n2_mobile")
        cells.loc[hit, "value"] *= factor
        edits.append(
            {
                "source": "s",
                "city_id": cities[place],
                "year": year,
                "variable_code": variable,
                "rule": rule,
                "action": "pending",
                "used_value": 1.0,
                "used_cell_id": None,
                "measured": 1.0,
                "limit_at": 0.5,
                "expected": 2.0,
                "about": None,
            }
        )
    empty = {"deflator_level": None, "population_basis": "resident", "value_origin": "observed", "source_cell_id": "c"}
    for policy in ("edited", "as_printed"):
        frames.append(cells.assign(edit_policy=policy, **empty))
    put_frame(con, "frame", pd.concat(frames[2:]))
    con.execute("create table int_indicators_constructed as select *, ['c'] as source_cell_ids from frame")
    put_frame(con, "int_edits", pd.DataFrame(edits))
    con.execute("alter table int_edits alter used_cell_id type varchar; alter table int_edits alter about type varchar")
    con.execute(
        "create table int_values_accepted as select *, 'city' as level, source || variable_code || city_id as"
        " source_cell_id from int_edits"
    )
    con.execute(
        "create table int_values_selected as select 'edited' as edit_policy, city_id, year, variable_code, source,"
        " [source_cell_id] as source_cell_ids from int_values_accepted"
    )
    # the last figure jumps in the year of a break that is bridged; that of city 5 further than a bridge reaches
    con.execute(
        "create table int_break_links as select *, 2016 as year, null::varchar as against"
        f" from (values ('{cities[9]}', 'mobile_subscribers', 1.0), ('{cities[5]}', 'broadband_subscribers', 3.0))"
        " as t (city_id, variable_code, link)"
    )
    for model in ("int_edits_settled", "int_values_imputed"):
        con.execute(f"create table {model} as {rendered(f'panel/{model}')}")
    return con, cities


def test_a_figure_of_influence_is_withheld_and_another_stays_pending(settled):
    con, cities = settled
    rows = con.execute("from int_edits_settled").df().set_index("city_id")
    assert rows["action"].reindex([cities[k] for k in (3, 5, 7, 9)]).tolist() == [
        "withheld",
        "pending",
        "withheld",
        "accept",
    ]
    assert rows["used_value"].isna().to_dict() == dict.fromkeys(rows.index, False) | {cities[3]: True, cities[7]: True}
    assert rows.loc[cities[3], ["rank_change", "score_change"]].max() < 0  # it is lifted by the figure
    assert abs(rows.loc[cities[5], "rank_change"]) <= 10
    assert rows.loc[cities[3], "evidence"].startswith("left out until a person answers; ")
    assert rows.loc[cities[9], "evidence"].startswith("in the year of a break that is bridged")


def test_what_is_withheld_is_imputed_and_an_edge_moves_as_the_median_city(settled):
    con, cities = settled
    of_cell = "where edit_policy = 'edited' and city_id = ? and year = ? and indicator_code = ?"
    query = f"select value, value_origin from int_values_imputed {of_cell}"
    cell = f"select value from int_indicators_constructed {of_cell}"
    before, after = (con.execute(cell, [cities[3], year, "n2_broadband"]).fetchone()[0] for year in (2015, 2017))
    value, origin = con.execute(query, [cities[3], 2016, "n2_broadband"]).fetchone()
    assert origin.startswith("interpolated")
    assert min(before, after) < value < max(before, after)
    value, origin = con.execute(query, [cities[7], 2021, "n2_mobile"]).fetchone()
    printed = con.execute(cell, [cities[7], 2021, "n2_mobile"]).fetchone()[0]
    assert origin == "donor_growth"
    assert value < printed / 2
    # as printed means as printed
    kept = "select count(*) from int_values_imputed where edit_policy = 'as_printed' and value_origin <> 'observed'"
    assert con.execute(kept).fetchone()[0] == 0
