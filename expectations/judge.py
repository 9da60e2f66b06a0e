"""Hold one prepared frame against the rules of its rows in gate_rule.csv, and make sure that every rule has an answer.

A frame has one column a rule, named by its `rule_id`, with what is observed; it is null where the rule does not apply.
Great Expectations skips nulls. A limit that depends on the row stands in the column `<rule_id>_limit`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.core import ExpectationSuite
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.data_context import EphemeralDataContext
from great_expectations.expectations.expectation import Expectation

from expectations.columns import of_figures
from expectations.context import run_suite
from expectations.contract import Baseline, Frames, ResultRow
from expectations.rules import Rule
from expectations.sentences import broken_row, result_row, row_of_nothing
from expectations.suites import PREPARE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgedSuite:
    """The outcome of one suite; `result` is None when it could not run, or no rule of it applies."""

    name: str
    rows: list[ResultRow]
    result: ExpectationSuiteValidationResult | None


def judge_suite(context: EphemeralDataContext, name: str, frames: Frames, baseline: Baseline) -> JudgedSuite:
    """One row per rule of the frame, in the order of the seed, also when the preparation or the engine breaks."""
    rules = {rule.rule_id: rule for rule in frames.rules if rule.frame == name}
    try:
        frame = PREPARE[name](frames, baseline)
        if "weighs" not in frame and "variable_code" in frame:
            frame["weighs"] = of_figures(frame, baseline.weighs)
        answers = {rule.rule_id: row_of_nothing(rule) for rule in rules.values() if not _applies(rule, frame)}
        applicable = [rule for rule in rules.values() if rule.rule_id not in answers]
        result = run_suite(context, build_suite(name, applicable, frame), frame) if applicable else None
        result_rows = [result_row(one, frame, rules) for one in result.results] if result else []
        answers |= {row.rule_id: row for row in result_rows}
    except Exception as error:  # the gate must refuse, whatever went wrong inside it
        logger.exception("Suite '%s' could not be run.", name)
        problem = f"{type(error).__name__}: {error}"
        return JudgedSuite(name, [broken_row(rule, problem) for rule in rules.values()], None)
    rows = [
        answers.get(rule_id) or broken_row(rule, "the engine returned no result for this rule")
        for rule_id, rule in rules.items()
    ]
    return JudgedSuite(name, rows, result)


def _applies(rule: Rule, frame: pd.DataFrame) -> bool:
    """Whether there is anything to hold against the rule: of nulls alone Great Expectations says that they passed."""
    return rule.condition == "has rows" or rule.rule_id not in frame or bool(frame[rule.rule_id].notna().any())


def build_suite(name: str, rules: Sequence[Rule], frame: pd.DataFrame) -> ExpectationSuite:
    """One expectation a rule."""
    expectations = [_expectation(rule, has_limit=rule.limit_column in frame) for rule in rules]
    return ExpectationSuite(name=name, expectations=expectations, meta={"suite": name})


def _expectation(rule: Rule, *, has_limit: bool) -> Expectation:
    """has_limit: the frame has the limit, row by row."""
    column = rule.rule_id
    common: dict[str, Any] = {
        "meta": {"rule_id": rule.rule_id},
        "description": f"{rule.sentence} ({rule.severity}, rule {rule.rule_id})",
        "severity": {"error": "critical", "warn": "warning"}[rule.severity],
    }
    if rule.condition == "has rows":  # on an empty frame every other expectation would pass
        return gxe.ExpectTableRowCountToBeBetween(min_value=1, **common)
    if rule.condition == "is true":
        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True], **common)
    if rule.condition == "is unique":
        return gxe.ExpectColumnValuesToBeUnique(column=column, **common)
    if rule.condition in ("at most", "at least") and has_limit:
        smaller, larger = (column, rule.limit_column)[:: 1 if rule.condition == "at most" else -1]
        return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=larger, column_B=smaller, or_equal=True, ignore_row_if="either_value_is_missing", **common
        )
    if rule.condition == "at most" and rule.limit_at is not None:
        return gxe.ExpectColumnValuesToBeBetween(column=column, max_value=rule.limit_at, **common)
    if rule.condition == "at least" and rule.limit_at is not None:
        return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=rule.limit_at, **common)
    raise ValueError(f"gate_rule.csv: {rule.rule_id} must have a known condition and a limit, not '{rule.condition}'.")
