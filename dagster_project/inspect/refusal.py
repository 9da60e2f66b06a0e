"""Which figures the gate's findings put in doubt, and the report's entry for each printed column that loses some.

A finding about a block takes the whole column (of that year), one about a header its column, one about a row all
figures of the row, one about a cell that cell. The gate lists at most some hundred places a rule; for its rules about
cells the flags that the suite itself prepares are used, so that none is forgotten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from dagster_project.inspect.judge import Judgement
from dagster_project.inspect.names import raw_column, scope_of, unit_of
from expectations.suites import PREPARE

_SAID = ["sentence", "paste_rows"]
CELL_RULES = ("value_is_number", "value_is_inside_band")


@dataclass(frozen=True, eq=False)
class Refusal:
    """is_withheld: true for the figures (rows of the gate's values) that are not read; rules: those told in blocks."""

    is_withheld: pd.Series
    blocks: list[dict[str, Any]]
    rules: frozenset[str]


def refuse(judgement: Judgement) -> Refusal:
    """Match every finding that refuses to the figures it speaks about."""
    values = placed(judgement.values)
    findings = judgement.findings[judgement.findings["severity"] == "error"]
    faults = pd.concat([*_by_finding(values, findings, judgement.headers), *_by_flag(values, judgement)])
    faults = faults.drop_duplicates(["at", "rule_id"]).sort_values("at", kind="stable")
    sentences = {row.rule_id: row.sentence for row in judgement.results}
    paths = _paths(judgement.headers)
    by_column = values.loc[faults["at"], ["file", "sheet", "column", "year"]].reset_index(drop=True)
    keys = [by_column[name] for name in by_column.columns]
    blocks = [
        _entry(values, group, paths, sentences) for _, group in faults.reset_index(drop=True).groupby(keys, sort=False)
    ]
    withheld = pd.Series(values.index.isin(faults["at"]), index=judgement.values.index)
    return Refusal(withheld, blocks, frozenset(faults["rule_id"]))


def placed(values: pd.DataFrame) -> pd.DataFrame:
    """The figures numbered from 0, with the letters and the row of their cell."""
    frame = values.reset_index(drop=True)
    place = frame["cell"].astype("string").str.extract(r"^([A-Z]+)(\d+)$")
    return frame.assign(column=place[0].fillna(""), row=place[1].fillna("0"))


def in_printed_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Placed figures by file and sheet, row by row."""
    order = frame.assign(row_no=frame["row"].astype(int), width=frame["column"].str.len())
    return frame.loc[order.sort_values(["file", "sheet", "row_no", "width", "column"], kind="stable").index]


def _by_finding(values: pd.DataFrame, findings: pd.DataFrame, headers: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """(at, rule_id, sentence, paste_rows, is_whole) of each figure that a finding speaks about."""
    yield pd.DataFrame(
        {"at": pd.Series(dtype="int64"), "rule_id": "", "sentence": "", "paste_rows": "", "is_whole": False}
    )
    columns = headers.assign(column=headers["col_no"].map(lambda number: xl_col_to_name(int(number) - 1)))
    for rule_id, group in findings.groupby("rule_id", sort=False):
        suite = group["suite"].iloc[0]
        if (group["block"] != "").any() or suite == "jumps":
            keys, whole = ["variable_code", "scope", "year"], True
            places = group
        elif suite == "headers":
            keys, whole = ["file", "sheet", "column"], True
            places = columns.merge(group[["file", "sheet", "header_path", *_SAID]], on=["file", "sheet", "header_path"])
        elif suite == "rows" or rule_id == "row_holds_its_own_figures":
            keys, whole = ["file", "sheet", "row"], False
            places = group.assign(row=group["cell"].str.extract(r"(\d+)$", expand=False).fillna("?"))
        else:
            keys, whole = ["file", "sheet", "cell"], False
            places = group[group["cell"] != ""]
        yield _matched(values, places, keys).assign(rule_id=rule_id, is_whole=whole)


def _matched(values: pd.DataFrame, places: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """(at, sentence, paste_rows): the figures whose keys equal those of a place."""
    left = values[keys].assign(at=values.index)
    right = places[[*keys, *_SAID]].drop_duplicates(keys)
    for key in keys:  # years are floats in one frame and integers in the other
        kind = float if key == "year" else object
        left[key], right[key] = left[key].astype(kind), right[key].astype(kind)
    return left.merge(right, on=keys, how="inner")[["at", *_SAID]]


def _by_flag(values: pd.DataFrame, judgement: Judgement) -> Iterable[pd.DataFrame]:
    """The same for rules about cells, from the flags that their frame has."""
    failures = {row.rule_id: row for row in judgement.results if not row.passed and row.severity == "error"}
    if not failures.keys() & set(CELL_RULES):
        return
    frame = PREPARE["values"](judgement.frames, judgement.baseline)
    for rule_id in CELL_RULES:
        if rule_id in failures:
            broken = frame[frame[rule_id].eq(False).fillna(False).astype(bool)]
            places = broken.assign(sentence=failures[rule_id].sentence)
            yield _matched(values, places, ["file", "sheet", "cell"]).assign(rule_id=rule_id, is_whole=False)


def _paths(headers: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    letters = headers["col_no"].map(lambda number: xl_col_to_name(int(number) - 1))
    return dict(zip(zip(headers["file"], headers["sheet"], letters, strict=True), headers["header_path"], strict=True))


def _entry(
    values: pd.DataFrame, faults: pd.DataFrame, paths: dict[tuple[str, str, str], str], sentences: dict[str, str]
) -> dict[str, Any]:
    """One printed column (of one year): what is refused of it, and why."""
    rows = in_printed_order(values.loc[faults["at"].drop_duplicates()])
    first = rows.iloc[0]
    path = paths.get((first["file"], first["sheet"], first["column"]), "")
    segments = path.split(" / ")
    unit, factor = unit_of(first["variable_code"], first["unit"])
    reasons = faults["sentence"].where(faults["sentence"] != "", faults["rule_id"].map(sentences))
    return {
        "table": segments[0] if len(segments) > 1 else first["sheet"],
        "headers": [path],
        "reason": " ".join(dict.fromkeys(reasons)),
        "rules": list(dict.fromkeys(faults["rule_id"])),
        "is_whole_column": bool(faults["is_whole"].any()),
        "raw_column": raw_column(first["variable_code"]),
        "scope": scope_of(first["scope"]),
        "unit": unit,
        "year": None if pd.isna(first["year"]) else int(first["year"]),
        "sheet": first["sheet"],
        "column": first["column"],
        "ready_rows": list(dict.fromkeys(row for text in faults["paste_rows"] for row in text.split("\n") if row)),
        "cities": rows["city_name"].tolist(),
        "cells": rows["cell"].tolist(),
        "figures": [_figure(value, factor, text) for value, text in zip(rows["value"], rows["text"], strict=True)],
    }


def _figure(value: float, factor: float, text: object) -> float | str:
    """The figure in the canonical unit, or what is printed where that is no number."""
    return str(text) if pd.isna(value) else float(value) * factor
