"""What the gate found, as one flat frame: the result rows of a load opened up into the places they speak about.

`findings_frame(rows, baseline)` serves the dry run and tests, `rows_to_review(rows)` the refused load; what a finding
and a load come to (`outcome_of_finding`, `outcome_of_load`) is said in the same words before and after landing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from expectations.contract import Baseline, ResultRow

# column -> what it holds; every column is text, but for the years and the figure
FINDING_COLUMNS: dict[str, str] = {
    "source": "source of the load",
    "data_year": "statistical year of the load, 0 for a source of several years",
    "suite": "suite of the rule",
    "rule_id": "rule that is broken",
    "severity": "'error' refuses the load, 'warn' does not",
    "block": "variable/scope/year of a finding about a whole column, e.g. gdp_nom/city/2019; '' for other findings",
    "file": "file below the landing folder",
    "sheet": "sheet of the workbook",
    "header_path": "printed header of the column, '' where the finding is about a row",
    "variable_code": "variable of seed `variable`, '' where there is none",
    "scope": "city, district or built_up",
    "year": "statistical year of the figure (missing where there is none)",
    "city_id": "place of the example",
    "city_name": "its official name",
    "cell": "address of the example",
    "text": "what the cell prints",
    "figure": "its value in the canonical unit of the variable (missing where the cell is no number)",
    "unit": "that unit",
    "sentence": "what is wrong, where, and what to do",
    "paste_into": "seed file that the ready-made rows belong into, '' where there are none",
    "paste_rows": "ready-made rows, separated by line feeds",
}
_NUMBERS = ("data_year", "year", "figure")
READ_OTHERWISE = "value_is_as_printed"
SOUND, TOLD, ACCEPTED, WAITS, REFUSED = "sound", "told", "accepted", "waits", "refused"


@dataclass(frozen=True)
class Outcome:
    """What a finding, or a load, comes to.

    word: of a finding 'sound', 'told' (it refuses nothing), 'waits' or 'refused'; of a load 'accepted', 'waits' or
    'refused'. What waits has a ready-made row for each of its places: a person completes it and runs again.
    answers: these rows, one text a question (a question may have several rows to choose from).
    """

    word: str
    answers: tuple[str, ...] = ()

    def __str__(self) -> str:
        n = len(self.answers)
        return self.word if self.word != WAITS else f"waits for {n} answer{'s' * (n != 1)}"


def outcome_of_finding(row: ResultRow, ready: Mapping[str, Sequence[str]]) -> Outcome:
    """ready: rule -> ready-made rows that do not stand in its places, as those of unknown headers and names."""
    if row.passed or row.severity != "error":
        return Outcome(SOUND if row.passed else TOLD)
    answers = [str(detail.get("paste_rows") or "") for detail in row.details] or [""]
    if "" in answers:
        answers = list(ready.get(row.rule_id, [])) or [""]
    return Outcome(REFUSED) if "" in answers else Outcome(WAITS, tuple(dict.fromkeys(answers)))


def outcome_of_load(rows: Sequence[ResultRow], ready: Mapping[str, Sequence[str]]) -> Outcome:
    """Refused where one finding is: answers to the others would not let the load in."""
    findings = [outcome_of_finding(row, ready) for row in rows]
    if not rows or any(one.word == REFUSED for one in findings):
        return Outcome(REFUSED)
    answers = tuple(dict.fromkeys(answer for one in findings for answer in one.answers))
    return Outcome(WAITS, answers) if answers else Outcome(ACCEPTED)


def findings_frame(rows: Sequence[ResultRow], baseline: Baseline) -> pd.DataFrame:
    """One row per offending place of every rule that is broken; columns as in `FINDING_COLUMNS`.

    A rule about blocks gives one row per block and example city (a few cities a block), all with the sentence of
    that block; a rule about cells, rows or headers one row per element (at most `MAX_DETAILS` a rule). A rule that
    could not be checked, or that has no place, gives one row with its sentence alone.
    """
    records = [record for row in rows if not row.passed for record in _records(row, baseline)]
    frame = pd.DataFrame(records, columns=list(FINDING_COLUMNS))
    for name in _NUMBERS:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    texts = [name for name in FINDING_COLUMNS if name not in _NUMBERS]
    frame[texts] = frame[texts].fillna("").astype("string")
    return frame


def _records(row: ResultRow, baseline: Baseline) -> list[dict[str, object]]:
    common: dict[str, object] = {
        "source": baseline.source,
        "data_year": baseline.data_year,
        "suite": row.suite,
        "rule_id": row.rule_id,
        "severity": row.severity,
        "sentence": row.sentence,
    }
    records: list[dict[str, object]] = []
    for detail in row.details:
        place = {**common, **_cell_of(detail)}
        examples = detail.get("examples")
        if isinstance(examples, list) and examples:
            records += [{**place, **_cell_of(example)} for example in examples]
        else:
            records.append(place)
    return records or [common]


def _cell_of(detail: Mapping[str, object]) -> dict[str, object]:
    """The columns of the frame that a detail fills; `value` is its figure, `city_text` its name."""
    columns = {name: detail[name] for name in FINDING_COLUMNS if detail.get(name) is not None}
    if detail.get("value") is not None:
        columns.setdefault("figure", detail["value"])
    if detail.get("city_text") is not None:
        columns.setdefault("city_name", detail["city_text"])
    return columns


def rows_to_review(rows: Sequence[ResultRow], only: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """(seed, row, comment) for each ready-made row of the rules that refuse the load and of figures that are read
    otherwise than they are printed; of the rules `only` where they are named."""
    ready_rows = [
        (str(detail["paste_into"]), line, f"{row.rule_id}: {detail.get('why') or ''}".rstrip(": "))
        for row in rows
        if not row.passed
        and (row.rule_id in only if only else row.severity == "error" or row.rule_id == READ_OTHERWISE)
        for detail in row.details
        for line in str(detail.get("paste_rows") or "").splitlines()
    ]
    return list(dict.fromkeys(ready_rows))
