"""What `nqpf inspect` guesses, takes out and names."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from text_table import words

from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.guess import GuessError, guess_shape, guess_year, year_of_name, year_of_titles
from dagster_project.inspect.judge import Judgement
from dagster_project.inspect.names import OTHER_UNITS, RAW_COLUMNS, UNITS, raw_column, unit_of
from dagster_project.inspect.refusal import in_printed_order, placed, refuse
from dagster_project.paths import PROJECT
from expectations.contract import Baseline, Frames, ResultRow
from expectations.findings import findings_frame

SIDECARS = PROJECT / "warehouse" / "landing"
NOWHERE = Path("/data/x")


def year_of(guess):
    return guess and guess.data_year


@pytest.mark.parametrize(
    ("titles", "year"),
    [
        (["中国2018年地级以上城市数据", "2-1 人口数"], 2018),
        (["2-6 地区生产总值（2022年）"], 2022),
        (["中国城市统计年鉴2019"], 2018),
        (["中国城市统计年鉴—2023", "2022年地级以上城市数据"], 2022),
        (["China City Statistical Yearbook 2021"], 2020),
        (["中国2022年地级以上城市数据", "指数（2020年不变价）"], 2022),
        ([], None),
        (["2-1 人口数"], None),
        (["2020年人口", "2021年人口"], None),
        (["单位：2000元"], None),
    ],
)
def test_title_says_the_statistical_year_or_nothing(titles, year):
    assert year_of(year_of_titles(titles)) == year


@pytest.mark.parametrize(
    ("path", "year"),
    [
        ("china_city_statistical_yearbook_2019_prefecture.xlsx", 2018),
        ("中国城市统计年鉴2023.xlsx", 2022),
        ("2021_2021-2-18.xlsx", 2020),
        ("yearbook_tables/2024/2、地级以上城市统计资料/2-1_人口数.xlsx", 2023),
        ("2022年数据.xlsx", 2022),
        ("2022.xlsx", None),
        ("book.xlsx", None),
        ("yearbook_2019_2020.xlsx", None),
        ("2022/gdp.xlsx", None),
    ],
)
def test_name_says_edition_or_year_and_bare_numbers_are_not_believed(path, year):
    """2022 may be the edition or the statistical year: a year off would be read wrong without a trace."""
    assert year_of(year_of_name(NOWHERE / path)) == year


@pytest.mark.parametrize(
    ("name", "titles", "says"),
    [
        ("2022.xlsx", ["2-1 人口数"], r"^Neither the title nor the file name .*the name holds 2022.* with --year\.$"),
        ("yearbook_2021.xlsx", ["中国2018年城市数据"], "The title speaks of 2018, the name of 2020"),
    ],
)
def test_year_that_cannot_be_told_is_asked_for_in_one_sentence(name, titles, says):
    with pytest.raises(GuessError, match=says):
        guess_year(NOWHERE / name, titles, year=None, has_years=False)


def test_given_year_is_used_and_a_title_that_contradicts_it_is_named():
    found = guess_year(NOWHERE / "x.xlsx", ["中国2018年城市数据"], year=2019, has_years=False)
    assert found.data_year == 2019
    assert "says statistical year 2018" in found.contradiction
    assert guess_year(NOWHERE / "yearbook_2019.xlsx", [], year=2019, has_years=False).contradiction == ""
    assert guess_year(NOWHERE / "x.csv", [], year=2019, has_years=True).data_year == 0  # a column of years decides


def shape(tmp_path: Path, text: str, **asked: str | None):
    file = tmp_path / "x.csv"
    file.write_text(text, encoding="utf-8")
    return guess_shape(read_sheets(file), SIDECARS, **{"layout": None, "source": None, **asked})


PRINTED = "2-1 人口数,\n城市,常住人口\n上海市,2488\n"


@pytest.mark.parametrize(
    ("text", "layout", "keys"),
    [
        (
            "省份,城市,年份,名义GDP,GDP指数\n上海市,上海市,2020,1,2\n",
            "long",
            {"city": "城市", "year": "年份", "province": "省份"},
        ),
        ("城市,地区生产总值（亿元）\n上海市,38700\n", "long", {"city": "城市"}),
        (PRINTED, "tables", {}),
    ],
)
def test_layout_and_keys_are_told_from_the_first_rows(tmp_path, text, layout, keys):
    found = shape(tmp_path, text)
    assert (found.layout, dict(found.keys), found.has_years) == (layout, keys, "year" in keys)


def test_layout_that_is_asked_for_wins_if_it_can(tmp_path):
    assert shape(tmp_path, PRINTED, layout="wide").layout == "wide"
    with pytest.raises(GuessError, match="No sheet has a column of cities in row 1"):
        shape(tmp_path, PRINTED, layout="long")


@pytest.fixture(scope="module")
def variables():
    with (PROJECT / "dbt" / "seeds" / "variable.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_difference_is_about_a_variable_of_the_house_and_no_two_share_a_name(variables):
    assert {*RAW_COLUMNS, *OTHER_UNITS} <= {row["variable_code"] for row in variables}
    names = [raw_column(row["variable_code"]) for row in variables]
    assert len(set(names)) == len(names)


MONEY = words("""
    gdp_nom va_primary_nom va_secondary_nom va_tertiary_nom fiscal_expenditure fiscal_education fiscal_science
    fiscal_revenue telecom_revenue retail_sales loans_balance wage_bill_urban_units
