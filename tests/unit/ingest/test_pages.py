"""Printed pages: the geometry of tables on words with boxes; the reader of pictures where it is installed."""

import hashlib
from importlib.util import find_spec

import duckdb
import numpy as np
import pytest
from PIL import Image
from shared_files import real_files

from dagster_project.ingest import IngestError
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages import job
from dagster_project.ingest.pages.read import cached_page, check_doubts, tables_of
from dagster_project.ingest.pages.sums import broken_sums
from dagster_project.ingest.pages.words import Page, Word
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.pages_out import write_twin
from dagster_project.publish.site.cities import trail_data
from dagster_project.publish.site.ink import FOLDER, picture_of, write_ink

CITIES = ["石家庄市", "唐山市", "秦皇岛市", "邯郸市", "邢台市", "保定市", "承德市", "沧州市", "廊坊市", "衡水市"]
WIDTH = {True: 10.0, False: 6.0}  # of a sign: Chinese or not


def word(text, x, y, flag=""):
    """A word of 10 pixels height that begins at x."""
    width = sum(WIDTH[sign > "\u3400"] for sign in text)
    return Word(text, x, y, x + width, y + 10, flag=flag)


def page(number, words):
    nothing = np.zeros((0, 4))
    return Page(number, words, nothing, nothing, np.array([[0.5, 0, 0], [0, 0.5, 0]]), (800, 600), False)


def table(cities, figures, *, title="2-6 地区生产总值", names=True, top=200, more=()):
    """Title, unit, one head over two columns and a third with a unit of its own, rows of figures."""
    words = [word(title, 220, 40), word("单位：亿元", 40, 70)] if title else []
    words += [word("城市", 60, 140)] if names else []
    words += [word("地区生产总值", 230, 110), word("增长率", 410, 125), word("(%)", 415, 140)]
    words += [word("全市", 220, 150), word("市辖区", 300, 150), *more]
    for at, (city, row) in enumerate(zip(cities, figures, strict=True)):
        y = top + 22 * at
        words += [word(city, 60, y)] if names else []
        words += [word(text, x - 6 * len(text), y) for text, x in zip(row, (250, 330, 440), strict=True) if text]
    return words


def figures(count, start=100):
    return [[f"{start + 7 * n}", f"{start + 3 * n}", f"{n + 0.25:.2f}"] for n in range(count)]


def test_a_page_becomes_a_sheet_and_each_figure_keeps_its_box():
    rows = [[], *figures(10)]
    rows[3][1] = "…"
    (printed,) = tables_of([page(1, table(["河北省", *CITIES], [["", "", ""], *rows[1:]]))], "a.pdf")
    cells = {(cell.row_label, cell.column): cell for cell in printed.cells}
    first = cells["石家庄市", 1]
    assert (first.row, first.header_path, first.text, first.value) == (2, "地区生产总值|全市", "100", 100.0)
    assert (first.unit, cells["石家庄市", 3].unit, cells["石家庄市", 3].header_path) == ("亿元", "%", "增长率")
    assert first.place == "p1!116.0,111.0,125.0,116.0"
    assert cells["秦皇岛市", 2].text == "…"
    assert cells["秦皇岛市", 2].value is None
    assert not any(cell.flag for cell in printed.cells)
    at = printed.sheet.place.tolist().index(first.place)
    assert (printed.sheet.row_no[at], printed.sheet.col_no[at]) == (first.sheet_row, first.sheet_column)


def test_a_doubted_figure_is_no_number_for_the_gate():
    words = table(CITIES, figures(10))
    at = next(n for n, one in enumerate(words) if one.text == "107")
    words[at] = word("107", words[at].x0, words[at].y0, flag="also read 101")
    (printed,) = tables_of([page(1, words)], "a.pdf")
    assert "107?" in printed.sheet.text.tolist()


def test_a_page_that_is_doubted_as_a_whole_is_refused():
    words = [word(w.text, w.x0, w.y0, flag="unread" * w.text.isdigit()) for w in table(CITIES, figures(10))]
    with pytest.raises(IngestError, match=r"20 of the 30 figures of the page are in doubt \[a.pdf, page 1\]"):
        check_doubts(tables_of([page(1, words)], "a.pdf"), "a.pdf")


