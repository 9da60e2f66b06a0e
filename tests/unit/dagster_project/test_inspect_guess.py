"""What a file without a sidecar probably is, and what is asked for when it cannot be told."""

from pathlib import Path

import pytest

from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.guess import GuessError, guess_shape, guess_year, year_of_name, year_of_titles
from dagster_project.paths import PROJECT

SIDECARS = PROJECT / "warehouse" / "landing"
NOWHERE = Path("/data/x")


@pytest.mark.parametrize(
    ("titles", "year"),
    [
        (["中国2018年地级以上城市数据", "2-1 人口数"], 2018),
        (["2-6 地区生产总值（2022年）"], 2022),
        (["中国城市统计年鉴2019"], 2018),
        (["中国城市统计年鉴—2023", "2022年地级以上城市数据"], 2022),
        (["China City Statistical Yearbook 2021"], 2020),
        (["中国2022年地级以上城市数据", "指数（2020年不变价）"], 2022),
    ],
)
def test_title_says_the_statistical_year(titles, year):
    assert year_of_titles(titles).data_year == year


@pytest.mark.parametrize("titles", [[], ["2-1 人口数"], ["2020年人口", "2021年人口"], ["单位：2000元"]])
def test_titles_without_one_year_say_nothing(titles):
    assert year_of_titles(titles) is None


@pytest.mark.parametrize(
    ("path", "year"),
    [
        ("china_city_statistical_yearbook_2019_prefecture.xlsx", 2018),
        ("中国城市统计年鉴2023.xlsx", 2022),
        ("2021_2021-2-18.xlsx", 2020),
        ("yearbook_tables/2024/2、地级以上城市统计资料/2-1_人口数.xlsx", 2023),
        ("2022年数据.xlsx", 2022),
    ],
)
def test_name_says_edition_or_year(path, year):
    assert year_of_name(NOWHERE / path).data_year == year


@pytest.mark.parametrize("path", ["2022.xlsx", "book.xlsx", "yearbook_2019_2020.xlsx", "2022/gdp.xlsx"])
def test_bare_numbers_are_not_believed(path):
    """2022 may be the edition or the statistical year: a year off would be read wrong without a trace."""
    assert year_of_name(NOWHERE / path) is None


def test_year_that_cannot_be_told_is_asked_for_in_one_sentence():
    with pytest.raises(
        GuessError, match=r"^Neither the title nor the file name .*the name holds 2022.* with --year\.$"
    ):
        guess_year(NOWHERE / "2022.xlsx", ["2-1 人口数"], year=None, has_years=False)


def test_title_and_name_that_contradict_each_other_are_not_believed():
    with pytest.raises(GuessError, match="The title speaks of 2018, the name of 2020"):
        guess_year(NOWHERE / "yearbook_2021.xlsx", ["中国2018年城市数据"], year=None, has_years=False)


def test_given_year_is_used_and_a_title_that_contradicts_it_is_named():
    found = guess_year(NOWHERE / "x.xlsx", ["中国2018年城市数据"], year=2019, has_years=False)
    assert found.data_year == 2019
    assert "says statistical year 2018" in found.contradiction
    assert guess_year(NOWHERE / "yearbook_2019.xlsx", [], year=2019, has_years=False).contradiction == ""


def test_file_with_a_column_of_years_needs_none():
    assert guess_year(NOWHERE / "x.csv", [], year=2019, has_years=True).data_year == 0


def shape(tmp_path: Path, text: str, **asked: str | None):
    file = tmp_path / "x.csv"
    file.write_text(text, encoding="utf-8")
    return guess_shape(read_sheets(file), SIDECARS, **{"layout": None, "source": None, **asked})


def test_keys_of_a_landed_source_are_found(tmp_path):
    found = shape(tmp_path, "省份,城市,年份,名义GDP,GDP指数\n上海市,上海市,2020,1,2\n")
    assert (found.layout, dict(found.keys)) == ("long", {"city": "城市", "year": "年份", "province": "省份"})


def test_one_header_row_over_figures_of_one_year_is_long(tmp_path):
    found = shape(tmp_path, "城市,地区生产总值（亿元）\n上海市,38700\n")
    assert (found.layout, found.has_years) == ("long", False)


def test_printed_table_is_no_long_file(tmp_path):
    found = shape(tmp_path, "2-1 人口数,\n城市,常住人口\n上海市,2488\n")
    assert (found.layout, found.keys) == ("tables", ())


def test_layout_that_is_asked_for_wins_if_it_can(tmp_path):
    printed = "2-1 人口数,\n城市,常住人口\n上海市,2488\n"
    assert shape(tmp_path, printed, layout="wide").layout == "wide"
    with pytest.raises(GuessError, match="No sheet has a column of cities in row 1"):
        shape(tmp_path, printed, layout="long")
