"""One table in every format that circulates, wide and long, landed by its sidecar alone."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from old_excel import write_xls
from reading import Reading, header_rows, variables

from dagster_project.ingest import IngestError, Load, read_load

type Rows = list[list[object]]
LONG: Rows = [
    ["城市", "年份", "地区生产总值（亿元）", "户数"],
    ["北京市", 2018, 33105.97, 12345678],
    ["北京市", 2019, 35371.3, None],
    ["吉林市", 2018, 0.1, 17],
]
WIDE: Rows = [
    ["2019年数据", None, "2-1 人口", None],
    ["城市", "City", "户籍人口（万人）", None],
    [None, None, "全市", "市辖区"],
    ["北京市", "Beijing", 1397, 1397.5],
    ["吉林省", "Jilin", None, None],
    ["吉林市", "Jilin", 412.25, "…"],
]
FLAT: Rows = [
    ["城市", "City", "人口（万人）", "用电量"],
    ["北京市", "Beijing", "1397", "1,234"],
    ["吉林市", "Jilin", "412.25", "—"],
]
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16"]


def write_csv(encoding: str, delimiter: str = ",") -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        lines = [delimiter.join("" if value is None else str(value) for value in row) for row in rows]
        path.write_bytes("\r\n".join(lines).encode(encoding))

    return write


def write_xlsx_rows(path: Path, rows: Rows) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for row, values in enumerate(rows):
            sheet.write_row(row, 0, values)


def write_xls_rows(path: Path, rows: Rows) -> None:
    write_xls(path, {"S": (rows, [])})


def write_dta(path: Path, rows: Rows) -> None:
    frame = pd.DataFrame(rows[1:], columns=["city", "year", "gdp", "households"])
    frame.to_stata(path, write_index=False, version=118)


WRITERS = {
    **{f"csv {encoding}": ("csv", write_csv(encoding)) for encoding in ENCODINGS},
    "csv tab": ("csv", write_csv("utf-8", "\t")),
    "csv semicolon": ("csv", write_csv("utf-8", ";")),
    "xlsx": ("xlsx", write_xlsx_rows),
    "xls": ("xls", write_xls_rows),
}


def grid(load: Load) -> list[tuple[int, int, str, str]]:
    """Cells as (row, column, part, text)."""
    return [tuple(row) for row in load.cells[["row_no", "col_no", "part", "text"]].itertuples(index=False)]


def long(city: str = "city", year: str = "year") -> dict[str, object]:
    return {"layout": "long", "data_year": None, "edition_year": None, "keys": {"city": city, "year": year}}


@pytest.mark.parametrize("name", [*WRITERS, "dta"])
def test_a_long_table_is_the_same_in_every_format(tmp_path, sidecar_of, name):
    ending, write = WRITERS.get(name, ("dta", write_dta))
    write(tmp_path / f"a.{ending}", LONG)
    keys = long() if name == "dta" else long("城市", "年份")
    load = read_load(sidecar_of(f"a.{ending}", **keys), tmp_path)
    body = [(row, col, text) for row, col, part, text in grid(load) if part == "body"]
    assert body == [
        *[(2, 1, "北京市"), (2, 2, "2018"), (2, 3, "33105.97"), (2, 4, "12345678")],
        *[(3, 1, "北京市"), (3, 2, "2019"), (3, 3, "35371.3")],
        *[(4, 1, "吉林市"), (4, 2, "2018"), (4, 3, "0.1"), (4, 4, "17")],
    ]
    assert load.header["role"].tolist() == ["city", "year", "value", "value"]
    assert load.header["path"].tolist() == (["city", "year", "gdp", "households"] if name == "dta" else LONG[0])


@pytest.mark.parametrize("name", [*WRITERS])
def test_a_printed_table_is_the_same_in_every_format(tmp_path, sidecar_of, name):
    """Without merged ranges: a csv file has none."""
    ending, write = WRITERS[name]
    write(tmp_path / f"a.{ending}", WIDE)
    load = read_load(sidecar_of(f"a.{ending}"), tmp_path)
    scopes = [f"2-1 人口 / 户籍人口（万人） / {scope}" for scope in ("全市", "市辖区")]
    assert load.header["path"].tolist()[2:] == scopes
    body = [(row, col, text) for row, col, part, text in grid(load) if part == "body" and col > 2]
    assert body == [(4, 3, "1397"), (4, 4, "1397.5"), (6, 3, "412.25"), (6, 4, "…")]


def test_merged_ranges_of_an_old_workbook_are_undone(tmp_path, sidecar_of):
    rows = [["城市", "City", "人口", None], [None, None, "全市", "市辖区"], ["北京市", "Beijing", 1, 2]]
    write_xls(tmp_path / "a.xls", {"S": (rows, [(0, 1, 0, 0), (0, 1, 1, 1), (0, 0, 2, 3)]), "广告": ([["搜索"]], [])})
    load = read_load(sidecar_of("a.xls"), tmp_path)
    assert load.header["path"].tolist() == ["城市", "City", "人口 / 全市", "人口 / 市辖区"]
    assert set(load.cells["sheet"]) == {"S"}


def test_a_flat_printed_table_without_a_header_block(tmp_path, sidecar_of):
    """One row a city under one line of names."""
    frame = pd.DataFrame(FLAT[1:], columns=["城市", "City", "人口", "用电量"])
    frame.to_stata(tmp_path / "a.dta", write_index=False, version=118)
    load = read_load(sidecar_of("a.dta"), tmp_path)
    assert load.header["role"].tolist() == ["city", "city_en", "value", "value"]
    assert [text for *_, part, text in grid(load) if part == "body"] == [str(v) for row in FLAT[1:] for v in row]


def test_an_old_stata_file_keeps_its_chinese(tmp_path, sidecar_of):
    """Before release 118 Stata kept the bytes of the writer's code page."""
    name = "呼和浩特市".encode("gb18030").decode("latin-1")
    frame = pd.DataFrame({"city": [name, "plain"], "year": [2018, 2019], "gdp": [1.5, 2.0]})
    frame.to_stata(tmp_path / "a.dta", write_index=False, version=114)
    load = read_load(sidecar_of("a.dta", **long()), tmp_path)
    cities = [text for _, col, part, text in grid(load) if part == "body" and col == 1]
    assert cities == ["呼和浩特市", "plain"]


