"""Small factories: one rule of the house -> one expectation; and functions that prepare columns.

A rule without a fast and readable expectation of its own is prepared as a true/false column first.
Great Expectations skips nulls silently, so a prepared column is never null where the rule applies.
"""

from dataclasses import asdict, dataclass
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd

SEVERITY_IN_GX = {"error": "critical", "warn": "warning"}


@dataclass(frozen=True)
class Rule:
    """One rule in words; stored as the expectation's meta.

    sentence: what must hold.  noun: what is counted (plural).  fault: what is wrong with the offenders.
    example: format string over the columns of the offending row.  advice: what to do.
    group: column whose values are counted in the message ('' = none).
    """

    rule_id: str
    sentence: str
    noun: str
    fault: str
    example: str
    advice: str
    severity: str = "error"
    group: str = ""

    @classmethod
    def from_meta(cls, meta: dict[str, Any] | None) -> "Rule":
        """The rule that an expectation carries in its meta."""
        return cls(**(meta or {}))


def _common(rule: Rule) -> dict[str, Any]:
    return {
        "meta": asdict(rule),
        "description": f"{rule.sentence} ({rule.severity}, rule {rule.rule_id})",
        "severity": SEVERITY_IN_GX[rule.severity],
    }


def must_be_true(column: str, rule: Rule) -> gxe.ExpectColumnValuesToBeInSet:
    """Every value of a true/false column is true."""
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True], **_common(rule))


def must_be_between(
    column: str, low: float | None, high: float | None, rule: Rule
) -> gxe.ExpectColumnValuesToBeBetween:
    """low <= value <= high; nulls are outside the rule."""
    return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **_common(rule))


def must_be_at_most(observed: str, limit: str, rule: Rule) -> gxe.ExpectColumnPairValuesAToBeGreaterThanB:
    """observed <= limit, row by row; a row in which either is null is outside the rule."""
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=limit, column_B=observed, or_equal=True, ignore_row_if="either_value_is_missing", **_common(rule)
    )


def must_be_used_as_printed(printed: str, used: str, rule: Rule) -> gxe.ExpectColumnPairValuesToBeEqual:
    """Both figures are the same; one that is left out (null) is not."""
    return gxe.ExpectColumnPairValuesToBeEqual(
        column_A=printed, column_B=used, ignore_row_if="neither", **_common(rule)
    )


def must_be_unique(column: str, rule: Rule) -> gxe.ExpectColumnValuesToBeUnique:
    """No value twice; nulls are outside the rule."""
    return gxe.ExpectColumnValuesToBeUnique(column=column, **_common(rule))


def must_have_rows(rule: Rule) -> gxe.ExpectTableRowCountToBeBetween:
    """The frame is not empty: on an empty frame every other expectation would pass."""
    return gxe.ExpectTableRowCountToBeBetween(min_value=1, **_common(rule))


def as_flag(column: pd.Series, *, when_null: bool = False) -> pd.Series:
    """A true/false column without nulls, whatever the database handed over (bool, object, 0/1)."""
    filled = column.astype("object").where(column.notna(), when_null)
    return filled.astype(bool)


def only_where(applies: pd.Series, flag: pd.Series) -> pd.Series:
    """The flag where the rule applies, null elsewhere: only what was really checked is counted."""
    return flag.astype("object").where(applies, None)


def is_blank(text: pd.Series) -> pd.Series:
    """True where a cell holds nothing but white space."""
    return text.isna() | (text.astype("string").str.strip().fillna("") == "")


def as_number(column: pd.Series) -> pd.Series:
    """Floats; null, infinite and non-numeric become NaN."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() != float("inf"))
