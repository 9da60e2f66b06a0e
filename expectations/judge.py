"""Run one suite and make sure that every one of its rules has an answer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
from great_expectations.core import ExpectationSuite
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.data_context import EphemeralDataContext

from expectations.columns import Rule
from expectations.context import run_suite
from expectations.contract import Baseline, ResultRow
from expectations.sentences import broken_row, result_row

logger = logging.getLogger(__name__)


class SuiteModule(Protocol):
    """What a module of `expectations.suites` offers."""

    NAME: str

    def prepare(self, frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame: ...

    def build_suite(self, baseline: Baseline) -> ExpectationSuite: ...


@dataclass(frozen=True)
class JudgedSuite:
    """The outcome of one suite; `result` is None when the suite could not run at all."""

    name: str
    rows: list[ResultRow]
    result: ExpectationSuiteValidationResult | None


def judge_suite(
    context: EphemeralDataContext, module: SuiteModule, frames: Mapping[str, pd.DataFrame], baseline: Baseline
) -> JudgedSuite:
    """One row per rule of the suite, in the suite's order, also when the preparation or the engine breaks."""
    suite = module.build_suite(baseline)
    rules = [Rule.from_meta(expectation.meta) for expectation in suite.expectations]
    try:
        frame = module.prepare(frames, baseline)
        result = run_suite(context, suite, frame)
        found = {row.rule_id: row for row in (result_row(one, frame, module.NAME) for one in result.results)}
    except Exception as error:  # the gate must refuse, whatever went wrong inside it
        logger.exception("Suite '%s' could not be run.", module.NAME)
        problem = f"{type(error).__name__}: {error}"
        return JudgedSuite(module.NAME, [broken_row(rule, module.NAME, problem) for rule in rules], None)
    rows = [
        found.get(rule.rule_id) or broken_row(rule, module.NAME, "the engine returned no result for this rule")
        for rule in rules
    ]
    return JudgedSuite(module.NAME, rows, result)