""")
PEOPLE = words("""
    population_resident population_registered population_urban he_students secondary_students emp_urban_units
    emp_private_self emp_mining emp_health
""")
OTHERS = {"electricity_total": ("10k kWh", 1.0), "built_up_area": ("km2", 1.0), "area_km2": ("km2", 1.0)}
OTHERS |= {"road_area": ("m2", 1e6), "fdi_usd": ("10k US dollars", 1.0), "industrial_so2": ("t", 1.0)}
OTHERS |= {"pm25_popw": ("ug/m3", 1.0)}


def test_money_people_energy_and_area_have_the_units_of_the_list(variables):
    units = {raw_column(row["variable_code"]): unit_of(row["variable_code"], row["unit"]) for row in variables}
    expected = dict.fromkeys(MONEY, ("10k yuan", 1.0)) | dict.fromkeys(PEOPLE, ("persons", 1.0)) | OTHERS
    assert {name: units[name] for name in expected} == expected
    assert unit_of("something_new", "parsec") == ("parsec", 1.0)  # what the list lacks keeps its code
    assert "parsec" not in UNITS


BASELINE = Baseline("book", 2020, 1, 400, (), 0.0, 1.0)
CITIES = ("北京市", "天津市", "上海市")
COLUMNS = {"C": ("gdp_nom", "city"), "D": ("gdp_nom", "district"), "E": ("road_area", "city")}


def values() -> pd.DataFrame:
    rows = [
        (city, code, scope, float(at), str(at), "km2" if code == "road_area" else "yuan10k", f"{letter}{at}")
        for at, city in enumerate(CITIES, start=9)
        for letter, (code, scope) in COLUMNS.items()
    ]
    frame = pd.DataFrame(rows, columns=words("city_name variable_code scope value text unit cell"))
    frame = frame.assign(year=2020, file="f.xlsx", sheet="S")
    return frame.sample(frac=1, random_state=1)  # a database gives rows in any order


def headers() -> pd.DataFrame:
    paths = [f"2-1 表 / {code} / {scope}" for code, scope in COLUMNS.values()]
    return pd.DataFrame({"file": "f.xlsx", "sheet": "S", "col_no": [3, 4, 5], "header_path": paths})


def judgement(suite: str, *details: dict[str, object], severity: str = "error") -> Judgement:
    result = ResultRow("the_rule", suite, severity, False, 9, len(details), "", "what is wrong", list(details))
    frames = Frames({"values": values(), "headers": headers(), "rows": pd.DataFrame()})
    return Judgement(frames, [result], findings_frame([result], BASELINE), BASELINE)


def withheld(one: Judgement) -> set[str]:
    return set(one.values.loc[refuse(one).is_withheld, "cell"])


PLACE = {"file": "f.xlsx", "sheet": "S"}
BLOCK = {"block": "gdp_nom/city/2020", "variable_code": "gdp_nom", "scope": "city", "year": 2020}


@pytest.mark.parametrize(
    ("suite", "detail", "cells"),
    [
        ("blocks", BLOCK, {"C9", "C10", "C11"}),
        ("headers", {**PLACE, "header_path": "2-1 表 / gdp_nom / district"}, {"D9", "D10", "D11"}),
        ("rows", {**PLACE, "cell": "A10"}, {"C10", "D10", "E10"}),
        ("others", {**PLACE, "cell": "E9"}, {"E9"}),
    ],
)
def test_a_finding_takes_its_column_its_row_or_its_cell_and_a_warning_takes_nothing(suite, detail, cells):
    assert withheld(judgement(suite, detail)) == cells
    mild = judgement(suite, {**BLOCK, **PLACE, "cell": "C9", **detail}, severity="warn")
    assert withheld(mild) == set()
    assert refuse(mild).blocks == []


def test_figures_of_a_block_are_named_in_printed_order_and_another_year_takes_nothing():
    one = judgement("blocks", {**BLOCK, "cell": "C10", "paste_rows": "a\nb"})
    (block,) = refuse(one).blocks
    assert (block["table"], block["headers"]) == ("2-1 表", ["2-1 表 / gdp_nom / city"])
    assert (block["cities"], block["cells"]) == (list(CITIES), ["C9", "C10", "C11"])  # in printed order
    assert (block["figures"], block["is_whole_column"]) == ([9.0, 10.0, 11.0], True)
    assert (block["reason"], block["ready_rows"]) == ("what is wrong", ["a", "b"])
    one = judgement("blocks", {**BLOCK, "block": "gdp_nom/city/2019", "year": 2019})
    assert withheld(one) == set()
    assert refuse(one).rules == frozenset()  # so it is told as a problem of the load
    frame = placed(pd.DataFrame({"file": "f", "sheet": "S", "cell": ["AA9", "C10", "C9", "D9"]}))
    assert in_printed_order(frame)["cell"].tolist() == ["C9", "D9", "AA9", "C10"]


def test_a_figure_is_shown_in_the_unit_of_the_list_and_what_is_no_number_as_it_is_printed():
    (block,) = refuse(judgement("others", {**PLACE, "cell": "E9"})).blocks
    assert not block["is_whole_column"]
    assert (block["raw_column"], block["unit"], block["figures"]) == ("road_area", "m2", [9e6])
    one = judgement("others", {**PLACE, "cell": "C9"})
    one.frames["values"].loc[one.values["cell"] == "C9", ["value", "text"]] = [float("nan"), "II"]
    assert refuse(one).blocks[0]["figures"] == ["II"]