def test_a_name_that_touches_its_first_figure_is_two_words():
    words = table([*CITIES[:9], "克孜勒苏柯尔克孜自治州"], figures(10))
    name, figure = (next(w for w in words if w.text == text) for text in ("克孜勒苏柯尔克孜自治州", "163"))
    words = [w for w in words if w not in (name, figure)]
    joined = Word(name.text + "163", name.x0, name.y0, figure.x1, name.y1)
    (printed,) = tables_of([page(1, [*words, joined])], "a.pdf")
    (cell,) = [cell for cell in printed.cells if cell.row_label == name.text and cell.column == 1]
    assert (cell.text, cell.flag) == ("163", "it touches its name")


def test_a_lost_point_is_asked_for():
    rows = figures(10)
    rows[4][2] = "425"
    (printed,) = tables_of([page(1, table(CITIES, rows))], "a.pdf")
    assert {cell.text: cell.flag for cell in printed.cells if cell.flag} == {"425": "2 decimals are usual here"}


def test_a_figure_that_does_not_end_where_its_column_ends_is_asked():
    words = table(CITIES, figures(10))
    at = next(n for n, one in enumerate(words) if one.text == "142")
    words[at] = word("14", words[at].x0, words[at].y0)
    (printed,) = tables_of([page(1, words)], "a.pdf")
    assert {cell.text: cell.flag for cell in printed.cells if cell.flag} == {
        "14": "it does not end where its column ends"
    }


def test_two_figures_in_one_cell_are_asked_unless_they_are_thousands():
    words = table(CITIES, figures(10))
    at = next(n for n, one in enumerate(words) if one.text == "142")
    x, y = words[at].x0, words[at].y0
    for one, two, flags in (("14", "42", {"two figures stand here"}), ("1", "142", {"a sign stands beside it"})):
        words[at] = word(two, x + 18 - 6 * len(two), y)
        (printed,) = tables_of([page(1, [*words, word(one, x - 16, y)])], "a.pdf")
        assert {cell.flag for cell in printed.cells if cell.text in ("1442", "142")} == flags


def test_where_nearly_all_rows_add_up_one_that_does_not_is_asked():
    rows = [[f"{300 + 7 * n + 20 * n}", f"{300 + 7 * n}", f"{20 * n}"] for n in range(10)]
    rows[6][1] = "842"
    heads = [word("合计", 220, 150), word("甲", 310, 150), word("乙", 420, 150)]
    words = [one for one in table(CITIES, rows) if one.y0 > 190 or one.text in ("2-6 地区生产总值", "城市")]
    (printed,) = tables_of([page(1, words + heads)], "a.pdf")
    assert {cell.text: cell.flag for cell in printed.cells if cell.flag} == dict.fromkeys(
        ("462", "842", "120"), "its row does not add up"
    )


def test_a_province_that_is_not_the_sum_of_its_cities_is_asked():
    value = np.array([[60.0, 6, 0.3], [10, 1, 0.1], [20, 2, 0.1], [30, 3, 0.1]])
    labels, units = ["安徽省", "合肥市", "芜湖市", "蚌埠市"], ["亿元", "亿元", "%"]
    step = np.array([0.1, 0.01, 0.1])
    assert broken_sums(value, step, units, labels) == {}
    wrong = np.column_stack([value, [70.0, 10, 20, 30]])
    broken = broken_sums(wrong, np.append(step, 0.1), [*units, "亿元"], labels)
    assert {column for _, column in broken} == {3}
    assert set(broken.values()) == {"安徽省 is not the sum of the rows below it"}


def test_a_continued_table_is_one_sheet_and_a_right_page_takes_the_rows_of_its_left_one():
    left, right = table(CITIES, figures(10)), table(CITIES, figures(10, 500), title="", names=False)
    again = table(CITIES, figures(10, 300), title="2-6 续表 1")
    (printed,) = tables_of([page(1, left), page(2, right), page(3, again), page(4, right)], "a.pdf")
    assert printed.pages == (1, 2, 3, 4)
    beside = [cell for cell in printed.cells if cell.row_label == "唐山市"]
    assert [(cell.page, cell.column, cell.text) for cell in beside][:6] == [
        (1, 1, "107"), (1, 2, "103"), (1, 3, "1.25"), (2, 4, "507"), (2, 5, "503"), (2, 6, "1.25"),
    ]  # fmt: skip


def test_a_right_page_whose_rows_do_not_meet_is_refused():
    right = table(CITIES[:6], figures(6, 500), title="", names=False)
    with pytest.raises(IngestError, match="6 of 6 rows stand beside one of the 10 rows"):
        tables_of([page(1, table(CITIES, figures(10))), page(2, right)], "a.pdf")
    with pytest.raises(IngestError, match="figures but no names"):
        tables_of([page(2, right)], "a.pdf")


