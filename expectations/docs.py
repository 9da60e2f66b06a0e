"""Data Docs as a static folder that needs no network: one page per suite, one index for all loads.

Great Expectations renders the content of a page. Its page frame, site builder and static files are left out:
the frame loads styles, scripts and images from seven hosts, the site builder removes the pages of earlier
runs when its context is ephemeral, and nearly all of the 4 MB of static files are fonts and animations.
"""

import html
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from expectations.contract import Baseline, ResultRow
from expectations.judge import JudgedSuite
from expectations.style import STYLE

MAX_LISTED = 20
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
    (docs_dir / "style.css").write_text(STYLE, encoding="utf-8")
    for one in judged:
        (folder / f"{one.name}.html").write_text(_suite_page(one, name), encoding="utf-8")
    summary = _summary(rows, baseline, name=name, accepted=accepted)
    (folder / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
    index = docs_dir / "index.html"
    index.write_text(_index_page(docs_dir), encoding="utf-8")
    return index


def folder_name(name: str) -> str:
    """A name that is safe as a folder (letters, digits, '.', '_', '-'); ValueError if nothing is left."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")
    if not safe:
        raise ValueError(f"'{name}' cannot name a validation: it has no letter and no digit.")
    return safe


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
            {"rule_id": row.rule_id, "suite": row.suite, "severity": row.severity, "sentence": row.sentence}
            for row in rows
            if not row.passed
        ],
    }


def _suite_page(one: JudgedSuite, name: str) -> str:
    body = [f'<p><a href="../index.html">All loads</a></p><h1>{_esc(name)}: {_esc(one.name)}</h1>']
    body += [_finding(row) for row in sorted(one.rows, key=lambda row: row.passed)]
    if one.result is not None:
        body.append('<h2>Record of Great Expectations</h2><div class="gx">')
        body += _gx_sections(one.result)
        body.append("</div>")
    return _page(f"{name}: {one.name}", body, root="../")


def _finding(row: ResultRow) -> str:
    """One rule for people: verdict, sentence, table of the offenders."""
    verdict = "pass" if row.passed else row.severity
    parts = [f'<section class="finding {verdict}"><h2>{_esc(row.rule_id)} <small>{verdict}</small></h2>']
    parts.append(f"<p>{_esc(row.sentence)}</p>")
    if row.details:
        columns = [name for name in row.details[0] if name not in NOT_IN_TABLE and not name.startswith(("is_", "has_"))]
        parts.append('<div class="scroll"><table><thead><tr>')
        parts += [f"<th>{_esc(column)}</th>" for column in columns]
        parts.append("</tr></thead><tbody>")
        for detail in row.details[:MAX_LISTED]:
            parts.append("<tr>" + "".join(f"<td>{_esc(detail[column])}</td>" for column in columns) + "</tr>")
        parts.append("</tbody></table></div>")
        if row.n_unexpected > MAX_LISTED:
            parts.append(f"<p>The first {min(MAX_LISTED, len(row.details))} of {row.n_unexpected:,} are listed.</p>")
        parts += _ready_rows(row)
    return "".join([*parts, "</section>"])


def _ready_rows(row: ResultRow) -> Iterable[str]:
    """Rows that a person can paste into a seed file, one list a file."""
    files: dict[str, dict[str, None]] = {}
    for detail in row.details[:MAX_LISTED]:
        if detail.get("paste_rows"):
            lines = str(detail["paste_rows"]).splitlines()
            files.setdefault(str(detail["paste_into"]), {}).update(dict.fromkeys(lines))
    for file, found in files.items():
        yield f"<p>Ready-made rows for {_esc(file)}:</p><pre>{_esc(chr(10).join(found))}</pre>"


def _gx_sections(result: ExpectationSuiteValidationResult) -> Iterable[str]:
    """The sections that Great Expectations renders for a validation result."""
    for one in result.results:
        _make_lean(one.result)
    sections = ValidationResultsPageRenderer().render(result).to_json_dict()["sections"]
    for number, section in enumerate(sections, start=1):
        rendered = _view().render({"section": section, "section_loop": {"index": number}})
        yield re.sub(r"\n\s*\n+", "\n", _SUITE_LINK.sub(r"\1", rendered))


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


def _index_page(docs_dir: Path) -> str:
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in docs_dir.glob("*/summary.json")]
    summaries.sort(key=lambda one: (one["checked_at"], one["name"]), reverse=True)
    body = ["<h1>Data Docs: loads judged by the gate</h1>"]
    for one in summaries:
        folder = folder_name(one["name"])
        verdict = "accepted" if one["accepted"] else "refused"
        year = one["data_year"] or "several years"
        note = ", synthetic" if one["is_synthetic"] else ""
        body.append(f'<section class="finding {"pass" if one["accepted"] else "error"}">')
        body.append(f"<h2>{_esc(one['name'])} <small>{verdict}</small></h2>")
        body.append(f"<p>{_esc(one['source'])}, {year}{note}; {one['n_rules']} rules; {one['checked_at']}</p>")
        links = [f'<a href="{_esc(folder)}/{_esc(suite)}.html">{_esc(suite)}</a>' for suite in one["suites"]]
        body.append(f"<p>{' · '.join(links)}</p>")
        if one["failed"]:
            items = [f"<li><b>{_esc(f['severity'])}</b> {_esc(f['sentence'])}</li>" for f in one["failed"]]
            body.append(f"<ul>{''.join(items)}</ul>")
        body.append("</section>")
    return _page("Data Docs", body, root="")


def _page(title: str, body: Iterable[str], *, root: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="UTF-8">\n<title>{_esc(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{root}style.css">\n</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _esc(value: object) -> str:
    return "" if value is None else html.escape(str(value))
