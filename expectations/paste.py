"""Ready-made rows: what a person pastes into a seed to go on without a block, with another unit, or with a figure."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

HEADER_MAP, CORRECTION, ANSWER = "header_map.csv", "correction.csv", "gate_answer.csv"
PATTERN = "figure_pattern.csv"


def csv_line(fields: Sequence[object]) -> str:
    """One line of a seed file: a text with a comma inside is quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def ignore_rows(source: str, headers: Sequence[Mapping[str, Any]], year: int, reason: str) -> list[str]:
    """One row of header_map.csv per header that leaves its column out for one year."""
    return [
        csv_line([source, year, year, head["header_key"], "ignore", head["scope"], _unit(head), reason])
        for head in headers
    ]


def unit_rows(source: str, headers: Sequence[Mapping[str, Any]], year: int, unit: str, reason: str) -> list[str]:
    """One row of header_map.csv per header that prints no unit itself, with another unit for one year.

    A unit that the header prints wins over the map, so there is no such row for it.
    """
    return [
        csv_line([source, year, year, head["header_key"], head["variable_code"], head["scope"], unit, reason])
        for head in headers
        if not _text(head.get("header_unit"))
    ]


def keep_row(source: str, cell: Mapping[str, Any], reason: str) -> str:
    """A row of correction.csv that says: the figure of this cell is right as it is printed."""
    return correction_row(source, cell, "keep", "", reason)


def correction_row(source: str, cell: Mapping[str, Any], action: str, value: object, reason: str) -> str:
    """A row of correction.csv about the figure of this cell."""
    figure = [cell["city_id"], int(cell["year"]), cell["variable_code"], cell["scope"]]
    return csv_line([source, "", *figure, action, value, _text(cell["text"]).strip(), reason, "open"])


def answer_row(source: str, data_year: int, rule_id: str, subject: str) -> str:
    """A row of gate_answer.csv: what the rule sees there is right. Who looked and why is for a person to fill in."""
    return csv_line([source, data_year, "", rule_id, subject, "accept", "", ""])


def pattern_row(source: str, data_year: int, pattern: str) -> str:
    """A row of figure_pattern.csv: how all texts of one form are read, and why, is for a person to fill in."""
    return csv_line([source, data_year or "", "", pattern, "", ""])


def _unit(head: Mapping[str, Any]) -> str:
    return _text(head.get("unit")) or _text(head.get("header_unit"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