def test_a_new_tidy_source_needs_a_sidecar_and_map_rows_but_no_code(tmp_path, sidecar_of):
    """From a source nobody has seen to values in canonical units."""
    write_xlsx_rows(tmp_path / "a.xlsx", [["地名", "年度", "GDP", "客运量（万人次）"], ["吉林市", 2018, 2210.2, 33.5]])
    load = read_load(sidecar_of("a.xlsx", source="brand_new", **long("地名", "年度")), tmp_path)
    header_map = header_rows("brand_new", header_key=["gdp", "客运量"], variable_code=["gdp_nom", "passengers"])
    header_map = header_map.assign(scope="city", unit=["亿元", None])
    variable = variables(variable_code=["gdp_nom", "passengers"], unit=["yuan10k", "person_trips"], kind="flow")
    found = Reading().read(load, header_map, variable).sort_values("variable_code")
    assert found[["city", "year", "variable_code", "value", "unit"]].values.tolist() == [
        ["吉林市", 2018, "gdp_nom", 22_102_000.0, "yuan10k"],
        ["吉林市", 2018, "passengers", 335_000.0, "person_trips"],
    ]


@pytest.mark.parametrize("text", ["inf", "-Infinity", "NaN", "1e999", " 2.5E+400 ", "1e-999"])
def test_a_figure_that_is_no_finite_number_is_refused_with_its_cell(tmp_path, sidecar_of, text):
    (tmp_path / "book.csv").write_text(f"city,year,gdp\n北京市,2020,1e3\n天津市,2020,{text}\n", encoding="utf-8")
    with pytest.raises(IngestError) as caught:
        read_load(sidecar_of("book.csv", **long()), tmp_path)
    assert f"'{text.strip()}', which is no number that can be held [book.csv, cell C3]" in str(caught.value)
