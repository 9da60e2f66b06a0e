"""The tracked sidecars against the real files: cells checked by eye, shapes, seconds, header map."""

from pathlib import Path

import pandas as pd
import pytest

from dagster_project.ingest import check_set, find_sidecars, read_load

REPOSITORY = Path(__file__).resolve().parents[3]
LANDING, SEEDS = REPOSITORY / "warehouse" / "landing", REPOSITORY / "dbt" / "seeds"

# (cells, header columns) of each load
SHAPES = {
    ("census", 2010): (8_198, 23),
    ("co2_edgar", 0): (49_568, 7),
    ("environment_pm25", 0): (189_498, 52),
    ("fdi", 0): (40_045, 5),
    ("gdp_revised", 0): (49_674, 7),
    ("night_lights", 0): (59_368, 8),
    ("other_indexes", 0): (8_888, 22),
    ("panel_macro", 0): (312_271, 44),
    ("panel_policies", 0): (454_756, 55),
    ("pku_dfi", 0): (63_502, 16),
    ("road_area", 0): (104_638, 7),
    ("yearbook_tables", 2020): (8_366, 28),
    ("yearbook_tables", 2023): (54_905, 182),
    ("yearbook_wide", 2018): (64_540, 229),
    ("yearbook_wide", 2019): (64_371, 227),
    ("yearbook_wide", 2020): (36_139, 125),
    ("yearbook_wide", 2023): (36_018, 124),
}

# (source, data year, row, column) -> text, read off the files


@pytest.fixture(scope="module")
def loads(real_data):
    found = {}
    for sidecar in check_set(s for s in find_sidecars(LANDING) if s.layout != "reference"):
        found[sidecar.source, sidecar.data_year] = read_load(sidecar, real_data)
    return found


def test_shapes(loads):
    found = {key: (len(load.cells), len(load.header)) for key, load in loads.items()}
    assert {key: found[key] for key in SHAPES} == SHAPES


def test_yearbook_rows_are_title_header_and_body_only_and_remarks_of_the_seller_notes(loads):
    for year, first_body, last in ((2018, 7, 331), (2019, 6, 329), (2020, 7, 330)):
        cells = loads["yearbook_wide", year].cells
        body = cells.loc[cells["part"] == "body", "row_no"]
        assert (body.min(), body.max()) == (first_body, last)
        assert set(cells["part"]) == {"title", "header", "body"}
        assert set(cells["sheet"]) == {"Data" if year == 2018 else "Sheet1"}  # the advertising sheet is left out
    cells = loads["gdp_revised", 0].cells
    assert set(cells.loc[cells["part"] == "note", "row_no"]) == {19, 7101, 7108}


def test_code_and_year_of_long_files(loads):
    header, cells = loads["pku_dfi", 0].header, loads["pku_dfi", 0].cells
    role = dict(zip(header["role"], header["col_no"], strict=True))
    code = cells[(cells["col_no"] == role["code"]) & (cells["part"] == "body")]
    assert code["text"].str.fullmatch(r"\d{4}").all()
    years = cells.loc[(cells["col_no"] == role["year"]) & (cells["part"] == "body"), "text"]
    assert set(years) == {str(year) for year in range(2011, 2024)}


def test_units_and_qualifiers_do_not_overlap_except_for_the_base_of_an_index():
    units = pd.read_csv(SEEDS / "unit.csv")["symbol"]
    assert set(units) & set(pd.read_csv(SEEDS / "header_qualifier.csv")["qualifier"]) == {"上年=100"}
    assert units.is_unique
