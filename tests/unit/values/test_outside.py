"""What others measure is held against the scores and is no input of any of them."""

import pandas as pd
from dbt_models import DBT, rendered
from editing import put_frame, with_seeds


def test_measures_are_for_one_resident_and_a_unit_of_gdp_and_provinces_keep_their_score():
    con = with_seeds("city", "source")
    load = {"data_year": 0, "vintage": "v"}
    figures = [
        ("night_lights", "CN130100", "city", "night_lights", 200.0),
        ("night_lights", "CN130200", "city", "night_lights", 0.0),
        ("co2_edgar", "CN130100", "city", "co2_emissions", 50.0),
        ("other_indexes", "CN110000", "city", "nqp_score_other", 0.4),
        ("other_indexes", "CN130000", "province", "nqp_score_other", 0.1),
        ("panel_policies", "CN130100", "city", "gdp_nom", 25.0),
    ]
    names = ["source", "city_id", "level", "variable_code", "value"]
    frame = pd.DataFrame(figures, columns=names).assign(**load, year=2015, scope="city", source_cell_id="x")
    put_frame(con, "int_values_corrected", frame)
    put_frame(con, "stg_landing__loads", frame[["source"]].drop_duplicates().assign(**load, is_current=True))
    put_frame(con, "int_values_left_out", pd.DataFrame({"source_cell_id": ["other"]}))
    size = {"edit_policy": "edited", "city_id": "CN130100", "year": 2015}
    sizes = [
        {**size, "variable_code": "population", "value": 100.0},
        {**size, "variable_code": "gdp_nom", "value": 25.0},
    ]
    put_frame(con, "int_values_completed", pd.DataFrame(sizes))
    measures = rendered("values/int_outside_measures")
    sql = f"select external_code, unit_id, exp(value), value from ({measures}) order by 1, 2"
    told = con.execute(sql).fetchall()
    assert [row[:2] for row in told] == [
        ("co2_emissions", "CN130100"),
        ("night_lights", "CN130100"),
        ("nqp_score_other", "110000"),
        ("nqp_score_other", "130000"),
    ]
    assert [round(row[2], 9) for row in told[:2]] == [2.0, 2.0]
    assert [row[3] for row in told[2:]] == [0.4, 0.1]


def test_no_index_and_no_rule_names_a_variable_that_only_others_measure():
    con = with_seeds("source", "header_map", "city")
    outside = con.sql(
        "select distinct variable_code from header_map join source using (source)"
        " where kind = 'outside' and variable_code <> 'ignore'"
    ).fetchall()
    assert len(outside) == 3
    for seed in ("indicator_part", "identity", "edit_rule", "precedence", "splice"):
        text = (DBT / "seeds" / f"{seed}.csv").read_text(encoding="utf-8")
        assert not [name for (name,) in outside if name in text], seed
