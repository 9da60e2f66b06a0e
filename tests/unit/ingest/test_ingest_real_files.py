"""The tracked sidecars against the real files: cells checked by eye, shapes, seconds, header map."""

import csv
from pathlib import Path

import pytest

from dagster_project.ingest import check_set, find_sidecars, read_load

REPOSITORY = Path(__file__).resolve().parents[3]
LANDING, SEEDS = REPOSITORY / "warehouse" / "landing", REPOSITORY / "dbt" / "seeds"

# (cells, header columns) of each load
SHAPES = {
    ("environment_pm25", 0): (189_498, 52),
    ("fdi", 0): (40_045, 5),
    ("gdp_revised", 0): (49_674, 7),
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
CELLS = {
    ("yearbook_wide", 2018, 7, 1): "北京市",
    ("yearbook_wide", 2018, 7, 3): "1376",
    ("yearbook_wide", 2018, 7, 33): "303199787",
    ("yearbook_wide", 2018, 7, 102): "123496",
    ("yearbook_wide", 2018, 80, 102): "92460",
    ("yearbook_wide", 2018, 10, 47): "118720",
    ("yearbook_wide", 2018, 12, 71): "II",
    ("yearbook_wide", 2018, 12, 117): "().13",
    ("yearbook_wide", 2018, 148, 132): "8659!",
    ("yearbook_wide", 2019, 6, 33): "35371",
    ("yearbook_wide", 2019, 6, 102): "131716",
    ("yearbook_wide", 2019, 9, 1): "  石家庄市",
    ("yearbook_wide", 2019, 43, 19): "-",
    ("yearbook_wide", 2019, 329, 33): "605",
    ("yearbook_wide", 2020, 7, 3): "2189",
    ("yearbook_wide", 2020, 7, 70): "162824",
    ("yearbook_wide", 2020, 211, 20): "27670",
    ("panel_policies", 0, 24, 8): "178794000.0",
    ("gdp_revised", 0, 446, 4): "19024.7",
    ("pku_dfi", 0, 2, 7): "80.78",
    ("environment_pm25", 0, 2, 40): "45.76926",
}

PATHS = {
    (2018, 3): "人口及户数 / 年末户籍人口 （万人） / "
    "Household Registered Population at Year-end (10 000 persons) / 全市",
    (2018, 48): "地方一般公共预算收支状况(全市)（万元） / 地方一般公共预算支出 / 教育支出 / Expenditure for Education",
    (2018, 17): "行政区域土地面积及水资源总量 / 行政区域土地面积（平方公里） / 建成区面积 / Built-up area / 市辖区",
    (2019, 48): "2-11 地方一般公共预算收支状况(全市) （万元） / 地方一般公共预算支出 / 教育支出",
    (2019, 222): "2-46 用电情况(全市) （万千瓦时） / 工业用电 Electricity Consumption for Industrial / 全市 Total City",
    (2020, 71): "2-17 科技创新情况 （全市） / 专利授权数（件） Number of Patent Authorizations (piece) / "
    "发明 Invention",
}


@pytest.fixture(scope="module")
def loads(real_data):
    """Every real load, read once."""
    found = {}
    for sidecar in check_set(find_sidecars(LANDING)):
        found[sidecar.source, sidecar.data_year] = read_load(sidecar, real_data)
    return found


def test_shapes(loads):
    found = {key: (len(load.cells), len(load.header)) for key, load in loads.items()}
    assert {key: found[key] for key in SHAPES} == SHAPES


def test_cells_keep_text_and_address(loads):
    for (source, year, row, col), text in CELLS.items():
        cells = loads[source, year].cells
        assert cells.loc[(cells["row_no"] == row) & (cells["col_no"] == col), "text"].tolist() == [text], (
            source,
            row,
            col,
        )


def test_header_paths(loads):
    for (year, col), path in PATHS.items():
        header = loads["yearbook_wide", year].header
        assert header.loc[header["col_no"] == col, "path"].tolist() == [path]


def test_yearbook_rows_are_title_header_and_body_only(loads):
    for year, first_body, last in ((2018, 7, 331), (2019, 6, 329), (2020, 7, 330)):
        cells = loads["yearbook_wide", year].cells
        body = cells.loc[cells["part"] == "body", "row_no"]
        assert (body.min(), body.max()) == (first_body, last)
        assert set(cells["part"]) == {"title", "header", "body"}
        assert set(cells["sheet"]) == {"Data" if year == 2018 else "Sheet1"}  # the advertising sheet is left out


def test_remarks_of_the_seller_are_notes(loads):
    cells = loads["gdp_revised", 0].cells
    assert set(cells.loc[cells["part"] == "note", "row_no"]) == {19, 7101, 7108}


def test_code_and_year_of_long_files(loads):
    header, cells = loads["pku_dfi", 0].header, loads["pku_dfi", 0].cells
    role = dict(zip(header["role"], header["col_no"], strict=True))
    code = cells[(cells["col_no"] == role["code"]) & (cells["part"] == "body")]
    assert code["text"].str.fullmatch(r"\d{4}").all()
    years = cells.loc[(cells["col_no"] == role["year"]) & (cells["part"] == "body"), "text"]
    assert set(years) == {str(year) for year in range(2011, 2024)}


def test_header_map_is_explicit_and_consistent():
    rows = _seed("header_map")
    keys = [(row["source"], row["year_from"], row["year_to"], row["header_key"]) for row in rows]
    assert len(set(keys)) == len(keys)
    units = {row["symbol"]: row["canonical"] for row in _seed("unit")}
    variables = {row["variable_code"]: row["unit"] for row in _seed("variable")}
    for row in rows:
        assert row["scope"] in ("city", "district", "built_up"), row
        if row["variable_code"] == "ignore":
            assert row["reason"], row
        else:
            assert units[row["unit"]] == variables[row["variable_code"]], row


def test_units_and_qualifiers_do_not_overlap_except_for_the_base_of_an_index():
    units, qualifiers = (
        {row["symbol"] for row in _seed("unit")},
        {row["qualifier"] for row in _seed("header_qualifier")},
    )
    assert units & qualifiers == {"上年=100"}
    assert len(units) == len(_seed("unit"))


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
