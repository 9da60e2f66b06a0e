"""Workbook, Stata panel, rows: what goes in can be read back by other programs."""

import dataclasses
import io
import zipfile

import duckdb
import pandas as pd
import pytest
from promised_marts import insert
from python_calamine import CalamineWorkbook

from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.paper.city_panel import CityPanel, read_panel
from dagster_project.publish.paper.excel import to_excel
from dagster_project.publish.paper.plain import rows_as
from dagster_project.publish.paper.stata import to_stata

PANEL = CityPanel(
    pd.DataFrame(
        {
            "city_id": ["CN1", "CN2"],
            "name_zh": ["北京市", "=cmd|'/c calc'!A1"],
            "year": [2012, 2012],
            "group_core": pd.array([2, None], dtype="Int8"),
            "q2": [1.5, float("nan")],
        }
    ),
    {"city_id": "City", "name_zh": "Name", "year": "Year", "group_core": "Group: core", "q2": "GDP " * 30},
    {"q2": "yuan of 2012"},
    {"group_core": {1: "Peripheral city", 2: "Core city"}},
)


def test_stata_reads_back_figures_labels_units_and_groups(scope):
    with pd.io.stata.StataReader(io.BytesIO(to_stata(PANEL, scope)), convert_categoricals=False) as reader:
        frame = reader.read()
        labels, words = reader.variable_labels(), reader.value_labels()
        assert reader.data_label.startswith("SYNTHETIC demo data")
    assert frame["name_zh"].tolist() == PANEL.frame["name_zh"].tolist()
    assert frame["q2"].tolist()[0] == 1.5
    assert frame[["q2", "group_core"]].iloc[1].isna().all()
    assert words["group_core"] == {1: "Peripheral city", 2: "Core city"}
    assert labels["q2"].endswith("(yuan of 2012)")
    assert len(labels["q2"]) == 80


def test_stata_is_written_as_format_118(scope):
    assert to_stata(PANEL, scope).startswith(b"<stata_dta><header><release>118</release>")


def test_the_same_release_gives_the_same_stata_file(scope):
    assert to_stata(PANEL, scope) == to_stata(PANEL, scope)


def test_a_name_that_stata_cannot_hold_is_refused_and_not_cut(scope):
    long = dataclasses.replace(PANEL, frame=PANEL.frame.rename(columns={"q2": "a" * 33}))
    with pytest.raises(ExportError, match=r"too long: a{33}\."):
        to_stata(long, scope)


@pytest.fixture
def book(empty, reader) -> bytes:
    insert(empty, "mart_source_load", source="yearbook", data_year=2012, title='=HYPERLINK("x")', is_synthetic=True)
    insert(empty, "dim_keyword", dict_version="v1", term="@SUM(A1)", is_active=False)
    empty.execute("create table mart.mart_large as select range as n from range(6000)")
    return to_excel(reader(), PANEL)


def sheet(book: bytes, name: str) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name(name).to_python()


def test_the_workbook_has_data_dictionary_and_sources(book):
    names = CalamineWorkbook.from_filelike(io.BytesIO(book)).sheet_names
    assert names[:2] == ["about", "panel"]
    assert names[-2:] == ["dictionary", "sources"]
    assert "dim_keyword" in names
    assert sheet(book, "panel")[1] == ["CN1", "北京市", 2012.0, 2.0, 1.5]
    assert sheet(book, "panel")[2][3:] == ["", ""]


def test_text_that_looks_like_a_formula_stays_text(book):
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
        styles = parts.read("xl/styles.xml").decode()
    assert not [text for text in sheets if "<f>" in text]
    assert 'quotePrefix="1"' in styles
    assert "=cmd|'/c calc'!A1" in sheet(book, "panel")[2]
    assert '=HYPERLINK("x")' in sheet(book, "sources")[1]
    assert "@SUM(A1)" in sheet(book, "dim_keyword")[1]


def test_the_first_sheet_marks_synthetic_data_and_says_what_is_left_out_and_why(book):
    about = dict(row for row in sheet(book, "about"))
    assert about["SYNTHETIC"].startswith("SYNTHETIC")
    assert about["mart_large"] == "6000 rows, left out: above 5000 rows; use Parquet or CSV"
    assert about["mart_panel_fit"] == "0 rows, no rows in this release"
    assert about["dim_keyword"] == "1 rows, in this workbook"


def test_the_dictionary_says_what_each_column_of_the_panel_is(book):
    found = {row[1]: row[3] for row in sheet(book, "dictionary") if row[0] == "panel"}
    assert list(found) == list(PANEL.frame.columns)
    assert found["group_core"] == "Group: core. Unit: 1 Peripheral city; 2 Core city."


def test_the_panel_joins_groups_by_their_years_and_scores_by_index(empty, reader, scope):
    key = {"city_id": "c1", "basis": scope.basis, "weight_scheme": scope.scheme}
    insert(empty, "dim_city", city_id="c1", name_en="Hefei")
    insert(empty, "dim_model_spec", model_id="nqpf_sdm", x_codes=["pr"])
    for index, year, score in (("nqpf", 2012, 40.0), ("nqpf", 2013, 50.0), ("pr", 2013, 60.0), ("other", 2013, 9.0)):
        insert(
            empty,
            "mart_index_score",
            **key,
            index_code=index,
            spec_code=index,
            year=year,
            score=score / 100,
            score_100=score,
        )
    insert(
        empty,
        "mart_indicator_value",
        city_id="c1",
        year=2013,
        indicator_code="q2_gdp",
        index_code="nqpf",
        basis=scope.basis,
        value_raw=7.0,
    )
    insert(empty, "dim_indicator", index_code="nqpf", indicator_code="q2_gdp", name_en="GDP", unit="yuan")
    for group, first, last in (("periphery", 0, 2012), ("core", 2013, None)):
        insert(
            empty,
            "dim_group_membership",
            city_id="c1",
            scheme="core",
            valid_from=first,
            valid_to=last,
            group_code=group,
            group_name_en=group.capitalize(),
        )
    panel = read_panel(reader())
    assert panel.frame["year"].tolist() == [2012, 2013]
    assert [panel.values["group_core"][code] for code in panel.frame["group_core"]] == ["Periphery", "Core"]
    assert panel.frame["score_nqpf"].tolist() == [40.0, 50.0]
    assert panel.frame["score_pr"].tolist()[1] == 60.0
    assert "score_other" not in panel.frame
    assert panel.frame["q2_gdp"].tolist()[1] == 7.0
    assert (panel.labels["q2_gdp"], panel.units["q2_gdp"]) == ("GDP", "yuan")


def test_rows_keep_their_types_in_parquet_and_their_digits_in_csv(tmp_path, reader, cities):
    file = tmp_path / "it's.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("create schema mart")
        con.execute(cities)
        con.execute(
            "create table mart.t as select * from (values (1, 0.1 + 0.2::double, ['a', '北']), (null, 1.0, []))"
            " as t (n, x, names)"
        )
    target = tmp_path / "t.parquet"
    target.write_bytes(rows_as(file, reader(), "from mart.t where x < $last", "parquet"))
    assert duckdb.sql(f"select typeof(n), typeof(names), n from '{target}'").fetchall()[0] == (
        "INTEGER",
        "VARCHAR[]",
        1,
    )
    assert rows_as(file, reader(), "from mart.t", "csv").decode().splitlines()[0] == "n,x,names"
