"""The header map of the yearbook against editions that nobody has seen: other wording, the other layout."""

import csv

import pytest

from dagster_project.paths import PROJECT
from expectations.suggest import HeaderMap

SEEDS = PROJECT / "dbt" / "seeds"
LAYOUTS = ("yearbook_wide", "yearbook_tables")
# headers as later editions may word them -> the variable that a person means
WORDINGS = {
    "对外经济贸易(全市)/当年实际使用外资金额": ("fdi_usd", "city"),
    "对外经济贸易/当年实际使用外资/市辖区": ("fdi_usd", "district"),
    "地方一般公共预算收支状况(市辖区)/一般公共预算收入": ("fiscal_revenue", "district"),
    "年末金融机构存贷款余额/金融机构本外币各项贷款余额/全市": ("loans_balance_nom", "city"),
    "社会消费品零售总额及限额以上批发零售业情况/社会消费品零售总额/全市": ("retail_sales_nom", "city"),
    "劳动力就业及收入状况(全市)/城镇非私营单位就业人员工资总额/全市": ("wage_bill_urban_units", "city"),
    "人口数/常住人口/城镇人口/市辖区": ("population_urban", "district"),
    "市政公用事业(市辖区)/年末实有道路面积": ("road_area", "district"),
    "按行业分组的年末城镇非私营单位就业人员(一)/(2)制造业/全市": ("emp_sector_manufacturing", "city"),
    "按行业分组的年末城镇单位就业人员(七)/(12)卫生和社会工作/市辖区": ("emp_sector_health", "district"),
    "学生数(二)/普通中学/全市": ("secondary_students", "city"),
    "行政区域土地面积及建成区面积/行政区域土地面积/市辖区": ("area_km2", "district"),
    "劳动力就业状况/城镇私营和个体就业人员/全市": ("emp_private_self", "city"),
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (SEEDS / "header_map.csv").open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["source"] in LAYOUTS]


@pytest.fixture(scope="module")
def known() -> HeaderMap:
    return HeaderMap(SEEDS)


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("header", WORDINGS)
def test_new_wording_is_proposed_as_what_it_means(known: HeaderMap, source: str, header: str) -> None:
    (row,) = csv.reader([known.hint(source, header, None).ready_row])
    assert (row[3], *row[4:6]) == (header, *WORDINGS[header])


def test_a_header_means_the_same_in_both_layouts(rows: list[dict[str, str]]) -> None:
    """One yearbook: what one layout prints the other may print in a later edition."""
    fields = ("year_from", "year_to", "header_key", "variable_code", "scope")
    wide, tables = ({tuple(row[f] for f in fields) for row in rows if row["source"] == s} for s in LAYOUTS)
    shared = {row[2] for row in wide} & {row[2] for row in tables}
    assert {row for row in wide if row[2] in shared} == {row for row in tables if row[2] in shared}
    alone = {row for row in wide | tables if row[2] not in shared}
    assert {row[3] for row in alone} == {"ignore", "emp_sector_finance"}  # other places; a scope that was misread
    assert len(alone) < 20


def test_students_counted_in_ten_thousands_under_persons_are_left_out(rows: list[dict[str, str]]) -> None:
    """Editions of 2018 and 2019; the next one prints 万人 itself."""
    of_students = [row for row in rows if row["header_key"].endswith(("普通中学/全市", "普通中学/市辖区"))]
    of_students = [row for row in of_students if row["header_key"].startswith("在校学生数")]
    read = [row for row in of_students if row["variable_code"] != "ignore"]
    assert {(row["variable_code"], row["year_from"], row["unit"]) for row in read} == {
        ("secondary_students", "2020", "万人")
    }
    for row in of_students:
        if row["variable_code"] == "ignore":
            assert "ten thousands" in row["reason"]
