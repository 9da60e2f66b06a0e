"""The rules of the gate: rows of seed `gate_rule`."""

from dataclasses import dataclass, fields

import pandas as pd

SEVERITIES = {"refuse": "error", "wait": "error", "tell": "warn"}
NOT_JUDGED = "leave out"  # done to a figure by SQL: the load goes on


@dataclass(frozen=True)
class Rule:
    """One row of gate_rule.csv.

    frame: what it looks at.  observed: in words.  condition: what must hold of it.  limit_at: None where the frame has
    it or none is needed.  verdict: what follows.  elsewhere: what follows
    where no index uses the thing ('' = the same).  things: what is counted (plural).  fault: what is wrong with the
    offenders.  example: format string over the columns of the offending row.  group_by: column whose values are counted
    in the message ('' = none).  sentence: what must hold.  advice: what to do.
    """

    rule_id: str
    frame: str
    observed: str
    condition: str
    limit_at: float | None
    verdict: str
    elsewhere: str
    things: str
    fault: str
    example: str
    group_by: str
    sentence: str
    advice: str
    sentence_zh: str
    advice_zh: str

    @property
    def severity(self) -> str:
        """'error' refuses the load, 'warn' does not."""
        return SEVERITIES[self.verdict]

    @property
    def limit_column(self) -> str:
        return f"{self.rule_id}_limit"


def read_rules(seed: pd.DataFrame) -> list[Rule]:
    """The rules that are judged, in the order of the seed."""
    names = [field.name for field in fields(Rule)]
    texts = seed[names].astype("object").where(seed[names].notna(), "")
    rows = [{str(name): value for name, value in row.items()} for row in texts.to_dict("records")]
    return [
        Rule(**{**row, "limit_at": None if row["limit_at"] == "" else float(row["limit_at"])})
        for row in rows
        if row["verdict"] != NOT_JUDGED
    ]
