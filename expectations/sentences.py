"""What was judged of a rule -> one plain `ResultRow`: what, where (up to five examples), what to do."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from xlsxwriter.utility import xl_col_to_name

from expectations.columns import as_flag
from expectations.contract import LEFT_OUT, MAX_DETAILS, ResultRow
from expectations.rules import NOT_JUDGED, SEVERITIES, Rule

MAX_EXAMPLES = 5
MAX_TEXT = 80
# columns that are words of the gate itself: shown whole
WHOLE = ("why", "places", "figures", "words")
# what follows where no index uses the things
ELSEWHERE = {"leave out": "Nothing: no index uses them, and they are left out.", "tell": "Nothing: no index uses them."}


def result_row(rule: Rule, frame: pd.DataFrame, n_checked: int, offenders: list[Any]) -> ResultRow:
    """The plain row of a rule that looked at `n_checked` things; offenders: rows of the frame that break it."""
    if rule.condition == "has rows":
        return _table_row(rule, len(frame), is_passed=not offenders)
    if not offenders:
        observed = f"0 of {n_checked:,} {rule.things}"
        sentence = f"{rule.sentence} Checked {rule.things}: {n_checked:,}."
        return ResultRow(rule.rule_id, rule.frame, rule.severity, True, n_checked, 0, observed, sentence)
    return _element_row(rule, n_checked, frame.loc[offenders])


def exception_of(result: ExpectationValidationResult) -> str:
    """Message of the exception inside a result, '' if none.

    Great Expectations stores either one dict or one dict per metric, and never raises.
    """
    info = result.exception_info or {}
    parts: list[Any] = [info] if "raised_exception" in info else list(info.values())
    messages = [str(part["exception_message"]) for part in parts if part["raised_exception"]]
    return "; ".join(dict.fromkeys(messages))


def broken_row(rule: Rule, problem: str) -> ResultRow:
    """A rule that could not be evaluated counts as a failed error, even if the rule only warns."""
    sentence = (
        f"This rule could not be checked, so it counts as failed: {rule.sentence} Reason: {problem.strip()} "
        f"What to do: this is a fault of the gate or of the view that feeds it, not of the file; correct it "
        f"and run again."
    )
    return ResultRow(rule.rule_id, rule.frame, "error", False, 0, 0, f"not checked: {problem.strip()}", sentence)


def _element_row(rule: Rule, n_checked: int, bad: pd.DataFrame) -> ResultRow:
    severity, advice = rule.severity, rule.advice
    left_out: list[dict[str, object]] = []
    if rule.elsewhere and not as_flag(bad["weighs"], when_null=True).any():
        severity, advice = SEVERITIES["tell"], ELSEWHERE[rule.elsewhere]
        if rule.elsewhere == NOT_JUDGED:
            left_out = [
                {name: _plain(row.get(name)) for name in LEFT_OUT} | {"rule_id": rule.rule_id}
                for row in bad.to_dict("records")
            ]
    observed = f"{len(bad):,} of {n_checked:,} {rule.things}{_group_counts(bad, rule)}"
    examples = "; ".join(_example(row, rule) for row in bad.head(MAX_EXAMPLES).to_dict("records"))
    more = f" and {len(bad) - MAX_EXAMPLES:,} more" if len(bad) > MAX_EXAMPLES else ""
    sentence = f"{observed} {rule.fault}: {examples}{more}. What to do: {advice}"
    details = [
        {str(key): _plain(value) for key, value in row.items()} for row in bad.head(MAX_DETAILS).to_dict("records")
    ]
    return ResultRow(
        rule.rule_id, rule.frame, severity, False, n_checked, len(bad), observed, sentence, details, left_out
    )


def _table_row(rule: Rule, n_seen: int, *, is_passed: bool) -> ResultRow:
    observed = f"{n_seen:,} {rule.things}"
    if is_passed:
        return ResultRow(rule.rule_id, rule.frame, rule.severity, True, n_seen, 0, observed, rule.sentence)
    sentence = f"{rule.fault[0].upper()}{rule.fault[1:]}. What to do: {rule.advice}"
    return ResultRow(rule.rule_id, rule.frame, rule.severity, False, n_seen, 1, observed, sentence)


def _group_counts(bad: pd.DataFrame, rule: Rule) -> str:
    """' (gdp_nom 297, wage_avg_nom 3)': which variables carry the fault, largest first."""
    if not rule.group_by:
        return ""
    counts = bad[rule.group_by].value_counts()
    parts = [f"{name} {count:,}" for name, count in counts.head(MAX_EXAMPLES).items()]
    rest = len(counts) - MAX_EXAMPLES
    return f" ({', '.join(parts)}{f' and {rest} more' if rest > 0 else ''})"


def _example(row: Mapping[Any, Any], rule: Rule) -> str:
    """One offender in words, with its place in the file."""
    texts = {
        str(key): str(value) if key in WHOLE and isinstance(value, str) else _text(value) for key, value in row.items()
    }
    words = rule.example.format_map(texts)
    place = _place(row)
    return f"{words} [{place}]" if place else words


def _place(row: Mapping[Any, Any]) -> str:
    """'yearbook.xlsx, sheet Sheet1, cell C5', as precise as the row allows."""
    parts = [] if _is_null(row.get("file")) else [str(row["file"])]
    if parts and row["sheet"]:  # a text or Stata file has none
        parts.append(f"sheet {row['sheet']}")
    if not _is_null(row.get("cell")):
        parts.append(f"cell {row['cell']}")
    elif not _is_null(row.get("col_no")):
        parts.append(f"column {xl_col_to_name(int(row['col_no']) - 1)}")
    return ", ".join(parts)


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> object:
    """A value of the standard library only: no numpy scalar, no NaN."""
    if isinstance(value, list):
        return [{key: _plain(one) for key, one in item.items()} for item in value]
    if _is_null(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _text(value: Any) -> str:
    """A value as a person reads it: null -> 'blank', 2019.0 -> 2019, 12345 -> 12,345, long texts cut."""
    if _is_null(value):
        return "blank"
    if not isinstance(value, bool) and isinstance(value, Real):
        number = float(value)
        if number.is_integer() and abs(number) < 1e15:
            return f"{number:.0f}" if abs(number) < 10_000 else f"{number:,.0f}"
        return f"{number:,.4g}" if abs(number) < 10_000 else f"{number:,.1f}"
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
