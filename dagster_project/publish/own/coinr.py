"""Workbooks of COINr: sheet iMeta says what an index is, sheet iData holds the figures.

Those of the COIN Tool of the European Commission have both on one sheet, Database, and the weights of groups on
another, Framework (the places are those that COINr reads): they are brought into the form of COINr.
"""

import math
import re
from pathlib import Path
from typing import Any

from dagster_project.errors import IngestError
from dagster_project.ingest.workbook import read_sheets
from dagster_project.publish.exhibits.reader import ExportError

NEEDED = ("iCode", "Parent", "Level", "Direction", "Weight", "Type")


def sheet_rows(file: Path, name: str) -> list[list[str]]:
    """The rows of one sheet, all of the same length. Raises ExportError."""
    try:
        sheets = {(sheet.name or "").casefold(): sheet for sheet in read_sheets(file)}
    except (IngestError, OSError) as error:
        raise ExportError(f"{file.name}: {error}") from error
    if name.startswith("i") and "imeta" not in sheets and {"database", "framework"} <= set(sheets):
        return _of_coin_tool(file)[name]
    sheet = sheets.get(name.casefold())
    if sheet is None or not len(sheet.text):
        raise ExportError(
            f"{file.name} has no sheet {name}: a workbook of COINr has iData and iMeta, one of the COIN Tool Database"
            " and Framework."
        )
    rows = [[""] * int(sheet.col_no.max()) for _ in range(int(sheet.row_no.max()))]
    for row, column, text in zip(sheet.row_no.tolist(), sheet.col_no.tolist(), sheet.text, strict=True):
        rows[row - 1][column - 1] = str(text).strip()
    return rows


def _of_coin_tool(file: Path) -> dict[str, list[list[str]]]:
    """Sheet -> rows as COINr has them. From column E, rows 7 to 16 of Database hold weight, direction, two goalposts,
    the codes of index, sub-index, pillar and sub-pillar, name and code of each indicator; below stand the units, with
    name and code in B and C. C and E of Framework hold codes and weights."""
    year = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", file.stem)
    if year is None:
        raise ExportError(
            f"{file.name}: a workbook of the COIN Tool has no year. Put it into the name of the file: index_2021.xlsx."
        )
    rows = sheet_rows(file, "Database")
    if len(rows) < 17 or not any(row[4:] and row[4] for row in rows[15:16]):
        raise ExportError(f"{file.name}, sheet Database: no code of an indicator in E16, where the COIN Tool has it.")
    weights = {row[2]: row[4] for row in sheet_rows(file, "Framework") if len(row) > 4 and row[2]}
    columns = [k for k in range(4, len(rows[15])) if rows[15][k]]
    meta = {}
    for k in columns:
        levels = [rows[15][k], *(rows[at][k] for at in (13, 12, 11, 10))]
        meta[levels[0]] = [levels[0], levels[1], "1", rows[7][k], rows[6][k], "Indicator"]
        for level, (code, parent) in enumerate(zip(levels[1:], [*levels[2:], ""], strict=True), start=2):
            meta[code] = [code, parent, str(level), "1", weights.get(code, ""), "Aggregate"]
    units = [[row[2], row[1], year[0], *("" if row[k] == "n/a" else row[k] for k in columns)] for row in rows[16:]]
    head = ["uCode", "uName", "Time", *(rows[15][k] for k in columns)]
    return {"iMeta": [list(NEEDED), *meta.values()], "iData": [head, *(row for row in units if any(row[3:]))]}


def coinr_spec(file: Path) -> dict[str, Any]:
    """The specification that iMeta describes. The weight of an indicator is its share among those of its group, times
    that of the group among those of the level above: so the sum is COINr's arithmetic mean over all levels."""
    head, *rows = sheet_rows(file, "iMeta")
    if missing := [name for name in NEEDED if name not in head]:
        raise ExportError(f"{file.name}, sheet iMeta: no column {missing[0]}. Needed: {', '.join(NEEDED)}.")
    nodes = {row[head.index("iCode")]: dict(zip(head, row, strict=True)) for row in rows if any(row)}
    tree = {code: node for code, node in nodes.items() if node["Type"] in ("Indicator", "Aggregate")}
    for code, node in tree.items():
        try:
            node["weight"] = float(node["Weight"] or 1)  # type: ignore[assignment]
            sign = float(node["Direction"] or 1)
        except ValueError:
            sign = math.nan
        if sign not in (1, -1) or node["Parent"] not in ("", "NA", *tree):
            what = "a weight and a direction of 1 or -1" if sign not in (1, -1) else f"a parent, not '{node['Parent']}'"
            raise ExportError(f"{file.name}, sheet iMeta: {code} needs {what}.")

    def share(code: str, below: tuple[str, ...] = ()) -> float:
        parent = tree[code]["Parent"]
        if code in below:
            raise ExportError(f"{file.name}, sheet iMeta: {code} is its own parent.")
        if parent not in tree:
            return 1.0
        total = sum(float(node["weight"]) for node in tree.values() if node["Parent"] == parent)
        return float(tree[code]["weight"]) / total * share(parent, (*below, code))

    indicators = {code: node for code, node in tree.items() if node["Type"] == "Indicator"}
    return {
        "csv": file.name,
        "indicators": {
            code: {
                "csv": file.name,
                "column": code,
                "direction": round(float(node["Direction"] or 1)),
                "dimension": node["Parent"],
            }
            for code, node in indicators.items()
        },
        "weights": {code: share(code) for code in indicators},
    }


def coinr_rows(file: Path) -> list[list[str]]:
    """City, year and indicators of iData. The city is uCode where that is a code of a city, else uName."""
    head, *rows = sheet_rows(file, "iData")
    if missing := [name for name in ("uCode", "Time") if name not in head]:
        raise ExportError(f"{file.name}, sheet iData: no column {missing[0]}. Needed: uCode, Time and the indicators.")
    codes = [row[head.index("uCode")].removeprefix("CN") for row in rows if any(row)]
    city = "uCode" if "uName" not in head or all(len(code) == 6 and code.isdigit() for code in codes) else "uName"
    positions = [head.index(name) for name in (city, "Time", *coinr_spec(file)["indicators"]) if name in head]
    return [["city", "year", *(head[k] for k in positions[2:])], *([row[k] for k in positions] for row in rows)]
