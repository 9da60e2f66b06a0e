"""Workbook, Stata panel, rows: what goes in can be read back by other programs."""

import dataclasses
import io
import zipfile

import duckdb
import pandas as pd
import pytest
from promised_marts import create, insert
from python_calamine import CalamineWorkbook

from dagster_project.publish.citation import Cited
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.paper.city_panel import CityPanel, read_panel
from dagster_project.publish.paper.described import Described, parts
from dagster_project.publish.paper.excel import number_format, table_to_excel, to_excel
from dagster_project.publish.paper.plain import rows_as
from dagster_project.publish.paper.stata import to_stata

FRAME = pd.DataFrame({"city_id": ["CN110000", "CN120000"], "name_zh": ["北京市", "=cmd|'/c calc'!A1"], "year": 2012})
PANEL = CityPanel(
    FRAME.assign(group_core=pd.array([2, None], dtype="Int8"), q2=[1.5, float("nan")]),
    {"city_id": "City", "name_zh": "Name", "year": "Year", "group_core": "Group: core", "q2": "GDP " * 30},
    {"q2": "yuan of 2012"},
    {"group_core": {1: "Peripheral city", 2: "Core city"}},
    {"city_id": "城市", "q2": "人均地区生产总值"},
    {"group_core": {1: "外围城市", 2: "核心城市"}},
)
CITED = Cited("2026.1.0", "2021A", "m1", 2026, is_synthetic=True, sha256="f" * 64)


def labels_of(content: bytes) -> tuple[pd.DataFrame, dict[str, str], dict[str, dict[int, str]]]:
    with pd.io.stata.StataReader(io.BytesIO(content), convert_categoricals=False) as reader:
        assert reader.data_label.startswith("SYNTHETIC demo data")
        return reader.read(), reader.variable_labels(), reader.value_labels()


def test_stata_reads_back_figures_labels_units_and_groups(scope):
    content = to_stata(PANEL, scope)
    assert content.startswith(b"<stata_dta><header><release>118</release>")
    assert content == to_stata(PANEL, scope)
    frame, labels, words = labels_of(content)
    assert frame["name_zh"].tolist() == PANEL.frame["name_zh"].tolist()
    assert frame["city"].tolist() == [110000, 120000]
    assert words["city"] == dict(zip([110000, 120000], PANEL.frame["name_zh"], strict=True))
    assert frame["q2"].tolist()[0] == 1.5
    assert frame[["q2", "group_core"]].iloc[1].isna().all()
    assert words["group_core"] == {1: "Peripheral city", 2: "Core city"}
    assert labels["q2"].endswith("(yuan of 2012)")
    assert len(labels["q2"]) == 80


def test_stata_speaks_chinese_where_there_are_chinese_words(scope):
    _, labels, words = labels_of(to_stata(PANEL, scope, "zh"))
    assert labels["q2"] == "人均地区生产总值 (yuan of 2012)"
    assert labels["year"] == "Year"
    assert words["group_core"] == {1: "外围城市", 2: "核心城市"}


def test_labels_of_stata_are_unique_and_keep_the_words_that_tell_them_apart(scope):
    frame = pd.DataFrame({"city_id": ["CN320500", "CN341300", "CN350100"], "year": 2012})
    frame = frame.assign(name_en=["Suzhou", "Suzhou", "Fuzhou"], province_en=["Jiangsu", "Anhui", "Fujian"])
    title = "Score of New quality productive forces, yearbook indicators with all variants: "
    named = {f"score_{end}": f"{title}dimension {end}" for end in ("new", "quality")} | {"x": "Alike", "y": "Alike"}
    panel = CityPanel(frame.assign(**dict.fromkeys(named, 1.0)), named, dict.fromkeys(named, "points, 0-100"), {})
    content = to_stata(panel, scope)
    _, labels, words = labels_of(content)
    assert words["city"] == {320500: "Suzhou (Jiangsu)", 341300: "Suzhou (Anhui)", 350100: "Fuzhou"}
    assert pd.read_stata(io.BytesIO(content))["city"].tolist() == list(words["city"].values())
    assert labels["score_new"].endswith("variants: dimension new (points)")
    assert labels["score_quality"].endswith("nts: dimension quality (points)")
    assert (labels["x"], labels["y"]) == ("x: Alike (points, 0-100)", "y: Alike (points, 0-100)")
    assert len(set(labels.values())) == len(labels)
    assert max(map(len, labels.values())) == 80


