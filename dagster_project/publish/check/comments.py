"""A copy of a Word document with what was found as comments; the document itself is opened, never written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster_project.publish.check.finding import Finding
from dagster_project.publish.check.verdicts import RIGHT

AUTHOR = "nqpf check"


def write_commented(document: Any, out: Path, findings: Sequence[Finding]) -> int:
    """Write `document` (whose passages were checked) to `out`, with a comment on every number that is not plainly
    right; returns how many."""
    from docx.text.run import Run

    n = 0
    for finding in findings:
        if finding.passage is None or (finding.verdict in RIGHT and not finding.note):
            continue
        runs = [Run(node, document) for a, b, node in finding.passage.runs if a <= finding.start < b]
        if runs:
            document.add_comment(runs, text=described(finding), author=AUTHOR, initials="nqpf")
            n += 1
    fresh = out.with_name(f".{out.name}.part")
    document.save(str(fresh))
    fresh.replace(out)
    return n


def described(finding: Finding) -> str:
    """The verdict in words, with the published figures."""
    lines = [f"{finding.printed}: {finding.verdict.replace('_', ' ')}" + (f", {finding.note}" if finding.note else "")]
    for one in finding.candidates[:3]:
        unit = f" {one['unit']}" if one["unit"] else ""
        lines.append(f"{one['subject']}, {one['year']}: {one['value']:,.10g}{unit} ({one['key']})")
    return "\n".join(lines)
