"""Data Docs as a static folder that needs no network: one page per suite, one index for all loads,
in English and Chinese. The record of Great Expectations stands on the English pages only.

Great Expectations renders the content of a page. Its page frame, site builder and static files are left out:
the frame loads styles, scripts and images from seven hosts, the site builder removes the pages of earlier
runs when its context is ephemeral, and nearly all of the 4 MB of static files are fonts and animations.
"""

import html
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from expectations.contract import Baseline, ResultRow
from expectations.docs_index import (
    MAX_LISTED,
    Words,
    cell_table,
    cells_of,
    esc,
    folder_name,
    said_of,
    table,
    write_index,
    write_pages,
)
from expectations.judge import JudgedSuite

# columns of a finding that are shown as words, or are long copies of other columns
NOT_IN_TABLE = ("examples", "sentence", "block", "paste_into", "paste_rows", "city_id", "col_no")
_SUITE_LINK = re.compile(r'<a href="[^"]*expectations/[^"]*"\s*>(.*?)</a>', re.DOTALL)


def write(
    judged: Sequence[JudgedSuite],
    rows: Sequence[ResultRow],
    baseline: Baseline,
    *,
    docs_dir: Path,
    name: str,
    accepted: bool,
) -> Path:
    """Write the pages of one load and renew the index; returns the path of the index."""
    folder = docs_dir / folder_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    for one in judged:
        write_pages(folder, one.name, f"{name}: {one.name}", partial(_suite_page, one, name), root="../")
    summary = _summary(rows, baseline, name=name, accepted=accepted)
    (folder / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
    return write_index(docs_dir)


def _summary(rows: Sequence[ResultRow], baseline: Baseline, *, name: str, accepted: bool) -> dict[str, Any]:
    """What the index says about one load; kept as JSON beside its pages, so that later calls can list it."""
    return {
        "name": name,
        "source": baseline.source,
        "data_year": baseline.data_year,
        "is_synthetic": baseline.is_synthetic,
        "accepted": accepted,
        "checked_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "suites": list(dict.fromkeys(row.suite for row in rows)),
        "n_rules": len(rows),
        "failed": [
            {
                "rule_id": row.rule_id,
                "suite": row.suite,
                "severity": row.severity,
                "sentence": row.sentence,
                "n": row.n_unexpected,
                "cells": cells_of(row.details),
            }
            for row in rows
            if not row.passed
        ],
    }


def _suite_page(one: JudgedSuite, name: str, words: Words) -> Iterable[str]:
    yield f'<p><a href="../index{words.end}">{words("Loads of this year")}</a></p>'
    yield f"<h1>{esc(name)}: {esc(words(one.name))}</h1>"
    for row in sorted(one.rows, key=lambda row: row.passed):
        yield from _finding(row, words)
    if one.result is not None and words.tag == "en":
        yield '<h2>Record of Great Expectations</h2><div class="gx">'
        yield from _gx_sections(one.result)
        yield "</div>"


def _finding(row: ResultRow, words: Words) -> Iterable[str]:
    """One rule for people: verdict, the cells, the sentence; in English every column of the cells too."""
    verdict = "pass" if row.passed else row.severity
    yield f'<section class="finding {verdict}" id="{row.rule_id}">'
    yield f"<h2><code>{esc(row.rule_id)}</code> <small>{words(verdict)}</small></h2>"
    shown = row.details[:MAX_LISTED]
    yield from cell_table(cells_of(shown), words)
    yield from said_of(row.rule_id, row.sentence, words, passed=row.passed)
    if shown and words.tag == "en":
        columns = [name for name in shown[0] if name not in NOT_IN_TABLE and not name.startswith(("is_", "has_"))]
        rows = [[esc(detail[column]) for column in columns] for detail in shown]
        yield f"<details><summary>All columns</summary>{table(columns, rows, words)}</details>"
    if shown and row.n_unexpected > MAX_LISTED:
        yield f"<p>{words('The first {n} of {all_} are listed.', n=len(shown), all_=f'{row.n_unexpected:,}')}</p>"
    for file, ready in _ready_rows(shown).items():
        yield f"<p>{words('Ready-made rows for {file}:', file=esc(file))}</p><pre>{esc(chr(10).join(ready))}</pre>"
    yield "</section>"


def _ready_rows(details: Sequence[dict[str, object]]) -> dict[str, dict[str, None]]:
    """Rows that a person can paste into a seed file, one list a file."""
    files: dict[str, dict[str, None]] = {}
    for detail in details:
        if detail.get("paste_rows"):
            lines = str(detail["paste_rows"]).splitlines()
            files.setdefault(str(detail["paste_into"]), {}).update(dict.fromkeys(lines))
    return files


def _gx_sections(result: ExpectationSuiteValidationResult) -> Iterable[str]:
    """The sections that Great Expectations renders for a validation result."""
    for one in result.results:
        _make_lean(one.result)
    sections = ValidationResultsPageRenderer().render(result).to_json_dict()["sections"]
    for number, section in enumerate(sections, start=1):
        rendered = _view().render({"section": section, "section_loop": {"index": number}})
        plain = _SUITE_LINK.sub(r"\1", rendered).replace('table-responsive"', 'table-responsive" tabindex="0"')
        yield re.sub(r"\n\s*\n+", "\n", re.sub(r"<(/?)h[56]\b", r"<\1h3", plain))


@cache
def _view() -> Any:
    """One view for all pages: it compiles its templates once, which is most of the time of a page."""
    return DefaultJinjaSectionView()


def _make_lean(outcome: dict[str, Any]) -> None:
    """Drop the long lists (our own table has the offenders) and escape texts: GX prints them raw."""
    for key in ("unexpected_index_list", "unexpected_index_query", "unexpected_list", "partial_unexpected_index_list"):
        outcome.pop(key, None)
    for count in outcome.get("partial_unexpected_counts") or []:
        count["value"] = _escaped(count["value"])
    for key in ("partial_unexpected_list", "observed_value"):
        if isinstance(outcome.get(key), list):
            outcome[key] = [_escaped(value) for value in outcome[key]]


def _escaped(value: Any) -> Any:
    return html.escape(value) if isinstance(value, str) else value
