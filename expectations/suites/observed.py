"""What the rules across rows, columns, years and sources observe of a load, beside their limits.

The figures are computed where the data is (dbt models in folder `gate`); a row is one thing that one rule looked at.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from expectations import paste
from expectations.contract import Baseline, Frames
from expectations.judged import headers_of

MAX_SHOWN = 10  # edits that the question about all of them names


def across(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """The observations with one pair of columns a rule (observed, limit), and how to go on where a limit is passed."""
    frame = frames["across"].reset_index(drop=True)
    rules = {rule.rule_id: rule for rule in frames.rules if rule.frame == "across"}
    unknown = sorted(set(frame["rule_id"]) - set(rules))
    if unknown:
        raise ValueError(f"gate_observation speaks of {', '.join(unknown)}: give it a row in gate_rule.csv.")
    limit, observed = frame["limit_at"].astype("float64"), frame["observed"].astype("float64")
    for rule_id, rule in rules.items():
        applies = frame["rule_id"] == rule_id
        frame[rule_id], frame[rule.limit_column] = observed.where(applies), limit.where(applies)
    frame = frame.astype(dict.fromkeys(("block", "file", "sheet", "why"), "object"))
    ways: list[dict[str, Any]] = [{}] * len(frame)
    beyond = frame[observed > limit]
    for at, row in zip(beyond.index, beyond.to_dict("records"), strict=True):
        ways[at] = _way_on(row, frames, baseline, waits=rules[row["rule_id"]].verdict == "wait")
    for name in ("file", "sheet", "header_path", "why", "sentence", "paste_into", "paste_rows"):
        old_ways = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="object")
        frame[name] = [way.get(name, old) for way, old in zip(ways, old_ways, strict=True)]
    return frame


def _way_on(row: Mapping[Any, Any], frames: Frames, baseline: Baseline, *, waits: bool) -> dict[str, Any]:
    """Place, sentence and ready-made rows of something beyond its limit; waits: for a row of gate_answer.csv."""
    rule_id, year = str(row["rule_id"]), row["year"]
    headers = headers_of(frames, str(row["variable_code"]), str(row["scope"])) if row["block"] else []
    place: dict[str, Any] = {}
    if headers:
        path = " | ".join(dict.fromkeys(str(head["header_path"]) for head in headers))
        place = {"file": headers[0]["file"], "sheet": headers[0]["sheet"], "header_path": path}
        where = f"{headers[0]['file']}, sheet {headers[0]['sheet']}, {path}"
        place["sentence"] = f"{row['variable_code']} ({row['scope']}) {year} [{where}]: {row['why']}."
    if rule_id.startswith("edits_"):
        place["why"] = f"{row['why']}: {_edits(row, frames['edits'])}"
    if waits:
        line = paste.answer_row(baseline.source, baseline.data_year, rule_id, str(row["subject"]))
        return place | {"paste_into": paste.ANSWER, "paste_rows": line}
    reason = f"{year} refused by {rule_id}: {row['why']}"
    lines = paste.ignore_rows(baseline.source, headers, baseline.data_year, reason)
    return place | {"paste_into": paste.HEADER_MAP, "paste_rows": "\n".join(lines)}


def _edits(observation: Mapping[str, object], edits: pd.DataFrame) -> str:
    """The figures in question in words, the most influential first."""
    for name in ("variable_code", "scope", "year", "city_id"):
        value: Any = observation[name]
        if pd.notna(value):
            edits = edits[edits[name] == value]
    sentences = [
        f"{row.city_name} {row.variable_code} ({row.scope}) '{row.text}' [{row.sheet} {row.cell}], {row.evidence}"
        for row in edits.head(MAX_SHOWN).itertuples()
    ]
    more = f" and {len(edits) - MAX_SHOWN} more" if len(edits) > MAX_SHOWN else ""
    return "; ".join(sentences) + more