def test_a_name_that_stata_cannot_hold_is_refused_and_not_cut(scope):
    long = dataclasses.replace(PANEL, frame=PANEL.frame.rename(columns={"q2": "a" * 33}))
    with pytest.raises(ExportError, match=r"too long: a{33}\."):
        to_stata(long, scope)


BOOK = """
create schema if not exists easy;
create or replace table easy.ranking as select 2012 as year, 1 as rank_year, 43.55738 as score_100;
comment on table easy.ranking is 'One row per city.';
comment on column easy.ranking.score_100 is 'Score. Unit: points.';
create or replace table easy.gap (year integer);
"""


@pytest.fixture
def book(empty, reader):
    insert(empty, "mart_source_load", source="yearbook", data_year=2012, title='=HYPERLINK("x")', is_synthetic=True)
    empty.execute(BOOK)
    return to_excel(reader(), PANEL, CITED)


def sheet(book: bytes, name: str) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name(name).to_python()


def test_the_workbook_has_what_people_ask_first_with_label_unit_and_name_above_the_figures(book):
    names = CalamineWorkbook.from_filelike(io.BytesIO(book)).sheet_names
    assert names == ["about", "ranking", "panel", "dictionary", "sources"]  # and no empty sheet
    label, unit, name, first, second = sheet(book, "panel")
    assert sorted(name) == sorted(PANEL.frame.columns)
    assert dict(zip(name, label, strict=True))["group_core"] == "Group: core"
    assert dict(zip(name, unit, strict=True))["q2"] == "yuan of 2012"
    printed = {"city_id": "CN110000", "name_zh": "北京市", "year": 2012.0, "group_core": "Core city", "q2": 1.5}
    assert dict(zip(name, first, strict=True)) == printed
    assert second[-2:] == ["", ""]
    assert sheet(book, "ranking")[:2] == [["", "", "Score"], ["", "", "points"]]


def test_text_that_looks_like_a_formula_stays_text_and_sheets_are_laid_out_for_reading(book):
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
        styles = parts.read("xl/styles.xml").decode()
    assert not [text for text in sheets if "<f>" in text]
    assert 'quotePrefix="1"' in styles
    assert "=cmd|'/c calc'!A1" in sheet(book, "panel")[4]
    assert '=HYPERLINK("x")' in sheet(book, "sources")[1]
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        panel = parts.read("xl/worksheets/sheet3.xml").decode()
        about, styles = (parts.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "styles"))
    assert 'ySplit="3"' in panel
    assert "<cols>" in panel
    assert '<autoFilter ref="A3:E5"/>' in panel
    assert "location=\"'panel'!A1\"" in about
    assert 'formatCode="0.0"' in styles


def test_the_first_sheet_marks_synthetic_data_and_the_dictionary_names_each_column(book):
    about = dict(row for row in sheet(book, "about"))
    assert about["SYNTHETIC"].startswith("SYNTHETIC")
    assert about["ranking"] == "1 rows. One row per city."
    assert "sha256 ffffffffffffffff" in about["how to cite (gbt7714)"]
    found = {(row[0], row[1]): row[2:] for row in sheet(book, "dictionary")}
    assert found["ranking", "score_100"] == ["Score", "points"]
    assert found["panel", "q2"][1] == "yuan of 2012"


