"""Nearest known names: what a person probably meant, with rows that can be pasted as they are."""

import csv

import pandas as pd
import pytest

from expectations.suggest import CityNames, HeaderMap, city_suggestions, header_rows, name_suggestions

HEADER_MAP = """source,year_from,year_to,header_key,variable_code,scope,unit,reason
book,,,财政/教育支出/全市,fiscal_education,city,万元,
book,,,财政/教育支出/市辖区,fiscal_education,district,万元,
book,,,土地/建成区面积/市辖区,built_up_area,built_up,平方公里,
book,,,环境/污水处理率/全市,ignore,city,%,"a rate, not used"
other,,,财政/教育支岀/全市,fiscal_education,city,亿元,
"""
CITY_ALIAS = """alias,city_id,valid_from,valid_to,kind,source,reason
石家庄市,CN130100,,,official,,name
襄阳市,CN420600,,,official,,name
襄樊市,CN420600,,2010,former,,襄阳市 since 2010
黄石市,CN420200,,,official,,name
那曲冇,CN540600,,,ocr,scan,misread
130100,CN130100,,,code,,code
"""


@pytest.fixture
def seeds(tmp_path):
    (tmp_path / "header_map.csv").write_text(HEADER_MAP, encoding="utf-8")
    (tmp_path / "city_alias.csv").write_text(CITY_ALIAS, encoding="utf-8")
    return tmp_path


def fields(row: str) -> list[str]:
    (parsed,) = csv.reader([row])
    return parsed


@pytest.mark.parametrize(
    ("header", "unit", "meaning"),
    [
        ("财政/教育支岀/全市", None, ["fiscal_education", "city", "万元", ""]),  # though `other` knows the very text
        ("财政/教育经费支出/市辖区", "亿元", ["fiscal_education", "district", "亿元", ""]),  # as the header itself says
        ("财政(全市)/教育支出", None, ["fiscal_education", "city", "万元", ""]),
        ("土地/建成区总面积/市辖区", None, ["built_up_area", "built_up", "平方公里", ""]),
        ("环境/污水集中处理率/全市", None, ["ignore", "city", "%", "a rate, not used"]),  # the reason of its neighbour
    ],
)
def test_ready_row_has_variable_scope_unit_and_reason(seeds, header, unit, meaning):
    hint = HeaderMap(seeds).hint("book", header, unit)
    assert fields(hint.ready_row) == ["book", "", "", header, *meaning]


def test_a_new_source_looks_everywhere_and_an_empty_map_still_gives_a_row(seeds):
    hint = HeaderMap(seeds).hint("new", "财政/教育支岀/全市", None)
    assert (hint.nearest, hint.score) == ("财政/教育支岀/全市", 100)
    (seeds / "header_map.csv").write_text(HEADER_MAP.splitlines()[0] + "\n", encoding="utf-8")
    hint = HeaderMap(seeds).hint("book", "财政/教育支出/市辖区", "万元")
    assert (hint.nearest, hint.score) == ("", 0)
    assert fields(hint.ready_row) == ["book", "", "", "财政/教育支出/市辖区", "ignore", "district", "万元", ""]


@pytest.mark.parametrize("word", ["户籍", "年末常住", "年平均"])
def test_a_header_of_another_concept_is_named_and_its_variable_not_offered(seeds, word):
    with (seeds / "header_map.csv").open("a", encoding="utf-8") as stream:
        stream.write("book,,,人口/城镇常住人口/全市,population_urban,city,万人,\n")
    hint = HeaderMap(seeds).hint("book", f"人口/城镇{word}人口/全市", "万人")
    assert (hint.nearest, hint.variable_code) == ("人口/城镇常住人口/全市", "ignore")
    assert fields(hint.ready_row)[4:] == ["ignore", "city", "万人", "another concept than 人口/城镇常住人口/全市"]
    same = HeaderMap(seeds).hint("book", "人口/城镇常住人口数/全市", "万人")
    assert same.variable_code == "population_urban"


