"""Hold the prepared frames of a load against the rows of gate_rule.csv, and make sure that every rule has an answer.

A frame has one column a rule, named by its `rule_id`, with what is observed; it is null where the rule does not apply.
A limit that depends on the row stands in the column `<rule_id>_limit`. Great Expectations judges tables for all
rules of a kind, with a row for each thing that a rule looks at: an expectation costs it more than ten thousand rows.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuite
from great_expectations.expectations.expectation import Expectation

from expectations.columns import of_figures
from expectations.context import run_suite
from expectations.contract import Baseline, Frames, ResultRow
from expectations.rules import Rule
from expectations.sentences import broken_row, exception_of, result_row
from expectations.suites import PREPARE

type Columns = dict[str, np.ndarray]  # of one length

logger = logging.getLogger(__name__)

# conditions of rules -> what is expected of the columns of the table that hold what is observed
EXPECTATIONS: dict[tuple[str, ...], Callable[[], Expectation]] = {
    ("has rows", "is true"): partial(gxe.ExpectColumnValuesToBeInSet, column="is_true", value_set=[True]),
    ("is unique",): partial(gxe.ExpectColumnValuesToBeUnique, column="key"),
    ("at most", "at least"): partial(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB, column_A="larger", column_B="smaller", or_equal=True
    ),
}


def judge_load(name: str, frames: Frames, baseline: Baseline) -> list[ResultRow]:
    """One row per rule, in the order of the seed, also when the preparation or the engine breaks."""
    prepared: dict[str, pd.DataFrame] = {}
    observed: dict[str, Columns] = {}
    problems: dict[str, str] = {}  # of a frame or of a rule
    for rule in frames.rules:
        try:
            if rule.frame not in prepared and rule.frame not in problems:
                prepared[rule.frame] = _prepared(rule.frame, frames, baseline)
            if rule.frame in prepared:
                observed[rule.rule_id] = _observed(rule, prepared[rule.frame])
        except Exception as error:  # the gate must refuse, whatever went wrong inside it
            logger.exception("Rule '%s' could not be prepared.", rule.rule_id)
            problems[rule.rule_id if rule.frame in prepared else rule.frame] = f"{type(error).__name__}: {error}"
    offenders: dict[str, list[Any]] = {}
    for conditions, expectation in EXPECTATIONS.items():
        ids = [
            rule.rule_id
            for rule in frames.rules
            if rule.condition in conditions and rule.rule_id in observed and len(observed[rule.rule_id]["at"])
        ]
        try:
            if ids:
                rules = np.repeat(ids, [len(observed[one]["at"]) for one in ids])
                columns = {part: np.concatenate([observed[one][part] for one in ids]) for part in observed[ids[0]]}
                offenders |= _judged(name, expectation(), pd.DataFrame({"rule_id": rules, **columns}))
        except Exception as error:
            logger.exception("Load '%s' could not be judged.", name)
            problems |= dict.fromkeys(ids, f"{type(error).__name__}: {error}")
    return [
        broken_row(rule, problem)
        if (problem := problems.get(rule.frame) or problems.get(rule.rule_id))
        else result_row(rule, prepared[rule.frame], len(observed[rule.rule_id]["at"]), offenders.get(rule.rule_id, []))
        for rule in frames.rules
    ]


def _prepared(name: str, frames: Frames, baseline: Baseline) -> pd.DataFrame:
    frame = PREPARE[name](frames, baseline)
    if "weighs" not in frame and "variable_code" in frame:
        frame["weighs"] = of_figures(frame, baseline.weighs)
    return frame


def _observed(rule: Rule, frame: pd.DataFrame) -> Columns:
    """What the rule looks at, row by row; at: the row of the frame. Arrays: a frame a rule costs more than its rows."""
    if rule.condition == "has rows":  # on an empty frame every other rule is met
        return {"at": np.array([-1]), "is_true": np.array([len(frame) > 0], dtype=object)}
    if rule.rule_id not in frame:
        raise ValueError(f'the frame has no column "{rule.rule_id}".')
    is_seen = frame[rule.rule_id].notna().to_numpy()
    at, column = frame.index.to_numpy()[is_seen], frame[rule.rule_id][is_seen]
    if rule.condition == "is true":
        return {"at": at, "is_true": column.to_numpy(dtype=object)}
    if rule.condition == "is unique":
        return {"at": at, "key": rule.rule_id + " " + column.astype(str).to_numpy(dtype=object)}
    has_limit = rule.limit_column in frame
    if rule.condition not in ("at most", "at least") or (rule.limit_at is None and not has_limit):
        raise ValueError(f"gate_rule.csv: it must have a known condition and a limit, not '{rule.condition}'.")
    values = column.to_numpy(dtype="float64")
    limit = frame[rule.limit_column][is_seen] if has_limit else np.full(len(at), rule.limit_at)
    limits = np.asarray(limit, dtype="float64")
    is_known = ~np.isnan(limits)
    sides = ("smaller", "larger")[:: 1 if rule.condition == "at most" else -1]
    return {"at": at[is_known], sides[0]: values[is_known], sides[1]: limits[is_known]}


def _judged(name: str, expectation: Expectation, table: pd.DataFrame) -> dict[str, list[Any]]:
    """Rule -> rows of its frame that break it. ValueError where the engine did not look at all rows."""
    columns = table.drop(columns=["rule_id", "at"])  # the engine hashes all that it is given, twice
    (result,) = run_suite(ExpectationSuite(name=name, expectations=[expectation]), columns).results
    outcome = result.result or {}
    n_seen = outcome.get("element_count")
    if problem := exception_of(result) or ("" if n_seen == len(table) else f"it saw {n_seen} of {len(table)} rows."):
        raise ValueError(problem)
    broken = table.loc[outcome["unexpected_index_list"]]
    return {str(one): rows["at"].tolist() for one, rows in broken.groupby("rule_id", sort=False)}
