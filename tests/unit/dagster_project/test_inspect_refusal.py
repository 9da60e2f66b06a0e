"""Which figures a finding of the gate takes out of the reading, and which it leaves in."""

import pandas as pd
import pytest

from dagster_project.inspect.judge import Judgement
from dagster_project.inspect.refusal import in_printed_order, placed, refuse
from expectations.contract import Baseline, Frames, ResultRow
from expectations.findings import findings_frame

BASELINE = Baseline("book", 2020, 1, 400, (), 0.0, 1.0)
CITIES = ("北京市", "天津市", "上海市")
COLUMNS = {"C": ("gdp_nom", "city"), "D": ("gdp_nom", "district"), "E": ("road_area", "city")}


def values() -> pd.DataFrame:
    rows = [
        {
            "city_name": city,
            "year": 2020,
            "variable_code": code,
            "scope": scope,
            "value": float(at),
            "text": str(at),
            "unit": "km2" if code == "road_area" else "yuan10k",
            "file": "f.xlsx",
            "sheet": "S",
            "cell": f"{letter}{at}",
        }
        for at, city in enumerate(CITIES, start=9)
        for letter, (code, scope) in COLUMNS.items()
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1)  # a database gives rows in any order


def headers() -> pd.DataFrame:
    paths = [f"2-1 表 / {code} / {scope}" for code, scope in COLUMNS.values()]
    return pd.DataFrame({"file": "f.xlsx", "sheet": "S", "col_no": [3, 4, 5], "header_path": paths})


def judgement(suite: str, *details: dict[str, object], severity: str = "error") -> Judgement:
    result = ResultRow("the_rule", suite, severity, False, 9, len(details), "", "what is wrong", list(details))
    frames = Frames({"values": values(), "headers": headers(), "rows": pd.DataFrame()})
    return Judgement(frames, [result], findings_frame([result], BASELINE), BASELINE)


def withheld(one: Judgement) -> set[str]:
    return set(one.values.loc[refuse(one).is_withheld, "cell"])


def test_finding_about_a_block_takes_its_whole_column_and_no_other():
    one = judgement(
        "blocks",
        {
            "block": "gdp_nom/city/2020",
            "variable_code": "gdp_nom",
            "scope": "city",
            "year": 2020,
            "cell": "C10",
            "paste_rows": "a\nb",
        },
    )
    assert withheld(one) == {"C9", "C10", "C11"}
    (block,) = refuse(one).blocks
    assert (block["table"], block["headers"]) == ("2-1 表", ["2-1 表 / gdp_nom / city"])
    assert (block["cities"], block["cells"]) == (list(CITIES), ["C9", "C10", "C11"])  # in printed order
    assert (block["figures"], block["is_whole_column"]) == ([9.0, 10.0, 11.0], True)
    assert (block["reason"], block["ready_rows"]) == ("what is wrong", ["a", "b"])


def test_block_of_another_year_takes_nothing():
    one = judgement("blocks", {"block": "gdp_nom/city/2019", "variable_code": "gdp_nom", "scope": "city", "year": 2019})
    assert withheld(one) == set()
    assert refuse(one).rules == frozenset()  # so it is told as a problem of the load


def test_finding_about_a_header_takes_its_column():
    one = judgement("headers", {"file": "f.xlsx", "sheet": "S", "header_path": "2-1 表 / gdp_nom / district"})
    assert withheld(one) == {"D9", "D10", "D11"}


def test_finding_about_a_row_takes_all_figures_of_the_row():
    assert withheld(judgement("rows", {"file": "f.xlsx", "sheet": "S", "cell": "A10"})) == {"C10", "D10", "E10"}


def test_finding_about_a_cell_takes_that_cell():
    one = judgement("others", {"file": "f.xlsx", "sheet": "S", "cell": "E9"})
    assert withheld(one) == {"E9"}
    (block,) = refuse(one).blocks
    assert not block["is_whole_column"]
    assert (block["raw_column"], block["unit"], block["figures"]) == ("road_area", "m2", [9e6])


@pytest.mark.parametrize("suite", ["blocks", "headers", "rows", "others"])
def test_warning_takes_nothing(suite):
    detail = {
        "block": "gdp_nom/city/2020",
        "variable_code": "gdp_nom",
        "scope": "city",
        "year": 2020,
        "file": "f.xlsx",
        "sheet": "S",
        "cell": "C9",
        "header_path": "2-1 表 / gdp_nom / city",
    }
    one = judgement(suite, detail, severity="warn")
    assert withheld(one) == set()
    assert refuse(one).blocks == []


def test_figure_that_is_no_number_is_shown_as_it_is_printed():
    one = judgement("others", {"file": "f.xlsx", "sheet": "S", "cell": "C9"})
    one.frames["values"].loc[one.values["cell"] == "C9", ["value", "text"]] = [float("nan"), "II"]
    assert refuse(one).blocks[0]["figures"] == ["II"]


def test_printed_order_is_by_rows_then_columns():
    frame = placed(pd.DataFrame({"file": "f", "sheet": "S", "cell": ["AA9", "C10", "C9", "D9"]}))
    assert in_printed_order(frame)["cell"].tolist() == ["C9", "D9", "AA9", "C10"]
