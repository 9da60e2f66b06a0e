"""Opening landing files: texts, encodings, and everything that must be refused in words."""

import datetime
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from dagster_project.errors import IngestError
from dagster_project.ingest.limits import LONG_ROWS, Limits
from dagster_project.ingest.workbook import read_sheets

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def texts(sheet):
    return {(row, col): text for row, col, text in zip(sheet.row_no, sheet.col_no, sheet.text, strict=True)}


def rezip(path, change):
    """Rewrite the parts of a workbook: change(name, data) -> data or None."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            if (new := change(name, data)) is not None:
                archive.writestr(name, new)
    return path


@pytest.fixture
def book(tmp_path):
    """A workbook of the test's own, with the path of its file."""
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as made:
        yield made


def sheets(book, **more):
    """What is read of the workbook as it is now."""
    book.close()
    return read_sheets(Path(book.filename), **more)


def test_numbers_days_and_booleans_become_short_texts(book):
    sheet = book.add_worksheet("S")
    sheet.write_row(0, 0, [123.0, 17879.4, 0.3, "  007 ", True, -4.5, 1e20])
    sheet.write_datetime(1, 1, datetime.datetime(2020, 2, 29), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write(1, 2, "   ")
    sheet.merge_range("A3:C4", "wide")
    (sheet,) = sheets(book)
    assert list(sheet.text[:7]) == ["123", "17879.4", "0.3", "  007 ", "True", "-4.5", "1e+20"]
    assert texts(sheet)[2, 2] == "2020-02-29"
    assert (2, 3) not in texts(sheet)
    assert sheet.merged == ((3, 1, 4, 3),)
    assert sheet.rows(3, 9) == {(3, 1): "wide"}
    assert sheet.column(2) == {1: "17879.4", 2: "2020-02-29"}


def test_an_error_of_excel_is_not_blank(book):
    """The workbook library shows #DIV/0! as an empty cell; a figure that is lost must be seen."""
    for name in ("S", "T"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["城市", 1])
        sheet.write_formula(1, 1, "=1/0", value="#DIV/0!")
        sheet.write_formula(2, 2, "=NA()", value="#N/A")
        sheet.write_formula(1, 2, "=1+1", value=2)
    for sheet in sheets(book):
        assert texts(sheet) == {(1, 1): "城市", (1, 2): "1", (2, 2): "#ERROR", (2, 3): "2", (3, 3): "#ERROR"}


def test_one_sheet_can_be_named_and_a_csv_file_has_none(write_xlsx, tmp_path):
    path = write_xlsx("a.xlsx", {"A": ([["x"]], []), "B": ([["y"]], [])})
    assert [sheet.name for sheet in read_sheets(path)] == ["A", "B"]
    assert [sheet.name for sheet in read_sheets(path, sheet="B")] == ["B"]
    with pytest.raises(IngestError, match=r"no sheet 'C' .* Its sheets are: A, B"):
        read_sheets(path, sheet="C")
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(IngestError, match=r"A \.csv file has no sheet 'S'"):
        read_sheets(tmp_path / "a.csv", sheet="S")


def test_dta_gives_names_first_and_short_numbers(tmp_path):
    path = tmp_path / "a.dta"
    frame = pd.DataFrame({"city": ["北京市", ""], "year": [2012.0, np.nan], "pm25": np.array([45.76926, 1], "float32")})
    frame.to_stata(path, write_index=False, version=118)
    (sheet,) = read_sheets(path)
    assert [texts(sheet)[1, col] for col in (1, 2, 3)] == ["city", "year", "pm25"]
    body = {at: text for at, text in texts(sheet).items() if at[0] > 1}
    assert body == {(2, 1): "北京市", (2, 2): "2012", (2, 3): "45.76926", (3, 3): "1"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", None, "The file does not exist"),
        ("a.xlsx", b"", "The file is empty"),
        ("a.doc", b"D0CF", "Files of kind '.doc' are not read"),
        ("a", b"x", "Files of kind 'without ending' are not read"),
        ("a.xlsx", b"\n <!DOCTYPE html><html></html>", "The file is a web page, not a .xlsx file"),
        ("a.csv", b"<HTML><body>log in</body></HTML>", "The file is a web page, not a .csv file"),
        ("a.xls", b'<?xml version="1.0"?><html xmlns="x">', "The file is a web page"),
        ("a.xlsx", OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("a.xlsx", OLE + b"\0" * 600, "named .xlsx but holds an .xls workbook"),
        ("a.xls", b"PK\x03\x04....", "named .xls but holds an .xlsx workbook"),
        ("a.csv", b"PK\x03\x04....", "named .csv but holds an .xlsx workbook"),
        ("a.xls", OLE + b"\0" * 600, "The workbook is damaged"),
        ("a.xlsx", b"just text", "The file is not an Excel workbook"),
        ("a.xlsx", b"PK\x03\x04" + b"\0" * 100, "damaged or cut short"),
        ("a.csv", b"a,b\n\xff\xff\xff,1\n", "neither UTF-8"),
        ("a.csv", b"a,b\n1\x00,2\n", "zero bytes"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "Row 3 has 3 fields, the first row has 2"),
        ("a.csv", b'a,b\n1,"2\n', "cannot be read"),
        ("a.dta", b"nonsense", "The Stata file cannot be read"),
    ],
)
def test_bad_file_is_refused_in_words(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IngestError, match=message) as caught:
        read_sheets(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_cut_and_changed_files_are_refused(tmp_path, write_xlsx):
    path = write_xlsx("a.xlsx", {"A": ([["北京市", 1]] * 50, [])})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(IngestError, match="damaged or cut short"):
        read_sheets(path)
    pd.DataFrame({"a": range(999)}).to_stata(tmp_path / "a.dta", write_index=False)
    (tmp_path / "a.dta").write_bytes((tmp_path / "a.dta").read_bytes()[:2000])
    with pytest.raises(IngestError, match="The Stata file cannot be read"):
        read_sheets(tmp_path / "a.dta")
    path = write_xlsx("a.xlsx", {"A": ([["北京市", 1]] * 50, [])})
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 80
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(IngestError, match="damaged or cut short"):
        read_sheets(path)


def test_a_zip_without_workbook_and_broken_xml_are_refused(write_xlsx):
    def lost(name, data):
        return None if "workbook.xml" in name else data

    def broken(name, data):
        return data[: len(data) // 2] if "sheet1" in name else data

    for change, says in ((lost, "a zip but not an Excel workbook"), (broken, "cannot be read")):
        with pytest.raises(IngestError, match=says):
            read_sheets(rezip(write_xlsx("a.xlsx", {"A": ([["x"]], [])}), change))


def test_a_stray_cell_in_the_last_row_is_refused_at_once(book):
    book.add_worksheet("ok").write(0, 0, "x")
    book.add_worksheet("stray").write(1_048_575, 0, "x")
    with pytest.raises(IngestError, match=r"reaches row 1,048,576; at most 20,000 .*sheet stray"):
        sheets(book)
    assert len(sheets(book, sheet="ok")) == 1
    assert Limits.for_layout("long").rows == LONG_ROWS
    assert sheets(book, sheet="stray", limits=Limits.for_layout("long"))[0].row_no.tolist() == [1_048_576]


def test_a_stray_cell_in_the_last_column_counts_the_whole_grid_but_formatting_does_not(book):
    sheet = book.add_worksheet("formatted")
    sheet.write(0, 0, "x")
    sheet.write_blank(1_048_575, 5, None, book.add_format({"bold": True}))
    sheet = book.add_worksheet("stray")
    sheet.write(9_999, 0, "x")
    sheet.write(0, 16_383, "x")
    with pytest.raises(IngestError, match="10,000 rows x 16,384 columns"):
        sheets(book)
    assert sheets(book, sheet="formatted")[0].text.tolist() == ["x"]


def test_too_many_bytes_and_rows_are_refused(tmp_path, write_xlsx):
    path = write_xlsx("a.xlsx", {"A": ([["x" * 30_000]], [])})
    with pytest.raises(IngestError, match=r"unpacks to [\d,]+ bytes; at most 10,000"):
        read_sheets(path, limits=Limits(unpacked_bytes=10_000))
    (tmp_path / "a.csv").write_text("a,b\n" * 30)
    with pytest.raises(IngestError, match="reaches row 30; at most 20"):
        read_sheets(tmp_path / "a.csv", limits=Limits(rows=20))
    with pytest.raises(IngestError, match="too large"):
        read_sheets(tmp_path / "a.csv", limits=Limits(unpacked_bytes=20))
    pd.DataFrame({"a": range(30)}).to_stata(tmp_path / "a.dta", write_index=False)
    with pytest.raises(IngestError, match="reaches row 31; at most 20"):
        read_sheets(tmp_path / "a.dta", limits=Limits(rows=20))


@pytest.mark.parametrize("size", ["A1", "A1:XFD1048576", "C9:A1"])
def test_a_lying_dimension_is_ignored(write_xlsx, size):
    path = write_xlsx("a.xlsx", {"A": ([["a", 1], ["b", 2], ["c", 3]], [])})

    def lie(name, data):
        return data.replace(b'<dimension ref="A1:B3"/>', f'<dimension ref="{size}"/>'.encode())

    found = texts(read_sheets(rezip(path, lie))[0])
    assert found == {(1, 1): "a", (1, 2): "1"} | {(2, 1): "b", (2, 2): "2"} | {(3, 1): "c", (3, 2): "3"}


def test_cells_without_reference_are_counted_by_their_row(write_xlsx):
    def strip(name, data):
        return data.replace(b'<row r="2"', b'<row r="1048576"').replace(b' r="A2"', b"") if "sheet1" in name else data

    path = rezip(write_xlsx("a.xlsx", {"A": ([["a"], [1]], [])}), strip)
    with pytest.raises(IngestError, match="reaches row 1,048,576"):
        read_sheets(path)


@pytest.mark.parametrize("names", [("data", "chart"), ("chart", "data")])
def test_a_chart_sheet_is_left_out_also_where_it_comes_first(book, names):
    made = {name: book.add_worksheet(name) if name == "data" else book.add_chartsheet(name) for name in names}
    made["data"].write(0, 0, 12)
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=data!$A$1"})
    made["chart"].set_chart(chart)
    (sheet,) = sheets(book)
    assert (sheet.name, texts(sheet)) == ("data", {(1, 1): "12"})


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        ("sheet1", b"<v>12</v>", b"<v>1<!-- x -->2</v>", "a comment within its XML"),
        ("sheet1", b"<v>12</v>", b"<v>1<?x y?>2</v>", "a comment within its XML"),
        ("sheet1", b"<v>12</v>", b"<v><!-- x -->12</v>", "a comment within its XML"),
        ("shared", b"<t>north</t>", b"<t>no<!-- x -->rth</t>", "a comment within its XML"),
        ("shared", b"<t>north</t>", b"<t>no<t>X</t>rth</t>", "A text of the workbook holds another tag"),
    ],
)
def test_a_value_that_programs_read_in_two_ways_is_refused(write_xlsx, part, old, new, said):
    path = rezip(
        write_xlsx("a.xlsx", {"A": ([["north", 12]], [])}),
        lambda name, data: data.replace(old, new) if part in name.lower() else data,
    )
    with pytest.raises(IngestError, match=said):
        read_sheets(path)


def test_a_text_in_several_formats_is_one_text_and_its_reading_aid_is_none(write_xlsx):
    def rich(name, data):
        runs = b"<si><r><t>no</t></r><r><t>rth</t></r><rPh sb='0' eb='1'><t>bei</t></rPh></si>"
        return data.replace(b"<si><t>north</t></si>", runs) if "shared" in name.lower() else data

    path = rezip(write_xlsx("a.xlsx", {"A": ([["north", 12]], [])}), rich)
    assert texts(read_sheets(path)[0]) == {(1, 1): "north", (1, 2): "12"}
