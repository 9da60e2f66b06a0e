"""Header geometry on small printed sheets: merged ranges, scope pairs, province rows, notes, long files."""

import pytest
from text_table import words

from dagster_project.ingest import IngestError, read_load
from dagster_project.ingest.headers import CELL_COLUMNS, HEADER_COLUMNS

BODY = [["北京市", "Beijing", 1, 2], ["河北省", "Hebei"], ["  石家庄市", "Shijiazhuang", 3.5, "II"]]


@pytest.fixture
def load(tmp_path, write_xlsx, sidecar_of):
    """load(rows, merged): the load of one workbook with one sheet S."""

    def run(rows, merged=(), layout="wide", **changes):
        write_xlsx("a.xlsx", {"S": (rows, list(merged))})
        return read_load(sidecar_of("a.xlsx", layout=layout, **changes), tmp_path)

    return run


@pytest.fixture
def load_csv(tmp_path, sidecar_of):
    """load_csv(text): the load of one csv file; long unless said otherwise."""

    def run(text, **changes):
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        long = {"layout": "long", "data_year": None, "edition_year": None, "keys": {"city": "city", "year": "year"}}
        return read_load(sidecar_of("a.csv", **{**long, **changes}), tmp_path)

    return run


def paths(result) -> list[str]:
    return result.header.loc[result.header["role"] == "value", "path"].tolist()


def parts(result) -> dict[int, set[str]]:
    return result.cells.groupby("row_no")["part"].agg(set).to_dict()


def test_frames_have_the_agreed_columns_and_a_header_of_one_row(load):
    result = load([["城市", "City", "a", "b"], *BODY])
    assert result.cells.columns.tolist() == CELL_COLUMNS
    assert result.header.columns.tolist() == HEADER_COLUMNS
    first = result.cells.iloc[0].to_dict()
    assert len(first.pop("vintage")) == 12
    assert first == {
        "source": "yearbook",
        "data_year": 2019,
        "file": "a.xlsx",
        "sheet": "S",
        "row_no": 1,
        "col_no": 1,
        "part": "header",
        "text": "城市",
    }
    assert not result.cells.duplicated(["sheet", "row_no", "col_no"]).any()
    result = load([["城 市", "City", "人口 （万人）", "面积\n(公顷)"], *BODY])
    assert result.header["role"].tolist() == ["city", "city_en", "value", "value"]
    assert result.header["path"].tolist() == ["城 市", "City", "人口 （万人）", "面积 (公顷)"]
    assert parts(result) == {1: {"header"}, 2: {"body"}, 3: {"body"}, 4: {"body"}}
    assert result.cells["text"].tolist()[-4:] == ["  石家庄市", "Shijiazhuang", "3.5", "II"]


CITY = ["城市", "City"]
ONE_ROW = [[None, None, "2-1 甲"], [*CITY, "a", "b", "c"], ["北京市", "Beijing", 1, 2, 3]]
BELOW = [[None, None, None, word] for word in ("其中", "教育", "高等")]
OTHER_TITLE = [["t", None, "2-1 甲", "2-2 乙"], [*CITY, "总数"], [None, None, "全市", "面积"], *BODY]


@pytest.mark.parametrize(
    ("rows", "merged", "expected"),
    [
        # a range carries its text down, and repeats are dropped
        ([[*CITY, "支出"], *BELOW, *BODY], "A1:A4 B1:B4 C1:D1 C2:C4", ["支出", "支出 / 其中 / 教育 / 高等"]),
        ([[*CITY, "支出", "教育"], *[[None] * 4] * 3, *BODY], "A1:A4 B1:B4 C1:C4 D1:D4", ["支出", "教育"]),
        # a lower header is part of its left neighbour, but not of one under another title
        ([[*CITY, "专利"], [None, None, None, "发明"], *BODY], "A1:A2 B1:B2 C1:C2", ["专利", "专利 / 发明"]),
        (OTHER_TITLE, "A1:B1 A2:A3 B2:B3", ["2-1 甲 / 总数 / 全市", "2-2 乙 / 面积"]),
        # a title without a range reaches on, a merged one ends
        (ONE_ROW, "", ["2-1 甲 / a", "2-1 甲 / b", "2-1 甲 / c"]),
        (ONE_ROW, "C1:D1", ["2-1 甲 / a", "2-1 甲 / b", "c"]),
        # an English line is header; a column without one has an empty path
        ([["城市", None, "a"], ["City", None, "b"], ["北京市", None, 1]], "", ["a / b"]),
        ([[*CITY, "a"], *BODY], "", ["a", ""]),
    ],
)
def test_ranges_and_places_of_headers_make_their_paths(load, rows, merged, expected):
    result = load(rows, words(merged))
    assert paths(result) == expected


