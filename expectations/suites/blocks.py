"""Suite `blocks`: one row per variable, scope and year. Is this the column that its header says, in its unit?

The rules speak in the order below, and a block is named by the first that it breaks: one fault, one message.
"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations import verdicts
from expectations.columns import Rule, must_be_true, only_where
from expectations.contract import Baseline
from expectations.judged import judged_blocks

NAME = "blocks"

_EXAMPLE = "{variable_code} ({scope}) {year}, {header_path}: {why}; for example {places}"
_GO_ON = (
    "Compare with the printed table. To go on without the column, paste its ready-made `ignore` row into "
    "header_map.csv: the rest of the file is then accepted."
)


def _rule(rule_id: str, sentence: str, fault: str, advice: str = "") -> Rule:
    return Rule(
        rule_id=rule_id,
        sentence=sentence,
        noun="columns and years",
        fault=fault,
        example=_EXAMPLE,
        advice=f"{advice}{_GO_ON}",
    )


NO_SLIP = _rule(
    verdicts.SLIP,
    "No column moves by a power of ten against its last accepted year.",
    "moved by a power of ten",
    "If the file prints another unit than the header says, give that unit in header_map.csv. ",
)
IN_PLACE = _rule(
    verdicts.PLACE,
    "The figures of a column follow the past of their own variable, row by row.",
    "hold figures that belong elsewhere",
    "Headers and figures, or names and figures, are shifted against each other. ",
)
RANKS = _rule(
    verdicts.RANKS,
    "The order of the cities in a column is nearly that of its last accepted year.",
    "have cities in another order than in their last accepted year",
)
MEDIAN = _rule(
    verdicts.MEDIAN,
    "The median city of a column lies in the usual range of its variable.",
    "have an unusual median",
    "Unit or variable are probably wrong; if the range is too narrow, change variable.csv with a reason. ",
)
INSIDE = _rule(
    verdicts.BAND,
    "At most 5 % of the cities of a column lie outside the band of their variable.",
    "have more than 5 % of their cities outside the band",
)
IDENTITIES = _rule(
    verdicts.IDENTITY,
    "At most 5 % of the cities break an identity between the columns of the file.",
    "break an identity in more than 5 % of their cities",
    "Where it is unclear which column is wrong, all columns of the identity are named: leave out the wrong one. ",
)
# flag, rule, column that says where the rule applies ('' = everywhere)
_RULES = (
    ("is_no_slip", NO_SLIP, "can_slip"),
    ("is_in_place", IN_PLACE, "can_stand"),
    ("has_its_ranks", RANKS, "can_rank"),
    ("has_usual_median", MEDIAN, "can_median"),
    ("is_inside", INSIDE, ""),
    ("meets_identities", IDENTITIES, "can_identity"),
)
_COLUMNS = [
    "block",
    "file",
    "sheet",
    "col_no",
    "header_path",
    "variable_code",
    "scope",
    "year",
    "n_cities",
    "year_last",
    "n_pairs",
    "spearman",
    "median_log_ratio",
    "why",
    "places",
    "paste_into",
    "paste_rows",
    "sentence",
    "examples",
]


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The judged blocks with one true/false column per rule, null where it does not apply or an earlier rule spoke."""
    blocks = judged_blocks(frames, baseline)
    frame = blocks.reindex(columns=_COLUMNS)
    spoken = pd.Series(False, index=blocks.index)
    for flag, rule, applies in _RULES:
        is_broken = blocks["fault"] == rule.rule_id
        asked = (blocks[applies].astype(bool) | is_broken) if applies and applies in blocks else ~spoken
        frame[flag] = only_where(asked & ~spoken, ~is_broken)
        spoken = spoken | is_broken
    return frame.reset_index(drop=True)


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on whole columns."""
    expectations = [must_be_true(flag, rule) for flag, rule, _ in _RULES]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
