"""Judge one load by all rules: frames in, plain result rows and a folder of Data Docs out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from expectations.contract import Baseline, Frames, ResultRow, check_frames

logger = logging.getLogger(__name__)

SECOND = ("across", "edits")  # suites that look across rows, years and sources


def validate(
    frames: Mapping[str, pd.DataFrame], baseline: Baseline, *, docs_dir: Path | None, name: str
) -> list[ResultRow]:
    """Judge one load; write its page of the Data Docs into `docs_dir`, if there is one.

    frames: the frames of `contract.FRAME_COLUMNS`; they are not changed. `findings.findings_frame` opens the
    returned rows up into places.
    name: of the page; a second run with the same name replaces the first.
    Returns one row per rule. A rule that could not be evaluated is a failed row of severity 'error'.
    Raises ValueError when a frame or a column is missing.
    """
    check_frames(frames)
    # Great Expectations takes seconds to import: only those who run the gate pay for it.
    from expectations import docs
    from expectations.judge import judge_load

    frames = Frames(frames)
    rows = [_beside_usual(row, baseline) for row in second_look(judge_load(name, frames, baseline))]
    by_rank = by_influence(rows, baseline)
    for row in by_rank:
        if not row.passed:
            logger.log(logging.ERROR if row.severity == "error" else logging.WARNING, "%s: %s", name, row.sentence)
    if docs_dir is not None:
        rules = {rule.rule_id: rule for rule in frames.rules}
        docs.write_load(docs_dir, name, rows, by_rank, rules, accepted=is_accepted(rows))
    return rows


def write_index(folder: Path, loads: pd.DataFrame) -> Path:
    """The index of the Data Docs: see `docs.write_index`."""
    from expectations import docs

    return docs.write_index(folder, loads)


def second_look(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Rules across rows, years and sources refuse what looks sound on its own; of a load that is refused already they
    would say the same once more in other words, so there they warn.
    """
    if is_accepted([row for row in rows if row.suite not in SECOND]):
        return list(rows)
    return [replace(row, severity="warn") if row.suite in SECOND and not row.passed else row for row in rows]


def by_influence(rows: Sequence[ResultRow], baseline: Baseline) -> list[ResultRow]:
    """What refuses first, then the warnings: those with more findings than any accepted edition of the source had, and
    of these the ones that can move a score most.
    """

    def key(row: ResultRow) -> tuple[bool, bool, bool, float]:
        most = baseline.usual.get(row.rule_id, (0, 0))[1]
        return row.passed, row.severity != "error", row.n_unexpected <= most, -influence(row, baseline)

    return sorted(rows, key=key)


def influence(row: ResultRow, baseline: Baseline) -> float:
    """Of the finding that weighs most: `influence` where the suite knows it, else the weight of its variable."""
    return max(
        (
            float(str(one.get("influence", baseline.weight(one.get("variable_code"), one.get("scope")))))
            for one in row.details
        ),
        default=0.0,
    )


def _beside_usual(row: ResultRow, baseline: Baseline) -> ResultRow:
    """A warning with the number of findings that accepted editions had."""
    usual = baseline.usual.get(row.rule_id)
    if row.passed or row.severity == "error" or usual is None:
        return row
    low, high = usual
    span = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    how = "More than in" if row.n_unexpected > high else "As in"
    return replace(row, sentence=f"{how} accepted editions ({span}): {row.sentence}")


def is_accepted(rows: Sequence[ResultRow]) -> bool:
    """True when rules were evaluated and none of severity 'error' failed."""
    return bool(rows) and all(row.passed or row.severity != "error" for row in rows)