def test_a_chart_is_no_right_page():
    chart = [word(f"{3 * n + k}.5", 100 + 90 * k, 200 + 30 * n) for n in range(8) for k in range(3)]
    (printed,) = tables_of([page(1, chart), page(2, table(CITIES, figures(10))), page(3, chart)], "a.pdf")
    assert printed.pages == (2,)


def test_the_twin_has_the_figures_and_boxes_of_the_page_and_the_hash_of_the_scan(tmp_path):
    (printed,) = tables_of([page(1, table(CITIES, figures(10)))], "a.pdf")
    scan, twin = tmp_path / "a.pdf", tmp_path / "twin.xlsx"
    scan.write_bytes(b"%PDF-1.7")
    cells = list(printed.cells)
    write_twin(scan, [printed.sheet], cells, twin, Limits())
    (sheet,) = read_sheets(twin)
    places = dict(zip(sheet.place, sheet.text, strict=True))
    assert all(float(places[cell.place]) == cell.value for cell in printed.cells)
    assert sheet.merged == printed.sheet.merged
    assert hashlib.sha256(b"%PDF-1.7").hexdigest() in sheet.text[-1]


def test_without_the_extra_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(job, "find_spec", lambda name: None)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(IngestError, match=r"pip install 'nqpf-warehouse\[pages\]'"):
        read_sheets(tmp_path / "a.pdf")


needs_reader = pytest.mark.skipif(find_spec("rapidocr") is None, reason="the extra 'pages' is not installed")


@needs_reader
def test_digits_that_stand_otherwise_than_elsewhere_are_doubted():
    from dagster_project.ingest.pages.picture import off_step

    places = [[(12 * n, 0, 12 * n + 10, 16) for n in range(3)] for _ in range(8)]
    places[5][1] = (16, 0, 22, 16)  # the left third of an 8, which is then a 3
    dark = np.zeros((16, 40), dtype=bool)
    assert off_step(["283"] * 8, [(dark, row) for row in places], 12.0) == [at == 5 for at in range(8)]


@needs_reader
def test_a_file_that_is_no_document_is_refused(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"<html>")
    with pytest.raises(IngestError, match=r"named \.pdf but is none"):
        read_sheets(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 nothing more")
    with pytest.raises(IngestError, match="cannot be read as pages"):
        read_sheets(tmp_path / "b.pdf")


@needs_reader
def test_a_text_layer_is_read_as_it_is_printed(monkeypatch, tmp_path):
    scan = real_files() / "scans" / "o01.pdf"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = cached_page(scan, 1, "0" * 64)
    assert '"is_picture": false' in text
    (kept,) = (tmp_path / "nqpf" / "pages").iterdir()
    assert kept.read_text("utf-8") == text


@needs_reader
def test_the_ink_of_a_printed_figure_lies_beside_the_pages_of_a_release(monkeypatch, tmp_path):
    (tmp_path / "landing").mkdir()
    sheet = Image.new("L", (200, 100), 255)
    sheet.paste(0, (60, 40, 90, 60))
    sheet.save(tmp_path / "landing" / "a.png")
    cell, other = "yearbook@abc:a.png!p1!55.0,38.0,95.0,62.0", "yearbook@abc:lost.png!p1!1.0,1.0,9.0,9.0"
    with duckdb.connect(tmp_path / "city.duckdb") as con:
        con.execute("create schema mart; create table mart.mart_indicator_source (file text, source_cell_id text)")
        con.executemany(
            "insert into mart.mart_indicator_source values (?, ?)",
            [("a.png", cell), ("lost.png", other), ("b.xlsx", "yearbook@abc:b.xlsx!S!C3")],
        )
    write_ink(tmp_path / "city.duckdb", tmp_path / "landing", tmp_path / "release")
    (picture,) = (tmp_path / "release" / FOLDER).iterdir()
    assert picture.name == picture_of(cell)
    assert Image.open(picture).convert("L").getextrema()[0] < 50
    rows = [(2020, "gdp_nom", "107", "", 107.0, "", None, "", None, "", "yearbook", "a.png", "t", "C5", cell)]
    (row,) = trail_data(rows, {picture.name})["years"][2020]
    assert row[4] == ["C5, p1", picture.name]
    monkeypatch.setattr(job, "find_spec", lambda name: None)  # without the extra
    write_ink(tmp_path / "city.duckdb", tmp_path / "landing", tmp_path / "other")
    assert not (tmp_path / "other").exists()
