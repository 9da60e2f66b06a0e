"""What a printed page holds, figure by figure, with the city of each row: `nqpf inspect SCAN --cells FILE.csv`."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd

from dagster_project.ingest.apart import apart
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import cells_of, prepare
from dagster_project.ingest.pages.read import Cell

_ROW = ["page", "row", "column", "row_label", "header_path", "text", "value", "unit", "city_id"]
COLUMNS = [*_ROW, "x0", "y0", "x1", "y1", "score", "flag"]
UNKNOWN = "the name of the row is not known"


def cells_of_pages(file: Path) -> list[Cell]:
    """All figures and marks of a document; IngestError says why not."""
    limits = prepare(file, Limits())
    return [Cell(*fields) for fields in apart(cells_of, file, where=str(file), limits=limits)]


def with_cities(cells: list[Cell], rows: pd.DataFrame, names: dict[str, str]) -> list[Cell]:
    """The cells with the city that the gate gives to their rows; rows: of one file; names: city_id -> name.

    A name that was read otherwise than it is used is put right; one that is not known is a question.
    """
    fields = rows[["sheet", "cell", "city_id", "evidence", "row_kind"]].astype(object).fillna("").to_numpy().tolist()
    city_of = {(_table_of(sheet, cell), cell): (city, evidence, kind) for sheet, cell, city, evidence, kind in fields}
    result = []
    for cell in cells:
        city, evidence, kind = city_of.get((cell.sheet, cell.label_cell), ("", "", ""))
        label = names[city] if city in names and evidence else cell.row_label
        flag = cell.flag or UNKNOWN * (kind == "unknown")
        result.append(replace(cell, row_label=label, city_id=city, flag=flag))
    return result


def _table_of(sheet: str, cell: str) -> str:
    """The second run of a page is a sheet named after its columns."""
    name, _, letters = sheet.rpartition(" ")
    return name if ":" in letters and cell.startswith(letters.partition(":")[0]) else sheet


def write_cells(cells: list[Cell], file: Path) -> None:
    """One line a figure or mark, in UTF-8."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for cell in cells:
            value = "" if cell.value is None else f"{cell.value:.15g}"
            box = [f"{x:.1f}" for x in cell.box]
            fields = (cell.page, cell.row, cell.column, cell.row_label, cell.header_path, cell.text, value, cell.unit)
            writer.writerow([*fields, cell.city_id, *box, f"{cell.score:.3f}", cell.flag])