@pytest.mark.parametrize(
    ("name", "values", "unit", "code"),
    [
        ("year", [2012, 2013], "", "0"),
        ("n", [1200, 3], "", "#,##0"),
        ("score_100", [43.55738, 1.5], "points", "0.0"),
        ("p", [0.00001, 0.5], "", "0.0000"),
        ("se", [0.0213, 0.0298], "", "0.0000"),
        ("density", [1e-7, 2e-9], "", "0.00E+00"),
        ("nothing", [float("nan")], "", "#,##0"),
    ],
)
def test_figures_are_shown_with_the_digits_that_they_need(name, values, unit, code):
    assert number_format(name, pd.Series(values), unit) == code


def test_a_table_alone_brings_its_labels_and_a_comment_is_words_and_unit():
    frame = pd.DataFrame({"year": [2012], "gini": [0.3]})
    own = Described(frame, {"gini": "Gini index"}, {"gini": "1"}, "One row a year.")
    book = table_to_excel(own, "easy.inequality", ["Release r1"])
    assert sheet(book, "inequality") == [["", "Gini index"], ["", "1"], ["year", "gini"], [2012.0, 0.3]]
    assert [row[1] for row in sheet(book, "about")] == ["One row a year.", "Release r1"]
    assert parts("Score; above 100 later. Unit: points (0 to 100).") == ("Score; above 100 later", "points (0 to 100)")
    assert parts("Stable city id.") == ("Stable city id", "")


def test_the_panel_joins_groups_by_their_years_and_scores_by_index(empty, reader):
    insert(empty, "dim_city", city_id="c1", name_en="Hefei")
    insert(empty, "dim_model_spec", model_id="nqpf_sdm", x_codes=["pr"])
    insert(empty, "dim_indicator", indicator_code="q2_gdp", name_en="GDP", unit="yuan")
    insert(empty, "mart_indicator_value", city_id="c1", year=2013, indicator_code="q2_gdp", value_raw=7.0)
    for index, year, score in (("nqpf", 2012, 40.0), ("nqpf", 2013, 50.0), ("pr", 2013, 60.0), ("other", 2013, 9.0)):
        own = {"index_code": index, "spec_code": index, "score": score / 100, "score_100": score}
        insert(empty, "mart_index_score", city_id="c1", year=year, **own)
    for group, first, last in (("periphery", 0, 2012), ("core", 2013, None)):
        own = {"group_code": group, "group_name_en": group.capitalize(), "valid_from": first, "valid_to": last}
        insert(empty, "dim_group_membership", city_id="c1", scheme="core", **own)
    panel = read_panel(reader())
    assert panel.frame["year"].tolist() == [2012, 2013]
    assert [panel.values["group_core"][code] for code in panel.frame["group_core"]] == ["Periphery", "Core"]
    assert panel.frame["score_nqpf"].tolist() == [40.0, 50.0]
    assert panel.frame["score_pr"].tolist()[1] == 60.0
    assert "score_other" not in panel.frame
    assert panel.frame["q2_gdp"].tolist()[1] == 7.0
    assert (panel.labels["q2_gdp"], panel.units["q2_gdp"]) == ("GDP", "yuan")


def test_rows_keep_their_types_in_parquet_and_their_digits_in_csv(tmp_path, reader):
    file, target = tmp_path / "it's.duckdb", tmp_path / "t.parquet"
    with duckdb.connect(str(file)) as con:
        con.execute(f"create schema mart; {create('dim_city')}")
        con.execute(
            "create table mart.t as select * from (values (1, 0.1 + 0.2::double, ['a', '北']), (null, 1.0, []))"
            " as t (n, x, names)"
        )
    target.write_bytes(rows_as(file, reader(), "from mart.t where x < $last", "parquet"))
    found = duckdb.sql(f"select typeof(n), typeof(names), n from '{target}'").fetchall()
    assert found[0] == ("INTEGER", "VARCHAR[]", 1)
    assert rows_as(file, reader(), "from mart.t", "csv").decode().splitlines()[0] == "n,x,names"