def test_new_columns_of_a_table_that_nobody_uses_ask_for_one_row(seeds):
    keys = ["环境/固废产生量/全市", "环境/固废利用量/全市", "财政/教育费/全市"]
    headers = pd.DataFrame({"source": "book", "header_key": keys, "header_unit": None, "is_known": False})
    (_, whole, why), (_, single, _) = header_rows(headers, seeds)
    assert fields(whole) == ["book", "", "", "环境/*", "ignore", "city", "", "a rate, not used"]
    assert why == "every known column of this table is left out"
    assert fields(single)[3:5] == ["财政/教育费/全市", "fiscal_education"]  # the table has a column that is used
    accepted = (seeds / "header_map.csv").read_text(encoding="utf-8") + whole + "\n"
    (seeds / "header_map.csv").write_text(accepted, encoding="utf-8")
    assert HeaderMap(seeds).hint("book", "环境/*x", None).nearest != "环境/*"  # a rule is no name to resemble


def test_unknown_city_gets_three_names_and_a_row_and_one_of_other_years_its_years_alone(seeds):
    hint = CityNames(seeds).hint("scan", "石家店市", 2018)
    assert next(name for name, _ in hint.nearest) == "石家庄市"
    assert len(hint.nearest) == 3
    assert hint.nearest[0][1] == pytest.approx(75.0)
    assert fields(hint.ready_row) == ["石家店市", "CN130100", "2018", "2018", "ocr", "scan", ""]
    # An alias row would make the name valid in a year in which the city was called otherwise
    hint = CityNames(seeds).hint("scan", "襄樊市", 2018)
    assert hint.ready_row == ""
    assert hint.elsewhere == "CN420600 襄阳市, valid ... to 2010"
    with (seeds / "city_alias.csv").open("a", encoding="utf-8") as stream:
        stream.write("黃石市,CN420200,2018,2018,ocr,,misread\n")
    hint = CityNames(seeds).hint("scan", "黃石市", 2019)  # misread again
    assert fields(hint.ready_row) == ["黃石市", "CN420200", "2019", "2019", "ocr", "scan", ""]
    assert hint.elsewhere == "CN420200 黄石市, valid 2018 to 2018"


def test_lines_of_the_gate_name_each_unknown_once(seeds):
    keys = ["财政/教育费/全市"] * 2 + ["财政/教育支出/全市"]
    headers = pd.DataFrame({"header_key": keys, "is_known": [False, False, True]}).assign(
        source="book", header_unit=None
    )
    (line,) = name_suggestions(headers, seeds)
    assert line.startswith("row for header_map.csv: book,,,财政/教育费/全市,fiscal_education,city,万元,")
    rows = pd.DataFrame({"city_text": ["石家店市", "襄樊市", "襄阳市"], "row_kind": ["unknown", "unknown", "city"]})
    first, second = city_suggestions(rows.assign(source="scan", year=2018), seeds)
    assert "石家店市,CN130100,2018,2018,ocr,scan," in first
    assert second == "'襄樊市' is a name of other years: CN420600 襄阳市, valid ... to 2010"


def test_a_header_of_a_dictionary_is_offered_as_what_its_figures_fit_and_never_as_a_likeness(seeds):
    headers = pd.DataFrame(
        {"header_key": ["财政/教育支出/市辖区", "财政/科技支出/全市", "财政/教育费/全市"], "is_known": False}
    )
    headers = headers.assign(
        source="book", data_year=2013, header_unit="万元", verdict=["asked", "asked", "new"],
        words_code=["fiscal_education", "fiscal_science", None], words_scope=["district", "city", None],
        rival_code=["fiscal_science", None, None], rival_scope=["district", None, None], variable_code=None,
    )  # fmt: skip
    rival, unsure, new = ([*fields(row), said] for _, row, said in header_rows(headers, seeds))
    assert rival[3:7] == ["财政/教育支出/市辖区", "fiscal_science", "district", "万元"]
    assert unsure[4:6] == ["fiscal_science", "city"]
    assert new[4] == "ignore"
    assert "fiscal_education" in rival[-1]
    assert "concept_word.csv" in new[-1]
    assert new[-1].endswith("; no column means fiscal_education, which this table has had")
    known = headers.assign(header_key=headers["header_key"].replace("财政/教育支出/市辖区", "财政/教育支出/全市"))
    known.loc[0, ["is_known", "variable_code"]] = [True, "fiscal_education"]
    assert "no column means" not in header_rows(known, seeds)[-1][-1]
