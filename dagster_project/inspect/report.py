"""From a judgement to the report: what is read, what is not known, what is refused. Plain dicts for JSON and people."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from dagster_project.inspect.frames import Draft
from dagster_project.inspect.judge import Judgement
from dagster_project.inspect.names import raw_column, scope_of, unit_of
from dagster_project.inspect.refusal import Refusal, in_printed_order, placed, refuse
from expectations.findings import READ_OTHERWISE, REFUSED, Outcome, outcome_of_finding, outcome_of_load, rows_to_review
from expectations.run import by_influence
from expectations.suggest import CityNames, HeaderHint, HeaderMap, is_open, open_row, ready_answers

# rules about what a whole load must bring: one table of the yearbook is only a part of a load
WHOLE_LOAD_RULES = ("required_variable_has_column",)
# reported under their own key
LISTED_RULES = ("header_is_known", "row_city_is_known")
# what follows from a table of which no column is read
EMPTY_RULES = ("year_has_numbers",)
NAMED = ("city_code", "city_name", "year", "raw_column", "scope")


@dataclass(frozen=True)
class Report:
    """What `nqpf inspect` says. `load` and `counts` describe the file; the rest are the keys of the JSON.

    verdict: what landing would come to, 'accepted', 'waits' or 'refused', in `outcome` with the number of answers;
    findings: one for each rule that is broken, with its own verdict and its ready-made answers; sound: the rules met.
    """

    verdict: str
    outcome: str
    findings: list[dict[str, Any]]
    sound: list[str]
    load: dict[str, Any]
    counts: dict[str, int]
    values: list[dict[str, Any]]
    unmapped_headers: list[dict[str, Any]]
    unknown_cities: list[dict[str, Any]]
    refused_blocks: list[dict[str, Any]]
    edits: list[dict[str, Any]]
    load_problems: list[str]
    warnings: list[str]
    ready_rows: list[str]  # corrections of figures that are read otherwise than they are printed

    @property
    def is_clean(self) -> bool:
        """Everything was read: nothing unknown, nothing refused."""
        return not (self.unmapped_headers or self.unknown_cities or self.refused_blocks or self.load_problems)


def build_report(draft: Draft, judgement: Judgement, seeds: Path, cities: pd.DataFrame, year: int | None) -> Report:
    """Compose the report; `cities`: city_id, city_code of the seed; `year`: of many years, only this one."""
    refusal = refuse(judgement)
    ready = ready_answers(judgement.headers, judgement.rows, seeds)
    rows = [row for row in judgement.results if row.rule_id not in _left_to_the_whole(judgement, draft)]
    outcomes = {row.rule_id: outcome_of_finding(row, ready) for row in rows}
    outcome = outcome_of_load(rows, ready)
    if draft.problems or judgement.problems:
        outcome = Outcome(REFUSED)
    values = _values(judgement.values[~refusal.is_withheld], cities, year)
    headers = judgement.headers
    return Report(
        verdict=outcome.word,
        outcome=str(outcome),
        findings=[
            {
                "rule": row.rule_id,
                "verdict": outcomes[row.rule_id].word,
                "outcome": str(outcomes[row.rule_id]),
                "sentence": row.sentence,
                "answers": list(outcomes[row.rule_id].answers),
            }
            for row in rows
            if not row.passed
        ],
        sound=[row.rule_id for row in rows if row.passed],
        load=_load(draft),
        counts=_counts(draft, headers, values),
        values=values,
        unmapped_headers=_unmapped(headers, draft, seeds),
        unknown_cities=_unknown(judgement.rows, draft, seeds),
        refused_blocks=refusal.blocks,
        edits=_edits(judgement, cities),
        load_problems=[*draft.problems, *judgement.problems, *_problems(judgement, draft, refusal)],
        warnings=_warnings(judgement),
        ready_rows=[line for _, line, _ in rows_to_review(judgement.results, (READ_OTHERWISE,))],
    )


def _load(draft: Draft) -> dict[str, Any]:
    sidecar = draft.sidecar
    is_yearbook = sidecar.layout != "long" and bool(sidecar.data_year)
    return {
        "file": ", ".join(file.path for file in sidecar.files),
        "source": sidecar.source,
        "layout": sidecar.layout,
        "year": sidecar.data_year or None,
        "edition": sidecar.data_year + 1 if is_yearbook else None,
        "sheets": sorted(draft.header["sheet"].unique().tolist()),
        "keys": dict(sidecar.keys),
        "sha256": ", ".join(file.sha256 for file in sidecar.files),
        "is_synthetic": sidecar.is_synthetic,
        "said": list(draft.remarks),
    }


def _counts(draft: Draft, headers: pd.DataFrame, values: list[dict[str, Any]]) -> dict[str, int]:
    is_known, read = headers["is_known"].astype(bool), _is_read(headers)
    return {
        "cells": len(draft.cells),
        "columns": len(headers),
        "columns_read": int(read.sum()),
        "columns_ignored": int((is_known & ~read).sum()),
        "columns_unknown": int((~is_known).sum()),
        "values": len(values),
        "cities": len({value["city_code"] for value in values}),
    }


def _values(values: pd.DataFrame, cities: pd.DataFrame, year: int | None) -> list[dict[str, Any]]:
    frame = in_printed_order(placed(values[values["value"].notna()]))
    if year is not None:
        frame = frame[frame["year"] == year]
    frame = _rows_of(frame, cities)
    frame = frame.assign(value=frame["value"].astype(float) * frame["factor"], year=frame["year"].astype(int))
    frame = frame.astype({"is_corrected": bool}).rename(columns={"text": "printed"})
    return _records(frame, *NAMED, "value", "unit", "sheet", "cell", "printed", "is_corrected")


def _edits(judgement: Judgement, cities: pd.DataFrame) -> list[dict[str, Any]]:
    """Figures that cannot be right, the most influential first: what is printed, what would be used, and why."""
    frame = _rows_of(judgement.frames["edits"], cities)
    printed_values, used_values = (
        frame[name].astype(float) * frame["factor"] for name in ("printed_value", "used_value")
    )
    frame = frame.assign(printed=printed_values, used=used_values, why=frame["evidence"])
    frame = frame.astype({"year": int})
    return _records(frame, *NAMED, "rule", "printed", "used", "unit", "text", "sheet", "cell", "why")


def _records(frame: pd.DataFrame, *names: str) -> list[dict[str, Any]]:
    columns = (frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _rows_of(frame: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Figures under the names of the list of raw columns, with the factor to the unit of the list."""
    frame = frame.merge(cities, on="city_id", how="left", validate="many_to_one")
    units = [unit_of(str(code), str(unit)) for code, unit in zip(frame["variable_code"], frame["unit"], strict=True)]
    return frame.assign(
        raw_column=[raw_column(str(code)) for code in frame["variable_code"]],
        scope=[scope_of(str(scope)) for scope in frame["scope"]],
        unit=[unit for unit, _ in units],
        factor=[factor for _, factor in units],
    )