def test_no_merged_ranges_at_all(load_csv):
    head = "2019,,2-1 人口,,2-2 面积\n城市,City,人口,,面积\n,,全市,市辖区,全市\n"
    text = head + "北京市,Beijing,1,2,3\n河北省,Hebei,,,\n"
    result = load_csv(text, layout="wide", keys=None, data_year=2019)
    assert paths(result) == ["2-1 人口 / 人口 / 全市", "2-1 人口 / 人口 / 市辖区", "2-2 面积 / 面积 / 全市"]


def test_a_unit_note_in_the_right_corner_serves_the_table(load):
    rows = [["2-1 人口"], [None, None, None, "单位：人"], ["城市", "City", "a", "b"], *BODY]
    assert paths(load(rows, ["A1:D1"], layout="tables")) == ["2-1 人口 / 单位：人 / a", "2-1 人口 / 单位：人 / b"]


def test_province_rows_and_empty_cities_stay_in_the_body_and_footnotes_do_not(load):
    notes = [["注：本页数据未含", None, None, None], ["资料来源：统计局"], [None, None, "see page 9"]]
    result = load([["城市", "City", "a", "b"], *BODY, notes[0], ["三沙市", "Sansha"], *notes[1:]])
    assert [row for row, part in parts(result).items() if part == {"note"}] == [5, 7, 8]
    assert parts(result)[6] == {"body"}


def test_roles_of_code_year_and_province_and_cities_without_a_header_are_refused(load):
    rows = [["省份", "城市", "城市代码", "年份", "a"], ["北京市", "北京市", 110000, 2019, 5]]
    assert load(rows).header["role"].tolist() == ["province", "city", "code", "year", "value"]
    assert parts(load([["城市", None, "a"], ["City", None, "b"], ["北京市", None, 1]]))[2] == {"header"}
    with pytest.raises(IngestError, match=r"Column 1 holds cities but no column is headed .*sheet S"):
        load([["名", "a"], *[[f"{name}市", 1] for name in "甲乙丙丁戊"]])


def test_sheets_without_city_are_left_out(tmp_path, write_xlsx, sidecar_of):
    good = ([["城市", "City", "a", "b"], *BODY], [])
    write_xlsx("a.xlsx", {"S": good, "ad": ([["百度搜索"]], []), "empty": ([], []), "head": ([["城市", "a"]], [])})
    assert set(read_load(sidecar_of("a.xlsx"), tmp_path).cells["sheet"]) == {"S"}
    write_xlsx("b.xlsx", {"ad": ([["百度搜索"]], [])})
    with pytest.raises(IngestError, match=r"A sheet without cities \[b.xlsx\]"):
        read_load(sidecar_of("b.xlsx"), tmp_path)


def test_a_repeated_header_is_fine_and_another_one_is_refused(load):
    head = ["城市", "City", "a", "b"]
    result = load([head, *BODY, head, ["天津市", "Tianjin", 1, 2]])
    assert parts(result)[5] == {"header"}
    misread = ["城市", "City", "年末总人口 (万人) Population", "客运量 Passengers"]
    again = ["城市", "City", "年未总人口(万人)", "客运星 Passengerc"]
    assert parts(load([misread, *BODY, again, ["天津市", "Tianjin", 1, 2]]))[5] == {"header"}
    for other in (["城市", "City", "c", "d"], ["城市", "City", "a"], ["城市", "City", "a", "货运量"]):
        with pytest.raises(IngestError, match="A second table with other headers starts in row 5"):
            load([head if len(other) != 3 else [*head, "x", "y"], *BODY, other, ["天津市", "Tianjin", 1, 2]])


