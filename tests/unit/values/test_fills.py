"""Fills that a compiler made without saying so: runs of equal steps, repeats."""

import numpy as np
import pandas as pd
import pytest
from dbt_models import rendered
from editing import put_frame, with_seeds

YEARS = np.arange(2012, 2022)
GIVEN = """
create table source as select 's' as source, 'city' as unit_level, 'compilation' as kind, 'o' as origin
    union all select 'book', 'city', 'printed', 'o';
create table stg_landing__loads as select 's' as source, 0 as data_year, 'v' as vintage, 1 as load_no,
    true as is_current union all select 'book', 2016, 'v', 1, true;
create table index_spec as select 2012 as window_start;
create table int_rows_matched_to_cities as select 'book' as source, 2016 as data_year, 'v' as vintage, 'f' as file,
    'x' as sheet, 'blank' as city_id, 2016 as year, 'city' as row_kind;
create table int_headers_mapped as select 'book' as source, 2016 as data_year, 'v' as vintage, 'f' as file,
    'x' as sheet, 'he_students' as variable_code, 'city' as scope;
"""


@pytest.fixture(scope="module")
def fills():
    """Rule -> (city, variable) -> years that are marked by it."""
    con = with_seeds("city", "edit_rule", "variable")
    con.execute(GIVEN)
    rng = np.random.default_rng(2)
    planes = {f"c{k}": 50_000 + np.cumsum(rng.integers(-900, 900, len(YEARS))) for k in range(30)}
    for city in ("run", "blank", "grows"):
        planes[city] = 60_000 + np.cumsum(rng.integers(-900, 900, len(YEARS)))
        planes[city][2:7] = 40_000 - 517 * np.arange(5)  # 2014 to 2018
    planes["grows"][2:7] = 40_000 + 7 * np.arange(5)  # so small a step repeats by chance
    rows = [
        {"city_id": city, "year": year, "variable_code": variable, "value": float(value)}
        for variable in ("he_students", "population_resident")
        for city, plane in planes.items()
        for year, value in zip(YEARS, plane, strict=True)
    ]
    for variable, n_usual in (
        ("gdp_nom", 0),
        ("population", 0),
        ("fdi_usd", 1),
    ):  # four cities repeat in 2018, so many in others
        for k in range(30):
            plane = rng.integers(100_000, 900_000, len(YEARS))
            for at in range(1, len(YEARS)):
                plane[at] = plane[at - 1] if k < (4 if at == 6 else n_usual) else plane[at]
            rows += [
                {"city_id": f"c{k}", "year": year, "variable_code": variable, "value": float(value)}
                for year, value in zip(YEARS, plane, strict=True)
            ]
    rows += [{"city_id": "c3", "year": 2018, "variable_code": "gdp_nom", "value": 5.0, "source": "book"}]
    same, other = planes["blank"][6], planes["run"][3] + 1
    rows += [
        {"city_id": city, "year": year, "variable_code": "he_students", "value": float(value), "source": "book"}
        for city, year, value in (("blank", 2018, same), ("run", 2015, other))
    ]
    text = {"text": None, "file": "f", "sheet": "x", "cell": "A1", "unit": "persons", "printed_unit": "人"}
    frame = pd.DataFrame(rows).assign(
        vintage="v",
        level="city",
        scope="city",
        factor=1.0,
        is_corrected=False,
        is_settled=False,
        correction_action="",
        correction_reason="",
        **text,
    )
    frame["source"] = frame["source"].fillna("s")
    frame["data_year"] = np.where(frame["source"] == "s", 0, 2016)
    frame["text"], frame["value_printed"] = frame["value"].astype(int).astype(str), frame["value"]
    frame["source_cell_id"] = [f"s{k}" for k in range(len(frame))]
    put_frame(con, "int_values_corrected", frame)
    con.execute("create view int_values_left_out as from int_values_corrected where false")
    found = con.execute(rendered("values/int_values_accepted")).df()
    marked = {rule: rows.groupby(["city_id", "variable_code"])["year"] for rule, rows in found.groupby("fill_rule")}
    return {rule: years.agg(sorted).to_dict() for rule, years in marked.items() if rule}


def test_a_run_of_equal_steps_is_a_fill_inside_and_whole_where_the_yearbook_leaves_a_year_blank(fills):
    assert fills["equal_steps"] == {
        ("run", "he_students"): [2015, 2016, 2017],
        ("blank", "he_students"): [2014, 2015, 2017],  # 2016 itself is blank in print, which has 2018 too
    }


def test_a_figure_of_the_year_before_is_a_fill_where_so_many_repeat_in_no_other_year_and_none_is_printed(fills):
    assert fills["repeat"] == {(f"c{k}", "gdp_nom"): [2018] for k in range(3)}
