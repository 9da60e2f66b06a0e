"""The second geography of a whole warehouse: chains, sums beside the cities, held figures, index."""

from dagster_project.demo.counties import SPOILT

CHUZHOU = "CN341100"


def test_the_spoilt_figure_is_held_with_its_neighbours_and_the_city_stays(small_warehouse):
    broken = small_warehouse.published("from mart.mart_county_sum where verdict <> 'holds'")
    key = broken[["city_id", "year", "variable_code"]].to_numpy().tolist()
    assert key == [[CHUZHOU, SPOILT.year, SPOILT.variable_code]]
    assert broken["verdict"].item() == "more than the city"
    assert broken["n_printed"].item() == broken["n_listed"].item() == 8
    held = small_warehouse.published("from mart.mart_county_panel where is_held")
    assert len(held) == 8
    assert set(held["variable_code"]) == {SPOILT.variable_code}
    used = small_warehouse.published(
        "from easy.county_variable where parent_name_en = 'Chuzhou' and variable_code = ?", [SPOILT.variable_code]
    )
    assert set(used["year"]) == {SPOILT.year + 1}
    city = small_warehouse.published(
        "select value, value_as_printed from easy.city_variable where city_id = ? and year = ? and variable_code = ?",
        [CHUZHOU, SPOILT.year, SPOILT.variable_code],
    )
    assert city["value"].item() == city["value_as_printed"].item()


def test_all_counties_of_a_city_sum_to_it(small_warehouse):
    sums = small_warehouse.published("from mart.mart_county_sum where n_printed = n_listed and verdict = 'holds'")
    assert {"population_registered", "gdp_nom", "va_tertiary_nom", "industrial_firms"} <= set(sums["variable_code"])
    assert sums["ratio"].between(0.99, 1.01).all()
    some = small_warehouse.published("from mart.mart_county_sum where n_printed < n_listed")
    assert len(some)
    assert (some["ratio"] < 1).all()


def test_a_figure_leads_back_to_its_cell_and_to_the_base_boundary(small_warehouse):
    found = small_warehouse.published(
        "select p.year, p.file, p.cell, p.text, p.value, p.source_cell_id from mart.mart_county_panel as p"
        " join mart.dim_county as c using (county_id)"
        " where c.name_zh = '寿县' and c.parent_city_id = 'CN340400' and variable_code = 'population_registered'"
        " order by p.year"
    )
    # one unit of two codes: it moved to another city in between
    assert found["year"].tolist() == [2015, 2016]
    assert (found["text"].astype(float) == found["value"]).all()
    assert found["file"].str.contains("3-1").all()
    assert all(cell in row for cell, row in zip(found["cell"], found["source_cell_id"], strict=True))


def test_no_county_is_among_the_figures_of_cities(small_warehouse):
    assert small_warehouse.published("from mart.mart_source_value where source = 'county_tables'").empty
    units = small_warehouse.published("select count(*) as n, count(distinct county_id) as k from mart.dim_county")
    assert units["n"].item() == units["k"].item() > 3000
    index = small_warehouse.published("from mart.mart_county_index")
    assert set(index["year"]) == {2015, 2016}
    assert index["county_id"].nunique() >= 30
    assert not small_warehouse.published("from mart.mart_county_result where method = 'markov'").empty