def test_the_chinese_names_stand_before_an_english_head(load):
    rows = [[None, "City", "a"], *[[f"{name}市", "x", 1] for name in "甲乙丙丁戊"]]
    assert load(rows).header[["col_no", "role"]].values.tolist()[0] == [1, "city"]


def test_several_table_files_are_one_load(tmp_path, write_xlsx, sidecar_of):
    for name, head in (("1.xlsx", "甲"), ("2.xlsx", "乙")):
        write_xlsx(name, {"S": ([[head], ["城市", "City", "a"], ["北京市", "Beijing", 1]], [])})
    result = read_load(sidecar_of("1.xlsx", "2.xlsx", layout="tables"), tmp_path)
    assert paths(result) == ["甲 / a", "乙 / a"]
    assert result.header["file"].unique().tolist() == ["1.xlsx", "2.xlsx"]
    assert len(result.cells) == 14


def test_long_file_of_many_years_and_of_one_year_of_the_nation(load_csv):
    result = load_csv("year,city,code,gdp\n2012,北京市,110000,17879.4\n2013,北京市,110000,\n")
    roles = dict(zip(result.header["path"], result.header["role"], strict=True))
    assert roles == {"year": "year", "city": "city", "code": "value", "gdp": "value"}
    assert result.cells["data_year"].unique().tolist() == [0]
    assert result.cells["part"].value_counts().to_dict() == {"body": 7, "header": 4}
    result = load_csv("city,robots\n全国,12\n", keys={"city": "city"}, data_year=2019)
    assert result.cells["part"].tolist() == ["header", "header", "body", "body"]


def test_long_file_with_a_missing_or_double_key_or_without_values_is_refused(load_csv):
    with pytest.raises(IngestError, match=r"key column 'city' \(city\) does not exist .* Columns: year, town, gdp"):
        load_csv("year,town,gdp\n2012,北京市,1\n")
    with pytest.raises(IngestError, match="Two columns are headed 'city'"):
        load_csv("year,city,city\n2012,北京市,1\n")
    with pytest.raises(IngestError, match="No column holds values"):
        load_csv("city,year\n北京市,2012\n")


def test_long_remarks_below_and_beside_are_notes(load_csv):
    text = "city,year,gdp,,\n北京市,2012,1,,see\n天津市,2012,2,9,\n重庆市,2012,3,9,\n注：来源,,,,\n,2013,4,9,\n"
    result = load_csv(text)
    assert result.header["path"].tolist() == ["city", "year", "gdp", ""]
    notes = result.cells[result.cells["part"] == "note"]
    assert notes[["row_no", "col_no"]].values.tolist() == [[2, 5], [5, 1]]
    assert parts(result)[6] == {"body"}  # a row with figures but no city is not a remark: it must be seen


def test_blocks_side_by_side_are_sheets_of_their_own_under_one_title(load):
    left = ["辛集市", "晋州市", "新乐市", "遵化市", "迁安市"]
    right = ["海城市", "东港市", "凤城市", "凌海市", "北镇市"]
    head = [["3-1 人口状况"], ["单位:人"], ["城 市", "年末户籍人口", "城 市", "年末户籍人口"]]
    result = load(head + [[a, n, b, 10 + n] for n, (a, b) in enumerate(zip(left, right, strict=True))])
    assert result.header["sheet"].tolist() == ["S", "S", "S C:D", "S C:D"]
    assert paths(result) == ["3-1 人口状况 / 单位:人 / 年末户籍人口"] * 2
    body = result.cells[result.cells["part"] == "body"]
    assert body.loc[body["col_no"] == 4, "text"].tolist() == ["10", "11", "12", "13", "14"]  # under its own address
    assert set(body.loc[body["col_no"] == 4, "sheet"]) == {"S C:D"}
