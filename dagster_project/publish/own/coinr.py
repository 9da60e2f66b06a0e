"""Workbooks of COINr: sheet iMeta says what an index is, sheet iData holds the figures."""

import math
from pathlib import Path
from typing import Any

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.workbook import read_sheets
from dagster_project.publish.exhibits.reader import ExportError

NEEDED = ("iCode", "Parent", "Level", "Direction", "Weight", "Type")


def sheet_rows(file: Path, name: str) -> list[list[str]]:
    """The rows of one sheet, all of the same length. Raises ExportError."""
    try:
        sheet = next((one for one in read_sheets(file) if (one.name or "").casefold() == name.casefold()), None)
    except (IngestError, OSError) as error:
        raise ExportError(f"{file.name}: {error}") from error
    if sheet is None or not len(sheet.text):
        raise ExportError(f"{file.name} has no sheet {name}: a workbook of COINr has iData and iMeta.")
    rows = [[""] * int(sheet.col_no.max()) for _ in range(int(sheet.row_no.max()))]
    for row, column, text in zip(sheet.row_no.tolist(), sheet.col_no.tolist(), sheet.text, strict=True):
        rows[row - 1][column - 1] = str(text).strip()
    return rows


def coinr_spec(file: Path) -> dict[str, Any]:
    """The specification that iMeta describes. The weight of an indicator is its share among those of its group, times
    that of the group among those of the level above: so the sum is COINr's arithmetic mean over all levels."""
    head, *rows = sheet_rows(file, "iMeta")
    if missing := [name for name in NEEDED if name not in head]:
        raise ExportError(f"{file.name}, sheet iMeta: no column {missing[0]}. Needed: {', '.join(NEEDED)}.")
    nodes = {row[head.index("iCode")]: dict(zip(head, row, strict=True)) for row in rows if any(row)}
    kept = {code: node for code, node in nodes.items() if node["Type"] in ("Indicator", "Aggregate")}
    for code, node in kept.items():
        try:
            node["weight"] = float(node["Weight"] or 1)  # type: ignore[assignment]
            sign = float(node["Direction"] or 1)
        except ValueError:
            sign = math.nan
        if sign not in (1, -1) or node["Parent"] not in ("", "NA", *kept):
            what = "a weight and a direction of 1 or -1" if sign not in (1, -1) else f"a parent, not '{node['Parent']}'"
            raise ExportError(f"{file.name}, sheet iMeta: {code} needs {what}.")

    def share(code: str, below: tuple[str, ...] = ()) -> float:
        parent = kept[code]["Parent"]
        if code in below:
            raise ExportError(f"{file.name}, sheet iMeta: {code} is its own parent.")
        if parent not in kept:
            return 1.0
        total = sum(float(node["weight"]) for node in kept.values() if node["Parent"] == parent)
        return float(kept[code]["weight"]) / total * share(parent, (*below, code))

    indicators = {code: node for code, node in kept.items() if node["Type"] == "Indicator"}
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
    chosen = [head.index(name) for name in (city, "Time", *coinr_spec(file)["indicators"]) if name in head]
    return [["city", "year", *(head[k] for k in chosen[2:])], *([row[k] for k in chosen] for row in rows)]
