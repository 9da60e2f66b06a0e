"""Which source a value is taken from: the print, then compilations of it, then other series that agree."""

import pandas as pd
from dbt_models import rendered
from editing import put_frame, with_seeds

YEARS = range(2012, 2022)
PRINTS = {
    ("yearbook_tables", "he_students"): {y: 100.0 + y for y in (2012, 2014, 2015)},
    ("yearbook_wide", "he_students"): {y: 101.0 + y for y in (2015, 2017, 2018, 2019)},
    ("panel_policies", "he_students"): {y: 110.0 + y for y in YEARS},
    # revised and first prints are not mixed; another series fills a gap where both agree
    ("gdp_revised", "gdp_nom"): {y: 1000.0 for y in YEARS if y > 2012},
    ("panel_policies", "gdp_nom"): dict.fromkeys(YEARS, 990.0),
    ("fdi", "fdi_usd"): {y: 50.0 for y in YEARS if y < 2020},
    ("panel_policies", "fdi_usd"): {y: 50.2 if y < 2020 else 70.0 for y in YEARS},
    # a count stands where nothing else is printed, and nowhere else
    ("population", "population_resident"): {y: 9.0 for y in YEARS if y != 2020},
    ("census", "population_resident"): {2012: 8.0, 2020: 8.5},
}


def used_source(prints):
    """variable and year -> source of the figure that is used, of one city."""
    con = with_seeds("city", "edit_rule", "source", "precedence", "splice")
    con.execute("create table index_spec as select 2012 as window_start, 2021 as window_end")
    rows = [
        {"source": source, "variable_code": variable, "year": year, "value": value, "source_cell_id": f"{source}{year}"}
        for (source, variable), series in prints.items()
        for year, value in series.items()
    ]
    same = {"edit_policy": "edited", "city_id": "CN130100", "unit": "", "vintage": "v", "edited_origin": None}
    frame = pd.DataFrame(rows).assign(**same, fill_rule="", is_corrected=False, is_harmonised=False)
    frame["value_as_printed"], frame["source_cell_ids"] = frame["value"], frame["source_cell_id"].map(lambda c: [c])
    put_frame(con, "int_values_harmonised_to_base_boundary", frame)
    chosen = con.execute(rendered("values/int_values_selected")).df()
    return chosen.set_index(["variable_code", "year"])["source"].unstack(0)


def test_print_comes_before_compilations_year_by_year_and_series_of_another_concept_stay_apart():
    used = used_source(PRINTS)
    students = dict.fromkeys(YEARS, "panel_policies")
    students |= dict.fromkeys((2012, 2014, 2015), "yearbook_tables") | dict.fromkeys(
        (2017, 2018, 2019), "yearbook_wide"
    )
    assert used["he_students"].to_dict() == students
    assert used["gdp_nom"].dropna().unique().tolist() == ["gdp_revised"]
    assert used["gdp_nom"].isna().sum() == 1
    assert used["population_resident"].to_dict() == {y: "census" if y == 2020 else "population" for y in used.index}
    assert used["fdi_usd"].to_dict() == {y: "fdi" if y < 2020 else "panel_policies" for y in YEARS}


def test_one_edition_displaces_no_series_where_few_years_have_landed():
    """Share of the years at hand, not of the window: else no series would be long enough, and the first be used."""
    prints = {
        ("yearbook", "disposable_income"): {2017: 40.0},
        ("society", "disposable_income"): dict.fromkeys(range(2012, 2018), 50.0),
        ("yearbook", "he_students"): {y: 100.0 + y for y in range(2012, 2018)},
    }
    assert set(used_source(prints)["disposable_income"]) == {"society"}
    register = {("patent", "all_grants"): {2016: 9.0, 2017: 10.0}, ("yearbook", "all_grants"): {2016: 8.0, 2017: 10.0}}
    assert set(used_source(register)["all_grants"]) == {"patent"}  # beside the inventions of the same register
