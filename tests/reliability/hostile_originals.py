"""Small honest files, one of each kind that is landed, and the cells that they hold: the truth of the campaign."""

import datetime as dt
import io
import sys
from pathlib import Path

import duckdb
import pandas as pd
import xlsxwriter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "ingest"))

from old_excel import write_xls

type Cells = dict[tuple[str, int, int], str]  # (sheet, row, column) -> text

CITIES = [
    ("北京市", "Beijing"),
    ("天津市", "Tianjin"),
    ("石家庄市", "Shijiazhuang"),
    ("唐山市", "Tangshan"),
    ("吉林市", "Jilin"),
    ("拉萨市", "Lhasa"),
]
LONG: list[list[object]] = [["城市", "年份", "地区生产总值（亿元）", "户数"]] + [
    [name, year, round(1000.37 * (at + 1) + year, 2), 12345 + 17 * at]
    for at, (name, _) in enumerate(CITIES)
    for year in (2018, 2019)
]
WIDE: list[list[object]] = [
    ["2019年地级以上城市数据", None, "2-1 人口", None, "2-2 经济", None],
    ["城市", "City", "户籍人口（万人）", None, "地区生产总值（亿元）", "备注"],
    [None, None, "全市", "市辖区", "全市", None],
    *(
        [zh, en, 1397 + at, round(1397.5 + 0.37 * at, 2), round(35371.3 * (at + 1), 1), None]
        for at, (zh, en) in enumerate(CITIES)
    ),
]
DAY, NOTE_ROW = dt.date(2020, 2, 29), 12


def cells_of(rows: list[list[object]], sheet: str = "") -> Cells:
    return {
        (sheet, row, col): str(value)
        for row, values in enumerate(rows, 1)
        for col, value in enumerate(values, 1)
        if value is not None
    }


def workbook() -> tuple[bytes, Cells]:
    """Two printed sheets with merged headers, texts, numbers and a formatted day below the table."""
    stream = io.BytesIO()
    truth: Cells = {}
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name in ("数据", "续表"):
            sheet = book.add_worksheet(name)
            sheet.merge_range("A2:A3", "")
            sheet.merge_range("C1:D1", "")
            sheet.merge_range("C2:D2", "")
            for row, values in enumerate(WIDE):
                for col, value in enumerate(values):
                    if value is not None:
                        sheet.write(row, col, value)
            sheet.write_datetime(NOTE_ROW - 1, 2, dt.datetime(DAY.year, DAY.month, DAY.day), day)
            truth |= cells_of(WIDE, name) | {(name, NOTE_ROW, 3): DAY.isoformat()}
    return stream.getvalue(), truth


def csv(encoding: str) -> tuple[bytes, Cells]:
    text = "\r\n".join(",".join(str(value) for value in row) for row in LONG) + "\r\n"
    return text.encode(encoding), cells_of(LONG)


def old_workbook(folder: Path) -> tuple[bytes, Cells]:
    path = write_xls(folder / "original.xls", {"S": (WIDE, [(1, 2, 0, 0), (0, 0, 2, 3)])})
    return path.read_bytes(), cells_of(WIDE, "S")


def stata(folder: Path) -> tuple[bytes, Cells]:
    rows = [["city", "year", "gdp", "households"], *LONG[1:]]
    path = folder / "original.dta"
    pd.DataFrame(rows[1:], columns=rows[0]).to_stata(path, write_index=False, version=118)
    return path.read_bytes(), cells_of(rows)


def parquet(folder: Path) -> tuple[bytes, Cells]:
    frame = pd.DataFrame(LONG[1:], columns=[str(name) for name in LONG[0]])  # noqa: F841  (read by DuckDB)
    path = folder / "original.parquet"
    duckdb.sql("from frame").write_parquet(str(path))
    return path.read_bytes(), cells_of(LONG)
