"""What the gate found, as one flat frame: the result rows of a load opened up into the places they speak about.

`findings_frame(rows, baseline)` serves the dry run, reports and tests; `refused_blocks(findings)` groups what stands
in the way by block (one variable, scope and year of a load, that is one column of a file).
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from expectations.contract import Baseline, ResultRow

# column -> what it holds; every column is text, but for the years and the figure
FINDING_COLUMNS: dict[str, str] = {
    "source": "source of the load",
    "data_year": "statistical year of the load, 0 for a source of several years",
    "suite": "suite of the rule",
    "rule_id": "rule that is broken",
    "severity": "'error' refuses the load, 'warn' does not",
    "block": "variable/scope/year of a finding about a whole column, e.g. gdp_nom/city/2019; '' for other findings",
    "file": "file below the landing folder",
    "sheet": "sheet of the workbook",
    "header_path": "printed header of the column, '' where the finding is about a row",
    "variable_code": "variable of seed `variable`, '' where there is none",
    "scope": "city, district or built_up",
    "year": "statistical year of the figure (missing where there is none)",
    "city_id": "place of the example",
    "city_name": "its official name",
    "cell": "address of the example",
    "text": "what the cell prints",
    "figure": "its value in the canonical unit of the variable (missing where the cell is no number)",
    "unit": "that unit",
    "sentence": "what is wrong, where, and what to do",
    "paste_into": "seed file that the ready-made rows belong into, '' where there are none",
    "paste_rows": "ready-made rows, separated by line feeds",
}
_NUMBERS = ("data_year", "year", "figure")


def findings_frame(rows: Sequence[ResultRow], baseline: Baseline) -> pd.DataFrame:
    """One row per offending place of every rule that is broken; columns as in `FINDING_COLUMNS`.

    A rule about blocks gives one row per block and example city (a few cities a block), all with the sentence of
    that block; a rule about cells, rows or headers one row per element (at most `MAX_DETAILS` a rule). A rule that
    could not be checked, or that has no place, gives one row with its sentence alone.
    """
    records = [record for row in rows if not row.passed for record in _records(row, baseline)]
    frame = pd.DataFrame(records, columns=list(FINDING_COLUMNS))
    for name in _NUMBERS:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    texts = [name for name in FINDING_COLUMNS if name not in _NUMBERS]
    frame[texts] = frame[texts].fillna("").astype("string")
    return frame


def _records(row: ResultRow, baseline: Baseline) -> list[dict[str, object]]:
    common: dict[str, object] = {
        "source": baseline.source,
        "data_year": baseline.data_year,
        "suite": row.suite,
        "rule_id": row.rule_id,
        "severity": row.severity,
        "sentence": row.sentence,
    }
    records: list[dict[str, object]] = []
    for detail in row.details:
        place = {**common, **_known(detail)}
        examples = detail.get("examples")
        if isinstance(examples, list) and examples:
            records += [{**place, **_known(example)} for example in examples]
        else:
            records.append(place)
    return records or [common]


def _known(detail: Mapping[str, object]) -> dict[str, object]:
    """The columns of the frame that a detail fills; `value` is its figure, `city_text` its name."""
    found = {name: detail[name] for name in FINDING_COLUMNS if detail.get(name) is not None}
    if detail.get("value") is not None:
        found.setdefault("figure", detail["value"])
    if detail.get("city_text") is not None:
        found.setdefault("city_name", detail["city_text"])
    return found


def refused_blocks(findings: pd.DataFrame) -> list[dict[str, object]]:
    """The blocks that refuse the load, in order of appearance; empty when no whole block is at fault.

    Keys: block, file, sheet, headers (list), variable_code, scope, year, rules (list), reason (one sentence a rule),
    cities, cells, figures (lists of the examples, same order), paste_into, paste_rows (list of ready-made rows).
    """
    at_fault = findings[(findings["severity"] == "error") & (findings["block"] != "")]
    return [_block(str(name), part) for name, part in at_fault.groupby("block", sort=False)]


def _block(name: str, part: pd.DataFrame) -> dict[str, object]:
    first = part.iloc[0]
    examples = part[part["cell"] != ""].drop_duplicates("cell")
    return {
        "block": name,
        "file": first["file"],
        "sheet": first["sheet"],
        "headers": _distinct(part["header_path"]),
        "variable_code": first["variable_code"],
        "scope": first["scope"],
        "year": int(first["year"]),
        "rules": _distinct(part["rule_id"]),
        "reason": " ".join(_distinct(part["sentence"])),
        "cities": examples["city_name"].tolist(),
        "cells": examples["cell"].tolist(),
        "figures": examples["figure"].tolist(),
        "paste_into": first["paste_into"],
        "paste_rows": [row for text in _distinct(part["paste_rows"]) for row in text.split("\n")],
    }


def ready_rows(rows: Sequence[ResultRow]) -> list[str]:
    """'row for header_map.csv: ...' for each ready-made row of the blocks that refuse the load."""
    lines = [
        f"row for {detail['paste_into']}: {line}"
        for row in rows
        if not row.passed and row.severity == "error"
        for detail in row.details
        for line in str(detail.get("paste_rows") or "").splitlines()
    ]
    return list(dict.fromkeys(lines))


def rows_to_review(rows: Sequence[ResultRow]) -> list[tuple[str, str, str]]:
    """(seed, row, comment) for each ready-made row of the rules that refuse the load."""
    found = [
        (str(detail["paste_into"]), line, f"{row.rule_id}: {detail.get('why') or ''}".rstrip(": "))
        for row in rows
        if not row.passed and row.severity == "error"
        for detail in row.details
        for line in str(detail.get("paste_rows") or "").splitlines()
    ]
    return list(dict.fromkeys(found))


def _distinct(column: pd.Series) -> list[str]:
    return [str(text) for text in dict.fromkeys(column) if text != ""]
