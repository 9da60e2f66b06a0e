"""Suite `across`: what rules across rows, columns, years and sources observe of a load, held against their limits.

The figures are computed where the data is (dbt models in folder `gate`); a row is one thing that one rule looked at.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations import paste
from expectations.columns import Rule, must_be_at_most
from expectations.contract import Baseline
from expectations.judged import headers_of

NAME = "across"
MAX_SHOWN = 10  # edits that the question about all of them names

_COMPARE = (
    "Compare with the printed table. To go on without the column, add its ready-made `ignore` row: the rest is read."
)
_ANSWER = "If the page is right, complete the ready-made row of gate_answer.csv (who looked, and why) and run again."


def _rule(rule_id: str, sentence: str, noun: str, fault: str, advice: str) -> Rule:
    named = {"cities": "{city_name}: {why}", "provinces": "{why}", "loads": "{why}"}
    example = named.get(noun, "{variable_code} ({scope}) {year}: {why}")
    return Rule(rule_id=rule_id, sentence=sentence, noun=noun, fault=fault, example=example, advice=advice)


COLUMN_RULES = (
    _rule(
        "province_is_in_its_unit",
        "No province of a column moves by a power of ten alone.",
        "columns",
        "hold a province in another unit",
        _COMPARE,
    ),
    _rule(
        "province_stands_in_its_place",
        "The figures of each province stand beside their own cities.",
        "columns",
        "hold a province whose figures stand in the wrong rows",
        _COMPARE,
    ),
    _rule(
        "block_is_of_its_year",
        "No column repeats the figures of another year.",
        "columns",
        "repeat another year",
        _COMPARE,
    ),
    _rule(
        "province_is_of_its_year",
        "No province of a column repeats its figures of the last year.",
        "columns",
        "hold a province with the figures of another year",
        _COMPARE,
    ),
    _rule(
        "block_agrees_with_other_sources",
        "A column agrees with the sources that print the same in other years.",
        "columns",
        "differ from a source that agrees in other years",
        _COMPARE,
    ),
    _rule(
        "block_moves_as_usual",
        "A column moves, and its cities differ, as in other years and sources.",
        "columns",
        "move as no other year does (another concept often stands behind it)",
        _COMPARE,
    ),
    _rule(
        "figure_is_printed_once",
        "A load prints each figure once.",
        "columns",
        "print a figure more than once",
        "Two sheets or files hold the same column: leave one of them out of the load.",
    ),
    _rule(
        "counties_sum_to_city",
        "The counties of a city sum to what the city prints, or to less where not all of them are printed.",
        "columns",
        "hold counties that do not sum to their cities",
        f"The column is in another unit, or of another thing than the cities print. {_COMPARE}",
    ),
)
ROW = _rule(
    "row_holds_its_own_figures",
    "The figures of a city fit its own past, not that of another city.",
    "cities",
    "stand in a row that fits another city",
    f"Two rows or two names are exchanged: compare both cities with the printed page. {_ANSWER}",
)
GAP = _rule(
    "province_has_its_figures",
    "No province lacks the figures of a table that it had in the last year.",
    "provinces",
    "lack figures",
    f"Look for rows or cells that were cut off. {_ANSWER}",
)
TOTAL = _rule(
    "province_sum_meets_total",
    "The cities of a province sum to its printed total where those of other provinces do.",
    "totals",
    "are not the sum of their cities",
    f"A figure of the province, or its total, is wrong: compare with the printed page. {_ANSWER}",
)
IDENTITIES = _rule(
    "province_meets_identities",
    "Nowhere do half of the cities of a province break an identity between the columns.",
    "provinces",
    "break an identity",
    f"Figures of the province stand in the wrong rows or unit, in one of the columns of the identity. {_ANSWER}",
)
FEW = _rule(
    "edits_are_few",
    "A load has few figures that cannot be right.",
    "loads",
    "hold more figures that cannot be right than a sound edition has",
    f"Look at the list: many of them speak of a bad copy. {_ANSWER}",
)
FEW_OF_COLUMN = _rule(
    "edits_of_a_column_are_few",
    "A column has few figures that cannot be right.",
    "columns with such figures",
    "hold more of them than a sound column has",
    f"Many in one column, or in one province of it, speak of figures in the wrong rows. {_ANSWER}",
)
FEW_OF_CITY = _rule(
    "edits_of_a_city_are_few",
    "A city has few figures that cannot be right.",
    "cities",
    "hold more figures that cannot be right than a city of a sound edition has",
    f"Many in one row speak of figures of another city or of another year. {_ANSWER}",
)
RULES = (*COLUMN_RULES, ROW, GAP, TOTAL, IDENTITIES, FEW, FEW_OF_COLUMN, FEW_OF_CITY)
_ANSWERED = {rule.rule_id for rule in (ROW, GAP, TOTAL, IDENTITIES, FEW, FEW_OF_COLUMN, FEW_OF_CITY)}


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The observations with one pair of columns a rule (observed, limit), and how to go on where a limit is passed."""
    frame = frames["across"].reset_index(drop=True)
    limit, observed = frame["limit_at"].astype("float64"), frame["observed"].astype("float64")
    is_passed = observed > limit
    for rule in RULES:
        applies = frame["rule_id"] == rule.rule_id
        frame[f"{rule.rule_id}_observed"] = observed.where(applies)
        frame[f"{rule.rule_id}_limit"] = limit.where(applies)
    frame = frame.astype(dict.fromkeys(("block", "header_path", "file", "sheet", "why"), "object"))
    ways = [_way_on(row, frames, baseline) if bad else {} for row, bad in zip(_rows(frame), is_passed, strict=True)]
    for name in ("file", "sheet", "header_path", "why", "sentence", "paste_into", "paste_rows"):
        known = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="object")
        frame[name] = [way.get(name, old) for way, old in zip(ways, known, strict=True)]
    return frame


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """One expectation a rule: what is observed is at most its limit."""
    expectations = [must_be_at_most(f"{one.rule_id}_observed", f"{one.rule_id}_limit", one) for one in RULES]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _way_on(row: Mapping[str, object], frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> dict[str, Any]:
    """Place, sentence and ready-made rows of something beyond its limit."""
    rule_id = str(row["rule_id"])
    found: dict[str, Any] = {}
    headers = headers_of(frames, str(row["variable_code"]), str(row["scope"])) if row["block"] else []
    if headers:
        path = " | ".join(dict.fromkeys(str(head["header_path"]) for head in headers))
        found |= {"file": headers[0]["file"], "sheet": headers[0]["sheet"], "header_path": path}
        where = f"{headers[0]['file']}, sheet {headers[0]['sheet']}, {path}"
        found["sentence"] = f"{row['variable_code']} ({row['scope']}) {row['year']} [{where}]: {row['why']}."
    if rule_id in (FEW.rule_id, FEW_OF_COLUMN.rule_id, FEW_OF_CITY.rule_id):
        found["why"] = f"{row['why']}: {_edits(row, frames['edits'])}"
    if rule_id in _ANSWERED:
        line = paste.answer_row(baseline.source, baseline.data_year, rule_id, str(row["subject"]))
        return found | {"paste_into": paste.ANSWER, "paste_rows": line}
    reason = f"{row['year']} refused by {rule_id}: {row['why']}"
    lines = paste.ignore_rows(baseline.source, headers, baseline.data_year, reason)
    return found | {"paste_into": paste.HEADER_MAP, "paste_rows": "\n".join(lines)}


def _edits(row: Mapping[str, object], edits: pd.DataFrame) -> str:
    """The figures in question in words, the most influential first."""
    for name in ("variable_code", "scope", "year", "city_id"):
        wanted: Any = row[name]
        if pd.notna(wanted):
            edits = edits[edits[name] == wanted]
    shown = [
        f"{one.city_name} {one.variable_code} ({one.scope}) '{one.text}' [{one.sheet} {one.cell}], {one.evidence}"
        for one in edits.head(MAX_SHOWN).itertuples()
    ]
    more = f" and {len(edits) - MAX_SHOWN} more" if len(edits) > MAX_SHOWN else ""
    return "; ".join(shown) + more