def _unmapped(headers: pd.DataFrame, draft: Draft, seeds: Path) -> list[dict[str, Any]]:
    header_map = HeaderMap(seeds)
    rows = []
    unknown = headers[~headers["is_known"].astype(bool)].sort_values(["file", "sheet", "col_no"], kind="stable")
    row: Any
    for row, is_asked in zip(unknown.itertuples(), is_open(unknown), strict=True):
        hint = header_map.hint(draft.sidecar.source, _text(row.header_key), row.header_unit)
        if is_asked:  # what the figures or the words of the dictionary say, never a likeness
            ready, _ = open_row(row._asdict())
            hint = HeaderHint(_text(row.header_key), "", next(csv.reader([ready]))[4], 0.0, ready)
        rows.append(
            {
                "path": row.header_path,
                "header_key": _text(row.header_key),
                "unit": _text(row.header_unit) or None,
                "sheet": row.sheet,
                "column": xl_col_to_name(int(row.col_no) - 1),
                "nearest": hint.nearest or None,
                "nearest_score": round(hint.score, 1),
                "nearest_variable": hint.variable_code,
                "ready_row": hint.ready_row,
            }
        )
    return rows


def _unknown(rows: pd.DataFrame, draft: Draft, seeds: Path) -> list[dict[str, Any]]:
    names = CityNames(seeds)
    entries = []
    is_likely = not _is_of_others(rows)
    unknown = rows[rows["row_kind"] == "unknown"]
    row: Any
    for row in unknown.sort_values(["file", "sheet", "row_no"], kind="stable").itertuples():
        name = _text(row.city_text) or _text(row.code_text)
        hint = names.hint(draft.sidecar.source, name, row.year)
        entries.append(
            {
                "name": name,
                "sheet": row.sheet,
                "cell": _text(row.cell) or None,
                "year": None if pd.isna(row.year) else int(row.year),
                "figures": int(row.n_values),
                "nearest": [{"name": near, "score": round(score, 1)} for near, score in hint.nearest],
                "ready_row": hint.ready_row if is_likely and hint.ready_row else None,
                "known_elsewhere": hint.elsewhere or None,
            }
        )
    return entries


def _is_of_others(rows: pd.DataFrame) -> bool:
    """More unknown names than cities: a table of county-level cities, whose names resemble those of prefectures."""
    return int((rows["row_kind"] == "unknown").sum()) > int((rows["row_kind"] == "city").sum())


def _problems(judgement: Judgement, draft: Draft, refusal: Refusal) -> list[str]:
    """Sentences of broken error rules that neither a header, nor a city, nor a refused figure explains."""
    other_rules = {*LISTED_RULES, *refusal.rules, *_left_to_the_whole(judgement, draft)}
    others = "More names are unknown than known: a table of other places, such as county-level cities."
    sentences = [others] if _is_of_others(judgement.rows) else []
    return sentences + [
        r.sentence for r in judgement.results if not r.passed and r.severity == "error" and r.rule_id not in other_rules
    ]


def _left_to_the_whole(judgement: Judgement, draft: Draft) -> tuple[str, ...]:
    """Rules that one table of an edition of many cannot be held to."""
    if draft.sidecar.layout != "tables" or len(draft.sidecar.files) != 1:
        return ()
    return (*WHOLE_LOAD_RULES, *(() if _is_read(judgement.headers).any() else EMPTY_RULES))


def _is_read(headers: pd.DataFrame) -> pd.Series:
    return headers["is_known"].astype(bool) & (headers["variable_code"] != "ignore")


def _warnings(judgement: Judgement) -> list[str]:
    results = by_influence(judgement.results, judgement.baseline)
    return [row.sentence for row in results if not row.passed and row.severity == "warn"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
